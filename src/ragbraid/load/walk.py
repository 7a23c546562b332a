"""Walking folders: in a fixed order, without what is ignored, and round no loop of links."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragbraid.errors import MissingDependency
from ragbraid.load import own_output
from ragbraid.types import Skipped

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

NEVER = (".git", ".ragbraid", "ragbraid.yaml")
"""What lies beside documents and is none, unless it is named."""

Ignores = tuple[tuple[str, "GitIgnoreSpec"], ...]
"""Folder → what its `.gitignore` says, outermost first."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file as the walk met it."""

    path: str
    status: os.stat_result
    real: str
    """The path with links followed."""


class Walk:
    """One pass over some paths: every real file once, links after what isn't one."""

    def __init__(self, hidden: bool, name: Callable[[str], str]) -> None:
        self._hidden = hidden
        self._name = name
        self._seen: set[str] = set()
        self._links: list[tuple[str, Ignores]] = []

    def __call__(self, paths: list[str]) -> Iterator[Found | Skipped]:
        """Files under absolute `paths`; a path given by name is taken even where it is hidden or ignored."""
        for path in paths:
            real = os.path.realpath(path)
            if os.path.isdir(path):
                yield from self._folder(path, real, ignores_above(path))
            else:
                yield from self._file(path, real)
        while self._links:
            links, self._links = self._links, []
            for path, ignores in links:
                yield from self._link(path, ignores)

    def _folder(self, path: str, real: str, ignores: Ignores) -> Iterator[Found | Skipped]:
        if real in self._seen:
            return
        self._seen.add(real)
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda each: each.name)
        except OSError as error:
            yield Skipped(self._name(path), f"the folder can't be listed: {_why(error)}")
            return
        names = {each.name for each in entries}
        if (ours := own_output.of_folder(path, names)) is not None:
            yield Skipped(self._name(path), ours)
            return
        if ".gitignore" in names:
            ignores = (*ignores, *_read_ignores(path))
        for each in entries:
            if each.name in NEVER or (each.name.startswith(".") and not self._hidden):
                continue
            is_folder = each.is_dir(follow_symlinks=False)
            if ignores and ignored(each.path, is_folder, ignores):
                continue
            if each.is_symlink():
                self._links.append((each.path, ignores))
            elif is_folder:
                yield from self._folder(each.path, os.path.join(real, each.name), ignores)
            else:
                yield from self._file(each.path, os.path.join(real, each.name))

    def _link(self, path: str, ignores: Ignores) -> Iterator[Found | Skipped]:
        real = os.path.realpath(path)
        if not os.path.exists(real):
            yield Skipped(self._name(path), "it is a link to nothing")
        elif os.path.isdir(real):
            yield from self._folder(path, real, ignores)
        else:
            yield from self._file(path, real)

    def _file(self, path: str, real: str) -> Iterator[Found | Skipped]:
        if real in self._seen:
            return
        self._seen.add(real)
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            yield Skipped(self._name(path), "its name isn't valid UTF-8: rename it")
            return
        try:
            status = os.stat(path)
        except OSError as error:
            yield Skipped(self._name(path), f"it can't be read: {_why(error)}")
            return
        if not stat.S_ISREG(status.st_mode):
            yield Skipped(self._name(path), "it isn't a regular file")
        else:
            yield Found(path, status, real)


def ignores_above(folder: str) -> Ignores:
    """The `.gitignore` files of the folders above, up to the repository's root, where they reach here."""
    above: list[str] = []
    current = Path(folder)
    while not (current / ".git").exists():
        if current.parent == current:
            return ()
        current = current.parent
        above.append(str(current))
    ignores: Ignores = ()
    for each in reversed(above):
        ignores = (*ignores, *_read_ignores(each))
    return () if ignored(folder, True, ignores) else ignores


def ignored(path: str, is_folder: bool, ignores: Ignores) -> bool:
    """Whether an absolute path is ignored; the innermost `.gitignore` that knows it decides."""
    for folder, spec in reversed(ignores):
        inside = path[len(folder) :].replace(os.sep, "/").lstrip("/")
        decision = spec.check_file(f"{inside}/" if is_folder else inside).include
        if decision is not None:
            return decision
    return False


def globs(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    """Patterns as `.gitignore` writes them, ready to match."""
    try:
        from pathspec import GitIgnoreSpec
    except ImportError:
        raise MissingDependency(
            "Reading folders needs the package pathspec.", "Install it with: pip install 'ragbraid[local]'."
        ) from None
    return GitIgnoreSpec.from_lines(patterns)


def _read_ignores(folder: str) -> Ignores:
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = tuple(file.read().splitlines())
    except OSError:
        return ()
    return ((folder, globs(lines)),)


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
