/* Preloaded into a process, counts its calls that change what lies under one folder, and lets one go wrong.

   faults_arm(folder, at, kind, stays, log): from now on the call number `at` (from 1; 0: none) fails with the error
   `kind`, and where `stays` all that follow do; a `kind` of -1 ends the process in it, a write half done. Where `log`
   is a file, every call is written there with its data, for a simulation of what a power cut leaves.
   faults_note(text) writes a line there. faults_calls() tells how many calls there were. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static int armed, kind, stays, log_fd = -1;
static long at, calls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...)                                                                                        \
    static result (*real)(__VA_ARGS__);                                                                                \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t raw_write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(fd, data, size);
}

static void put(const void *data, size_t size) {
    while (size) {
        ssize_t done = raw_write(log_fd, data, size);
        if (done <= 0) abort();
        data = (const char *)data + done;
        size -= done;
    }
}

void faults_arm(const char *where, long number, int how, int remains, const char *log) {
    if (!realpath(where, folder)) abort();
    at = number, kind = how, stays = remains, calls = 0;
    log_fd = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    armed = 1;
}

void faults_disarm(void) { armed = 0; }
long faults_calls(void) { return calls; }

void faults_note(const char *text) {
    pthread_mutex_lock(&lock);
    if (log_fd >= 0) put(text, strlen(text)), put("\n", 1);
    pthread_mutex_unlock(&lock);
}

static int inside(const char *path) {
    size_t length = strlen(folder);
    return armed && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int absolute(int base, const char *path, char *out) {
    char at_folder[PATH_MAX], link[64];
    if (path[0] == '/') return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
    if (base == AT_FDCWD) {
        if (!getcwd(at_folder, sizeof at_folder)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", base);
        ssize_t size = readlink(link, at_folder, sizeof at_folder - 1);
        if (size < 0) return 0;
        at_folder[size] = 0;
    }
    return snprintf(out, PATH_MAX, "%s/%s", at_folder, path) < PATH_MAX;
}

static int path_concerned(int base, const char *path, char *out) { return armed && absolute(base, path, out) && inside(out); }

static int concerned(int fd, struct stat *status) {
    char link[64], path[PATH_MAX];
    if (!armed || fd < 0 || fd == log_fd) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return inside(path) && !fstat(fd, status);
}

/* Counts a call. 0: let it be done; 1: let it fail, errno is set; 2: end the process in it. */
static int step(void) {
    calls++;
    if (!at || (calls != at && !(stays && calls > at))) return 0;
    if (kind < 0) return 2;
    errno = kind;
    return 1;
}

static void say(const char *format, ...) {
    char line[2 * PATH_MAX + 64];
    va_list rest;
    if (log_fd < 0) return;
    va_start(rest, format);
    int size = vsnprintf(line, sizeof line, format, rest);
    va_end(rest);
    put(line, size);
}

static void say_written(ino_t file, off_t place, const void *data, size_t size) {
    say("write %lu %ld %zu\n", (unsigned long)file, (long)place, size);
    if (log_fd >= 0) put(data, size);
}

#define ENTER pthread_mutex_lock(&lock)
#define LEAVE(value)                                                                                                   \
    do {                                                                                                               \
        int kept = errno;                                                                                              \
        pthread_mutex_unlock(&lock);                                                                                   \
        errno = kept;                                                                                                  \
        return value;                                                                                                  \
    } while (0)

ssize_t write(int fd, const void *data, size_t size) {
    struct stat status;
    if (!concerned(fd, &status)) return raw_write(fd, data, size);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(-1);
    if (verdict == 2) raw_write(fd, data, size / 2), _exit(77);
    int append = fcntl(fd, F_GETFL) & O_APPEND;
    off_t place = append ? status.st_size : lseek(fd, 0, SEEK_CUR);
    ssize_t done = raw_write(fd, data, size);
    if (done > 0) say_written(status.st_ino, place, data, done);
    LEAVE(done);
}

static ssize_t placed(int fd, const void *data, size_t size, off_t place) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
    struct stat status;
    if (!concerned(fd, &status)) return real(fd, data, size, place);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(-1);
    if (verdict == 2) real(fd, data, size / 2, place), _exit(77);
    ssize_t done = real(fd, data, size, place);
    if (done > 0) say_written(status.st_ino, place, data, done);
    LEAVE(done);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t place) { return placed(fd, data, size, place); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t place) { return placed(fd, data, size, place); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    struct stat status;
    if (!concerned(fd, &status)) return real(fd, parts, count);
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0) return all ? all : -1;
        all += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return all;
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    struct stat status;
    if (!armed || !concerned(fileno(file), &status)) return real(data, size, count, file);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(0);
    if (verdict == 2) real(data, 1, size * count / 2, file), fflush(file), _exit(77);
    off_t place = ftello(file);
    size_t done = real(data, size, count, file);
    say_written(status.st_ino, place, data, size * done);
    LEAVE(done);
}

