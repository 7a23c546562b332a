"""Metadata files beside documents: who may see a file, of which year it is, and what else it says nowhere.

`plan.pdf.meta.yaml` is about `plan.pdf` beside it, `_meta.yaml` about all files in its folder and below. The
nearer one wins, name by name. A file that is reached through a link has what holds where it lies, too. Such a
file that can't be read, or is empty or broken, keeps the files that it is about from being read: it may say
who may see them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ragbraid.errors import LoadError
from ragbraid.load.front_matter import MOST_CHARACTERS, BrokenError, parse, reserved

FOLDER = "_meta.yaml"
SUFFIX = ".meta.yaml"

_HINT = "Mend it: until then nothing that it is about is read, since it may say who may see it."


def is_sidecar(path: str) -> bool:
    """Whether a file is about others, and no document."""
    name = os.path.basename(path)
    return name == FOLDER or (name.endswith(SUFFIX) and name != SUFFIX)


def subject(path: str) -> str | None:
    """The file that a sidecar is about; None where it is about a folder."""
    return None if os.path.basename(path) == FOLDER else path.removesuffix(SUFFIX)


class Sidecars:
    """What the files beside documents say of them; each folder is listed once."""

    def __init__(self) -> None:
        self._folders: dict[str, Mapping[str, Any] | LoadError] = {}
        self._names: dict[str, frozenset[str] | None] = {}

    def about(self, path: str, real: str) -> Mapping[str, Any] | LoadError:
        """The metadata of a file, by its absolute path and the one with links followed; or what is broken."""
        here = self._of(path)
        return here if real == path else merged(self._of(real), here)

    def _of(self, path: str) -> Mapping[str, Any] | LoadError:
        folder, name = os.path.split(path)
        if folder not in self._names:
            self._names[folder] = _listed(folder)
        names, held = self._names[folder], self._folder(folder)
        # A folder that can't be listed can be entered all the same.
        there = os.path.lexists(path + SUFFIX) if names is None else name + SUFFIX in names
        return merged(held, _read(path + SUFFIX)) if there else held

    def _folder(self, folder: str) -> Mapping[str, Any] | LoadError:
        """What holds for all files of a folder, from the outermost one inwards."""
        if folder not in self._folders:
            above, name = os.path.split(folder)
            held = self._folder(above) if name else {}
            place = os.path.join(folder, FOLDER)
            self._folders[folder] = merged(held, _read(place)) if os.path.lexists(place) else held
        return self._folders[folder]


def merged(
    outer: Mapping[str, Any] | LoadError, inner: Mapping[str, Any] | LoadError
) -> Mapping[str, Any] | LoadError:
    """Both, the inner one before the outer one; or what is broken of them."""
    if isinstance(outer, LoadError):
        return outer
    if isinstance(inner, LoadError):
        return inner
    return {**outer, **inner} if inner and outer else inner or outer


def _listed(folder: str) -> frozenset[str] | None:
    """The names of the sidecars of files in a folder; None where it can't be listed."""
    try:
        return frozenset(each for each in os.listdir(folder) if each.endswith(SUFFIX))
    except OSError:
        return None


def _read(path: str) -> Mapping[str, Any] | LoadError:
    name = os.path.basename(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except OSError as error:
        return LoadError(f"{name} can't be read ({(error.strerror or str(error)).lower()}).", _HINT)
    except UnicodeDecodeError:
        return LoadError(f"{name} isn't UTF-8.", _HINT)
    if len(text) > MOST_CHARACTERS:
        return LoadError(f"{name} is longer than {MOST_CHARACTERS // 1024} KB.", _HINT)
    try:
        found = parse(text)
    except BrokenError as error:
        return LoadError(f"{name}, line {error.line}: it isn't valid YAML ({error}).", _HINT)
    if not found:
        return LoadError(f"{name} is empty.", _HINT)
    if wrong := sorted(each for each in found if reserved(each)):
        return LoadError(f"{name} can't set {', '.join(wrong)}.", _HINT)
    return found
