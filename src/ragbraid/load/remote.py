"""Files that URLs name: what is under one, and a copy of each while it is read."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ragbraid.errors import InputError, LoadError
from ragbraid.types import Skipped, SourceRef

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_ARCHIVE = re.compile(r"zip://(?P<archive>.+?\.zip)(?:/(?P<inner>.*))?", re.IGNORECASE | re.DOTALL)
_CHAINED = re.compile(r"zip://(?P<inner>.*?)::(?P<archive>.+)", re.IGNORECASE | re.DOTALL)
_SECRET = re.compile(
    r"x-(?:amz|goog|ms)-.*|sig|signature|awsaccesskeyid|googleaccessid|se|sp|sv|st|sr|skoid"
    r"|.*(?:token|secret|passw|api_?key|access_?key|credential).*|key|auth",
    re.IGNORECASE,
)


_COPIES = 4 + 2 * (os.cpu_count() or 1)
"""Files that are kept: more than there are threads that read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a store: its path below what was asked for, and what tells whether it changed."""

    path: str
    size: int = 0
    stamp: str = ""
    name: str = ""
    """A name that tells its format, where the path's ending doesn't."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    failure: LoadError | None = None


class Store(Protocol):
    """Where remote files are."""

    def entries(self, tags: bool) -> Iterator[Entry]:
        """Everything there, sorted by path. Raises `InputError` where there is nothing, `LoadError`."""
        ...

    def copy(self, path: str, write: Callable[[bytes], object]) -> None:
        """Write a file's bytes in blocks. Raises `LoadError`, and whatever `write` raises."""
        ...


def is_remote(path: str) -> bool:
    """Whether a path is a URL, and no file of this machine."""
    return _URL.match(path) is not None and not os.path.lexists(path)


def canonical(url: str, base: str) -> str:
    """The name of what a URL names, of which the names of all that is under it begin; without credentials."""
    if (archive := _archive_of(url)) is not None:
        from ragbraid.load.places import source_name

        outer, inner = archive
        outer = canonical(outer, base) if is_remote(outer) else source_name(os.path.abspath(outer), base)
        return f"zip://{outer}/{inner}".rstrip("/")
    if url.lower().startswith(("http://", "https://")):
        return _public(url)
    return url.rstrip("/")


def listed(url: str, base: Path, *, hidden: bool, tags: bool) -> Iterator[SourceRef | Skipped]:
    """Name every file under a URL. Raises `InputError` where there is none, and `LoadError`."""
    if "@" in urlsplit(url).netloc and not url.startswith(("sftp:", "ssh:")):
        raise InputError(
            f"{_public(url)} was given with a name or password, which would be stored.",
            "Leave them to the environment, as the storage's own tools read them.",
        )
    store, root = _store(url), canonical(url, os.path.abspath(base))
    slot = Slot(store)
    for each in store.entries(tags):
        parts = PurePosixPath(each.path).parts
        if any(part.startswith(".") for part in parts) and (not hidden or ".." in parts):
            continue
        origin = f"{root}/{each.path}" if each.path else root
        name = each.name or PurePosixPath(origin).name
        held = Remote(slot, each.path, name, each.failure)
        yield SourceRef(origin, origin, each.size, each.stamp, held, each.metadata or None)


@dataclass(frozen=True, slots=True)
class Remote:
    """What a loader keeps of a remote file between its scan and its loading."""

    slot: Slot
    path: str
    name: str
    failure: LoadError | None = None

    def opened(self, size: int) -> BinaryIO:
        """Its bytes, from a copy on disk. Raises `LoadError` for more than `size` of them."""
        if self.failure is not None:
            raise LoadError(self.failure.message, self.failure.hint)
        return self.slot.copied(self.path, size)


class Slot:
    """Copies of those files of a store that were asked for last; the older ones are gone with that.

    Several threads may use it, each for files of its own.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._folder = tempfile.mkdtemp(prefix="ragbraid-")
        self._copies: dict[str, str] = {}
        self._coming: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def holds(self, path: str) -> bool:
        """Whether there is a copy of a file."""
        return path in self._copies

    def copied(self, path: str, size: int) -> BinaryIO:
        """The copy of a file, open for reading. Raises `LoadError`, also for more than `size` bytes."""
        with self._lock:
            coming = self._coming.setdefault(path, threading.Lock())
        with coming:
            with self._lock:
                place = self._copies.pop(path, None)
            if place is None:
                place = self._fetched(path, size)
            opened = open(place, "rb")  # noqa: SIM115 - while no other thread can know of it, and remove it
            with self._lock:
                old = {self._copies.pop(path, place)} - {place}
                self._copies[path] = place  # the last one of them now
                old |= {self._copies.pop(each) for each in list(self._copies)[:-_COPIES]}
                for each in set(self._coming).difference(self._copies, [path]):
                    if not self._coming[each].locked():
                        del self._coming[each]
        for each in old:
            _remove(each)
        return opened

    def _fetched(self, path: str, size: int) -> str:
        copied = 0
        number, place = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(number, "wb") as file:

            def write(block: bytes) -> None:
                nonlocal copied
                copied += len(block)
                if copied > size:
                    limit = f"`max_mb` ({size / 1e6:g} MB)"
                    raise LoadError(f"It is larger than {limit}.", "Raise `max_mb`.")
                file.write(block)

            try:
                self.store.copy(path, write)
            except BaseException:
                file.close()
                _remove(place)
                raise
        return place


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _store(url: str) -> Store:
    scheme = url.partition(":")[0].lower()
    if (archive := _archive_of(url)) is not None:
        from ragbraid.load.remote_zip import ZipStore

        outer, inner = archive
        return ZipStore(
            outer if is_remote(outer) else os.path.abspath(outer),
            inner,
            Slot(_store(outer)) if is_remote(outer) else None,
        )
    if scheme in ("http", "https"):
        from ragbraid.load.remote_http import HttpStore

        return HttpStore(url, _public(url))
    if scheme == "zip":
        raise InputError(f"{url} names no archive.", "Write zip://PATH.zip, or zip://PATH.zip/FOLDER.")
    from ragbraid.load.remote_fsspec import FsspecStore

    return FsspecStore(url)


def _archive_of(url: str) -> tuple[str, str] | None:
    """The archive that a `zip://` URL names, and what is meant in it; None for another URL."""
    found = _CHAINED.fullmatch(url) or _ARCHIVE.fullmatch(url)
    return None if found is None else (found["archive"], (found["inner"] or "").strip("/"))


def _public(url: str) -> str:
    """A web address in one form, without names, passwords and signatures."""
    from ragbraid.load.html_links import address

    parts = urlsplit(address(url, url) or url)
    host = parts.netloc.rpartition("@")[2]
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(key, value) for key, value in query if not _SECRET.fullmatch(key)]
    return urlunsplit(
        (parts.scheme, host, parts.path, urlencode(kept) if len(kept) < len(query) else parts.query, "")
    )
