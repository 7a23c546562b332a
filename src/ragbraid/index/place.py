"""Which file system a folder lies on, to refuse those that several machines share.

SQLite's write-ahead log needs memory that all who have it open share, and locks that hold: on a network file
system neither can be relied on (https://sqlite.org/wal.html, section 1), and an index would be damaged.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ragbraid.errors import IndexStoreError

_SHARED = {
    "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.curlftpfs", "fuse.davfs2",
    "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs", "webdav",
}  # fmt: skip
"""Names of such file systems on Linux and macOS."""
_MOUNTS = Path("/proc/self/mounts")
_DRIVE_REMOTE = 4


def demand_local(folder: Path) -> None:
    """Raise `IndexStoreError` for a folder on a network file system, be it there yet or not."""
    name = _file_system(os.path.realpath(folder))
    if name in _SHARED:
        raise IndexStoreError(
            f"The index at {folder} would lie on a network file system ({name}), where its locks and its "
            "write-ahead log can't be relied on.",
            "Put it on a disk of this machine; `ragbraid index snapshot` copies an index to anywhere.",
        )


def _file_system(path: str) -> str:
    """The name of the file system; empty where this machine doesn't tell."""
    if sys.platform == "win32":
        return _on_windows(path)
    if sys.platform == "darwin":
        return _on_macos(path)
    try:
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    longest, name = -1, ""
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        place = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), place)
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= longest:  # what is mounted later lies above
            longest, name = len(place), kind
    return name


def _on_windows(path: str) -> str:
    import ctypes

    drive = os.path.splitdrive(path)[0] + "\\"
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - there on Windows alone
    return "smb3" if kernel.GetDriveTypeW(drive) == _DRIVE_REMOTE else ""


def _on_macos(path: str) -> str:
    """The field `f_fstypename` of statfs(2)."""
    import ctypes

    while not os.path.exists(path):
        path = os.path.dirname(path)
    library, told = ctypes.CDLL(None), ctypes.create_string_buffer(4096)
    statfs = getattr(library, "statfs$INODE64", None) or library.statfs
    return "" if statfs(os.fsencode(path), told) else told.raw[72:88].split(b"\0")[0].decode()
