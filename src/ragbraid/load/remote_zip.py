"""The files in a ZIP archive, of this machine or another, within limits that a bomb meets."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from ragbraid.errors import InputError, LoadError

if TYPE_CHECKING:
    from ragbraid.load.remote import Entry, Slot

_BLOCK = 1 << 20
_MOST_FILES = 200_000
_LARGEST_ARCHIVE = 1 << 40
_DENSEST = 1100
"""No honest archive unpacks to more than so many times its size: deflate reaches 1,032."""
_HARMLESS = 100_000_000


@dataclass(slots=True)
class ZipStore:
    """Reads of the archive `outer` what is at or under `inner`; a remote one is copied into `slot`."""

    outer: str
    inner: str
    slot: Slot | None
    _paths: dict[str, str] = field(default_factory=dict)

    def entries(self, tags: bool) -> Iterator[Entry]:
        """The files in it, sorted; what is no file or has no proper name is left out."""
        from ragbraid.load.remote import Entry

        del tags
        with self._opened() as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            self._demand_harmless(members)
            for each in sorted(members, key=lambda member: member.filename):
                path = self._below(each.filename.replace("\\", "/").lstrip("/"))
                if path is not None and path not in self._paths:
                    self._paths[path] = each.filename
                    yield Entry(path, each.file_size, f"{each.CRC:08x}:{each.file_size}:{each.date_time}")
        if not self._paths:
            what = f"{self.inner!r} in {self.outer}" if self.inner else f"file in {self.outer}"
            raise InputError(f"There is no {what}.", "Check how it is written.")

    def copy(self, path: str, write: Callable[[bytes], object]) -> None:
        """Unpack one file."""
        try:
            with self._opened() as archive, archive.open(self._paths[path]) as file:
                while block := file.read(_BLOCK):
                    write(block)
        except RuntimeError:
            raise LoadError("It is protected by a password.", "Unpack it, and ingest that.") from None
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
            raise LoadError(f"It is damaged, or packed in a way that isn't read ({error}).") from None

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        with self._file() as file:
            try:
                archive = zipfile.ZipFile(file)
            except (zipfile.BadZipFile, OSError, ValueError) as error:
                raise LoadError(f"{self.outer} can't be read as a ZIP archive ({error}).") from None
            with archive:
                yield archive

    def _file(self) -> BinaryIO:
        if self.slot is None:
            try:
                return open(self.outer, "rb")
            except FileNotFoundError:
                raise InputError(f"There is no file {self.outer!r}.", "Check how it is written.") from None
            except OSError as error:
                raise LoadError(f"{self.outer} can't be read ({error.strerror}).") from None
        (entry,) = self.slot.store.entries(False)
        if entry.failure is not None:
            raise entry.failure
        return self.slot.copied(entry.path, _LARGEST_ARCHIVE)

    def _below(self, name: str) -> str | None:
        if not self.inner or name == self.inner:
            return name if not self.inner else ""
        return name.removeprefix(f"{self.inner}/") if name.startswith(f"{self.inner}/") else None

    def _demand_harmless(self, members: list[zipfile.ZipInfo]) -> None:
        packed = sum(each.compress_size for each in members)
        unpacked = sum(each.file_size for each in members)
        ends = max((each.header_offset + each.compress_size for each in members), default=0)
        if unpacked > max(_HARMLESS, _DENSEST * min(packed, ends)):
            raise LoadError(f"{self.outer} is a bomb: it says that it unpacks to {unpacked / 1e9:.1f} GB.")
        if len(members) > _MOST_FILES:
            raise LoadError(f"{self.outer} holds {len(members):,} files, more than are read.", "Unpack it.")
