"""What is there to be read: the sources that the loaders name, and which stored ones the paths cover."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragbraid.errors import InputError
from ragbraid.load.protocol import Loader
from ragbraid.types import Skipped, SourceRef

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True, slots=True)
class Found:
    """A source with the loader that named it, and so reads it."""

    loader: Loader
    ref: SourceRef


@dataclass(frozen=True, slots=True)
class Scan:
    """All that the loaders found under some paths, by origin in the order of the scan."""

    found: dict[str, Found]
    skipped: list[Skipped]
    bases: frozenset[str]
    """The folder that sources are named from, as given and with links followed."""
    places: frozenset[str]
    """The paths, made absolute, as given and with links followed."""
    unseen: set[str] = field(default_factory=set)
    """The skipped places, made absolute."""

    def covers(self, origin: str) -> bool:
        """Whether a scan of these paths would have named the origin, had it been there.

        What lies at or under a skipped place isn't covered: nobody looked.
        """
        places = {_place(origin, each) for each in self.bases}
        return any(_within(each, self.places) for each in places) and not any(
            _within(each, self.unseen) for each in places
        )


def scan(loaders: Sequence[Loader], paths: Sequence[str], base: Path) -> Scan:
    """Ask every loader what there is; nothing is read.

    Raises `InputError` for a path that isn't there, and for an origin that two loaders claim.
    """
    folder = os.path.abspath(base)
    places = [_place(each, os.getcwd()) for each in paths]
    result = Scan({}, [], _with_links_followed([folder]), _with_links_followed(places))
    for loader in loaders:
        for each in loader.scan(paths, Path(folder)):
            if isinstance(each, Skipped):
                result.skipped.append(each)
                result.unseen.update(_place(each.source, root) for root in result.bases)
                continue
            earlier = result.found.setdefault(each.origin, Found(loader, each))
            if earlier.loader is not loader:
                raise InputError(
                    f"Two loaders of this pipeline read {each.origin}.", "Let only one of them name it."
                )
    return result


def has_scheme(name: str) -> bool:
    """Whether a source is a row, an upload or a URL rather than a file."""
    return _SCHEME.match(name) is not None


def _place(name: str, folder: str) -> str:
    return name.rstrip("/") if has_scheme(name) else os.path.normpath(os.path.join(folder, name))


def _with_links_followed(places: list[str]) -> frozenset[str]:
    return frozenset(places) | {os.path.realpath(each) for each in places if not has_scheme(each)}


def _within(place: str, places: Collection[str]) -> bool:
    while place not in places:
        above = os.path.dirname(place)
        if above == place:
            return False
        place = above
    return True
