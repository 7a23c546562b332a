"""What the operating system tells of changes under some paths, gathered until they settle."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbraid.errors import MissingDependency, RagbraidError
from ragbraid.load.sidecars import FOLDER, SUFFIX
from ragbraid.load.walk import NEVER

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

TICK = 0.5
"""Seconds between looks at the paths themselves, which no notice tells of."""
_POLL_MS = 300


class Notices:
    """Waits for changes under folders (told by the system) and of single files (looked at each tick).

    Single are also the files around that say something of what lies under the paths: see `_around`. A folder
    that vanishes isn't told of any more; when it is there again, it is watched anew. What lies in `ignore`,
    or in folders that never hold documents, is no change.
    """

    def __init__(self, paths: Sequence[str], ignore: Sequence[Path], stopped: threading.Event) -> None:
        self._paths = tuple(paths)
        self._roots = _as_told(self._paths)
        self._ignore = _as_told(ignore)
        self._stopped = stopped
        self._marks = {each: _mark(each) for each in self._paths}
        self._around = {each: _mark(each) for each in _around(self._roots)}
        self._notify = self._opened()
        self.replaced: set[str] = set()
        """Folders that weren't the same all the time between the last two returns of `wait`."""

    def wait(self, quiet: float, most: float) -> bool:
        """Return once something changed and nothing more did for `quiet` seconds, or after `most` of them.

        False where it was stopped. Raises `KeyboardInterrupt`.
        """
        self.replaced = set()
        while not self._stopped.is_set():
            told = self._told(quiet, most)
            if self._look() or told:
                return not self._stopped.is_set()
        return False

    def close(self) -> None:
        """Stop listening."""
        if self._notify is not None:
            self._notify.close()
            self._notify = None

    def _told(self, quiet: float, most: float) -> bool:
        if self._notify is None:
            self._stopped.wait(TICK)
            return False
        told = self._notify.watch(int(most * 1000), int(quiet * 1000), int(TICK * 1000), self._stopped)
        if told == "signal":
            raise KeyboardInterrupt
        return not isinstance(told, str) and any(self._matters(path) for _, path in told)

    def _matters(self, path: str) -> bool:
        if any(_is_within(path, each) for each in self._ignore):
            return False
        inside = [path[len(each) :].split(os.sep) for each in self._roots if _is_within(path, each)]
        return any(not set(each).intersection(NEVER) for each in inside)

    def _look(self) -> bool:
        """Whether one of the paths itself changed; a folder that is another one is watched anew."""
        around, self._around = self._around, {each: _mark(each) for each in self._around}
        marks = {each: _mark(each) for each in self._paths}
        others = {each for each in self._paths if marks[each] != self._marks[each]}
        folders = {each for each in others if _is_folder(marks[each]) or _is_folder(self._marks[each])}
        self._marks = marks
        self.replaced |= folders
        if folders:
            self.close()
            self._notify = self._opened()
        return bool(others) or around != self._around

    def _opened(self) -> RustNotify | None:
        try:
            from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError
        except ImportError:
            raise MissingDependency(
                "Watching folders needs the package watchfiles.",
                "Install it with: pip install 'ragbraid[local]'.",
            ) from None
        folders = [each for each, mark in self._marks.items() if _is_folder(mark)]
        if not folders:
            return None
        try:
            return RustNotify(folders, False, _polls(), _POLL_MS, True, True)
        except FileNotFoundError:  # gone in this very moment, which the next look finds
            self._marks = {each: _mark(each) for each in self._paths}
            return None
        except (OSError, WatchfilesRustInternalError) as error:
            raise RagbraidError(
                f"The system can't watch {', '.join(folders)} ({error}).",
                "Set WATCHFILES_FORCE_POLLING=1, or raise the limit (on Linux fs.inotify.max_user_watches).",
            ) from error


def _mark(path: str) -> tuple[Any, ...] | None:
    """What tells a path from another of its name: for a file its state, too."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if os.path.isdir(path):
        return ("folder", status.st_dev, status.st_ino)
    return ("file", status.st_ino, status.st_size, status.st_mtime_ns)


def _around(paths: Sequence[str]) -> Iterator[str]:
    """The files beside and above that may be about what lies under these paths."""
    for path in paths:
        yield path + SUFFIX
        for above in Path(path).parents:
            yield from (str(above / name) for name in (FOLDER, ".gitignore"))


def _as_told(paths: Sequence[str | Path]) -> tuple[str, ...]:
    """The ways in which a system may name what lies at these paths: as given, or with links followed."""
    return tuple({name for each in paths for name in (os.path.abspath(each), os.path.realpath(each))})


def _polls() -> bool:
    """Whether watchfiles shall look at every file again and again, for file systems that tell nothing."""
    return os.environ.get("WATCHFILES_FORCE_POLLING", "").lower() not in ("", "false", "disable", "disabled")


def _is_folder(mark: tuple[Any, ...] | None) -> bool:
    return mark is not None and mark[0] == "folder"


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