static int synced(int fd, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct stat status;
    if (!concerned(fd, &status)) return real(fd);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(-1);
    if (verdict == 2) _exit(77);
    say("sync %lu\n", (unsigned long)status.st_ino);
    LEAVE(0); /* the system itself is trusted; a real one only takes time */
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

static int cut(int fd, off_t size) {
    REAL(int, "ftruncate64", int, off_t);
    struct stat status;
    if (!concerned(fd, &status)) return real(fd, size);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(-1);
    if (verdict == 2) _exit(77);
    int done = real(fd, size);
    if (!done) say("cut %lu %ld\n", (unsigned long)status.st_ino, (long)size);
    LEAVE(done);
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

static int opened(int base, const char *path, int flags, mode_t mode) {
    REAL(int, "openat64", int, const char *, int, ...);
    char whole[PATH_MAX];
    struct stat before;
    if (!(flags & (O_CREAT | O_TRUNC)) || !path_concerned(base, path, whole)) return real(base, path, flags, mode);
    int there = !stat(whole, &before);
    if (there && !(flags & O_TRUNC)) return real(base, path, flags, mode);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(-1);
    if (verdict == 2) _exit(77);
    int fd = real(base, path, flags, mode);
    struct stat status;
    if (fd >= 0 && !fstat(fd, &status)) {
        if (there) say("cut %lu 0\n", (unsigned long)status.st_ino);
        else say("make %lu %s\n", (unsigned long)status.st_ino, whole);
    }
    LEAVE(fd);
}

#define MODE                                                                                                           \
    mode_t mode = 0;                                                                                                   \
    if (flags & O_CREAT) {                                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int openat(int base, const char *path, int flags, ...) { MODE return opened(base, path, flags, mode); }
int openat64(int base, const char *path, int flags, ...) { MODE return opened(base, path, flags, mode); }

FILE *fopen64(const char *path, const char *mode) {
    REAL(FILE *, "fopen64", const char *, const char *);
    char whole[PATH_MAX];
    if (mode[0] != 'w' || !path_concerned(AT_FDCWD, path, whole)) return real(path, mode);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    return fd < 0 ? NULL : fdopen(fd, mode);
}

FILE *fopen(const char *path, const char *mode) { return fopen64(path, mode); }

static int moved(int from_base, const char *from, int to_base, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    char old[PATH_MAX], new[PATH_MAX];
    if (!path_concerned(from_base, from, old) || !path_concerned(to_base, to, new))
        return real(from_base, from, to_base, to);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(-1);
    if (verdict == 2) _exit(77);
    int done = real(from_base, from, to_base, to);
    if (!done) say("move %s\t%s\n", old, new);
    LEAVE(done);
}

int rename(const char *from, const char *to) { return moved(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int a, const char *from, int b, const char *to) { return moved(a, from, b, to); }

static int removed(int base, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    char whole[PATH_MAX];
    if (!path_concerned(base, path, whole) || faccessat(base, path, F_OK, AT_SYMLINK_NOFOLLOW))
        return real(base, path, flags);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(-1);
    if (verdict == 2) _exit(77);
    int done = real(base, path, flags);
    if (!done) say("remove %s\n", whole);
    LEAVE(done);
}

int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int base, const char *path, int flags) { return removed(base, path, flags); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }

static int folder_made(int base, const char *path, mode_t mode) {
    REAL(int, "mkdirat", int, const char *, mode_t);
    char whole[PATH_MAX];
    struct stat status;
    if (!path_concerned(base, path, whole) || !fstatat(base, path, &status, 0)) return real(base, path, mode);
    ENTER;
    int verdict = step();
    if (verdict == 1) LEAVE(-1);
    if (verdict == 2) _exit(77);
    int done = real(base, path, mode);
    if (!done && !stat(whole, &status)) say("folder %lu %s\n", (unsigned long)status.st_ino, whole);
    LEAVE(done);
}

int mkdir(const char *path, mode_t mode) { return folder_made(AT_FDCWD, path, mode); }
int mkdirat(int base, const char *path, mode_t mode) { return folder_made(base, path, mode); }
