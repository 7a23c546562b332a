"""What lies under the paths that a loader is given: files of this machine, and those that a URL names."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ragbraid.errors import InputError, LoadError
from ragbraid.load import remote
from ragbraid.load.sidecars import Sidecars, is_sidecar, subject
from ragbraid.load.walk import Found, Walk
from ragbraid.types import Skipped, SourceRef

_FRESH_NS = 2_000_000_000
_BLOCK = 1 << 20


def demand(paths: Sequence[str]) -> None:
    """Raise `InputError` for a path of this machine that isn't there."""
    for path in paths:
        if not remote.is_remote(path) and not os.path.lexists(path):
            raise InputError(f"There is no file or folder {path!r}.", "Check how it is written.")


def everything(
    paths: Sequence[str], base: Path, *, hidden: bool, tags: bool = False
) -> Iterator[SourceRef | Skipped]:
    """Name every file under the paths, folders in alphabetical order, what URLs name last.

    With `tags` the tags of objects are asked for. Raises `InputError` for a URL under which there is nothing.
    """
    root = os.path.abspath(base)

    def name(path: str) -> str:
        return source_name(path, root)

    sidecars = Sidecars()
    for found in Walk(hidden, name)([os.path.abspath(each) for each in paths if not remote.is_remote(each)]):
        if isinstance(found, Skipped):
            yield found
        elif not is_sidecar(found.path):
            yield _named(found, name(found.path), sidecars)
        elif (about := subject(found.path)) is not None and not os.path.lexists(about):
            yield Skipped(name(found.path), f"it is about {os.path.basename(about)!r}, which isn't there")
    seen: set[str] = set()
    for url in filter(remote.is_remote, paths):
        for each in remote.listed(url, base, hidden=hidden, tags=tags):
            origin = each.source if isinstance(each, Skipped) else each.origin
            if origin not in seen:
                seen.add(origin)
                yield each


def _named(found: Found, name: str, sidecars: Sidecars) -> SourceRef:
    """A file of this machine, with what is said beside it; without a stamp where that can't be read."""
    told, size = sidecars.about(found.path, found.real), found.status.st_size
    if isinstance(told, LoadError):
        return SourceRef(name, found.path, size, held=told)
    return SourceRef(name, found.path, size, stamp_of(found), metadata=told or None)


def opened(ref: SourceRef, size: float) -> BinaryIO:
    """The bytes of a source; of a remote one a copy is made first. Raises `LoadError`, also beyond `size`."""
    if isinstance(ref.held, remote.Remote):
        return ref.held.opened(int(size))
    if isinstance(ref.held, LoadError):
        raise LoadError(ref.held.message, ref.held.hint)
    try:
        return open(ref.location, "rb")
    except OSError as error:
        raise unreadable(error) from None


def fingerprint(ref: SourceRef, size: float) -> str:
    """The SHA-256 of a source's bytes, read in blocks, in hexadecimal. Raises `LoadError`."""
    digest = hashlib.sha256()
    try:
        with opened(ref, size) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise unreadable(error) from None
    return digest.hexdigest()


def format_name(ref: SourceRef) -> str:
    """The name whose ending tells the format of a source."""
    return ref.held.name if isinstance(ref.held, remote.Remote) else ref.location


def failed(ref: SourceRef) -> bool:
    """Whether a remote source couldn't even be looked at."""
    return isinstance(ref.held, remote.Remote) and ref.held.failure is not None


def source_name(path: str, base: str) -> str:
    """The POSIX path relative to `base` where the file lies inside it, else the absolute one.

    Both are absolute. Bytes of a name that aren't UTF-8 are written as `\\xNN`.
    """
    inside = _inside(path, base)
    if inside is None:  # the same folder may have been reached through a link
        inside = _inside(os.path.realpath(path), os.path.realpath(base))
    return os.fsencode((inside or path).replace(os.sep, "/")).decode("utf-8", "backslashreplace")


def _inside(path: str, folder: str) -> str | None:
    prefix = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def stamp_of(found: Found) -> str:
    """Empty for a file changed a moment ago: one more change within the clock's tick would not show."""
    status = found.status
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) < _FRESH_NS:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def unreadable(error: OSError) -> LoadError:
    """What the system said of a file, as a sentence with a hint."""
    reason = (error.strerror or str(error)).lower()
    return LoadError(f"It can't be read: {reason}.", "Check that it is there, and that you may read it.")
