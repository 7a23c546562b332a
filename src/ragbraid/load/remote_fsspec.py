"""Files of any storage that fsspec knows: S3, Google Cloud Storage, Azure, SFTP and others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.errors import InputError, LoadError, MissingDependency, RagbraidError
from ragbraid.load.front_matter import RESERVED
from ragbraid.load.remote import Entry

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_BLOCK = 1 << 20
_MARKS = (
    "ETag",
    "etag",
    "md5Hash",
    "md5",
    "CRC",
    "LastModified",
    "last_modified",
    "updated",
    "mtime",
    "created",
)
"""What storages call that which changes with a file, the surest first."""
_LOCAL = ("file", "local", "")


@dataclass(frozen=True, slots=True)
class FsspecStore:
    """What is at or under a URL; credentials are those that the storage's own library finds."""

    url: str

    def entries(self, tags: bool) -> Iterator[Entry]:
        """Every file, sorted by path; with `tags` those of each object are asked for."""
        system, root = self._system()
        try:
            system.invalidate_cache()
            found: Mapping[str, Mapping[str, Any]] = system.find(root, detail=True)
        except FileNotFoundError:
            found = {}
        except Exception as error:  # each storage's library has its own
            raise self._told(error) from None
        if not found:
            raise InputError(f"There is nothing at {self.url}.", "Check how it is written.")
        for name in sorted(found):
            info = found[name]
            path = name[len(root) :].lstrip("/") if name.startswith(root) else name
            own = self._tags(system, name) if tags else {}
            yield Entry(path, int(info.get("size") or 0), _stamp(info), "", own)

    def copy(self, path: str, write: Callable[[bytes], object]) -> None:
        """Fetch one file in blocks."""
        system, root = self._system()
        try:
            with system.open(f"{root}/{path}" if path else root, "rb") as file:
                while block := file.read(_BLOCK):
                    write(block)
        except RagbraidError:
            raise
        except FileNotFoundError:
            raise LoadError("It isn't there any more.", "Ingest again.") from None
        except Exception as error:
            raise self._told(error) from None

    def _system(self) -> tuple[AbstractFileSystem, str]:
        scheme = self.url.partition(":")[0].lower()
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise MissingDependency(
                f"Reading {scheme}:// needs the package fsspec.",
                "Install it with: pip install 'ragbraid[remote]'.",
            ) from None
        try:
            system, root = url_to_fs(self.url)
        except ImportError as error:
            text = " ".join(str(error).split()).rstrip(".")
            raise MissingDependency(f"Reading {scheme}:// needs another package: {text}.") from None
        except ValueError:
            raise InputError(
                f"No storage is called {scheme!r}.", "Write s3://, gs://, https:// or a path."
            ) from None
        except Exception as error:
            raise self._told(error) from None
        return system, str(root).rstrip("/")

    def _tags(self, system: AbstractFileSystem, path: str) -> Mapping[str, str]:
        reader = getattr(system, "get_tags", None)
        if reader is None:
            raise InputError(f"{self.url} has no tags.", "Leave out `tags`.")
        try:
            found = {str(key): str(value) for key, value in sorted(reader(path).items())}
        except Exception as error:
            raise self._told(error) from None

        return {key: value for key, value in found.items() if key not in RESERVED and key[:1] != "$"}

    def _told(self, error: Exception) -> LoadError:
        text = " ".join(str(error).split())[:200].rstrip(".")
        return LoadError(
            f"{self.url} can't be read: {type(error).__name__}{': ' if text else ''}{text}.",
            "Check that it is there, and the credentials in the environment.",
        )


def _stamp(info: Mapping[str, Any]) -> str:
    for mark in _MARKS:
        if info.get(mark):
            return f"{mark} {info[mark]} {info.get('size')}"
    return ""
