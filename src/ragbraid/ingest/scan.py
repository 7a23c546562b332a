"""What is there to be read: the sources that the loaders name, and which stored ones the paths cover."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragbraid.errors import InputError
from ragbraid.load.protocol import Claiming, Loader, Remembering, Rooted
from ragbraid.load.remote import canonical, is_remote
from ragbraid.types import Gone, Skipped, SourceRef

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
    gone: dict[str, Gone] = field(default_factory=dict)
    """Origins that a loader looked for in vain."""

    def covers(self, origin: str) -> bool:
        """Whether a scan of these paths would have named the origin, had it been there.

        What lies at or under a skipped place isn't covered: nobody looked. What was looked for in vain is.
        """
        if origin in self.gone:
            return True
        places = {_place(origin, each) for each in self.bases}
        return any(_within(each, self.places) for each in places) and not any(
            _within(each, self.unseen) for each in places
        )


def scan(
    loaders: Sequence[Loader],
    paths: Sequence[str],
    base: Path,
    stamps: Callable[[], Mapping[str, str]] = dict,
    on_found: Callable[[str, int], None] | None = None,
) -> Scan:
    """Ask every loader what there is; nothing is read.

    What several loaders name is read by the one that claims it most surely. Loaders that know by themselves
    what they read (`Rooted`) are asked where no path is given, or one of theirs. `stamps` gives the stamp of
    each stored origin, for a loader that makes use of it. `on_found` is told each source's name, and how many
    were found by then. Raises `InputError` for a path that isn't there,
    and for an origin that two loaders would read.
    """
    folder = os.path.abspath(base)
    shares = _shared_out(loaders, paths)
    given = [canonical(each, folder) if is_remote(each) else each for _, share in shares for each in share]
    places = [_place(each, os.getcwd()) for each in given]
    result = Scan({}, [], _with_links_followed([folder]), _with_links_followed(places))
    skipped: dict[str, tuple[Loader, Skipped]] = {}
    for loader, share in shares:
        for each in _named(loader, share, Path(folder), stamps):
            if isinstance(each, Gone):
                result.gone[each.source] = each
                continue
            if isinstance(each, Skipped):
                earlier = skipped.get(each.source)
                if earlier is None or _says_why(loader, each.source) > _says_why(earlier[0], each.source):
                    skipped[each.source] = (loader, each)
                continue
            found = result.found.setdefault(each.origin, Found(loader, each))
            if found.loader is not loader:
                result.found[each.origin] = _surer(found, Found(loader, each))
            if on_found is not None:
                on_found(each.origin, len(result.found))
    for loader, entry in skipped.values():
        rival = result.found.get(entry.source)
        if rival is not None and _claim(rival.loader, entry.source) >= _claim(loader, entry.source):
            continue
        result.found.pop(entry.source, None)
        result.skipped.append(entry)
        result.unseen.update(_place(entry.source, root) for root in result.bases)
    return result


def _named(
    loader: Loader, paths: Sequence[str], base: Path, stamps: Callable[[], Mapping[str, str]]
) -> Iterator[SourceRef | Skipped | Gone]:
    if isinstance(loader, Remembering):
        return loader.scan_since(paths, base, stamps())
    return loader.scan(paths, base)


def _shared_out(loaders: Sequence[Loader], paths: Sequence[str]) -> list[tuple[Loader, Sequence[str]]]:
    """Each loader that has something to do, with its paths."""
    roots = {id(each): tuple(each.roots()) for each in loaders if isinstance(each, Rooted)}
    every = [root for each in roots.values() for root in each]
    if twice := sorted({each for each in every if every.count(each) > 1}):
        raise InputError(f"Two loaders of this pipeline read {twice[0]}.", "Give one of them another name.")
    asked = {_place(each, os.getcwd()): each for each in paths}
    known = {_place(each, "") for each in every}
    rest = [path for place, path in asked.items() if place not in known]
    if rest and len(roots) == len(loaders):
        raise InputError(
            f"The pipeline reads nothing from {rest[0]}: it reads {', '.join(every)}.",
            "Leave the path out, or add a loader such as {type: files} to its ingest.",
        )
    shares: list[tuple[Loader, Sequence[str]]] = []
    for loader in loaders:
        own = roots.get(id(loader))
        share = rest if own is None else [each for each in own if not paths or _place(each, "") in asked]
        shares += [(loader, share)] if share else []
    return shares


def _claim(loader: Loader, origin: str) -> int:
    return loader.claim(origin) if isinstance(loader, Claiming) else 0


def _says_why(loader: Loader, origin: str) -> tuple[int, bool]:
    """The weight of its reason for skipping a source; one for all kinds knows best of strangers."""
    return _claim(loader, origin), not isinstance(loader, Claiming)


def _surer(one: Found, other: Found) -> Found:
    """The one of two loaders that claims an origin more surely. Raises `InputError` where that is neither."""
    claims = [
        (_claim(each.loader, each.ref.origin), isinstance(each.loader, Claiming)) for each in (one, other)
    ]
    if claims[0] == claims[1]:
        raise InputError(
            f"Two loaders of this pipeline read {one.ref.origin}.", "Let only one of them name it."
        )
    return one if claims[0] > claims[1] else other


def has_scheme(name: str) -> bool:
    """Whether a source is a row, an upload or a URL rather than a file."""
    return _SCHEME.match(name) is not None


def _place(name: str, folder: str) -> str:
    if has_scheme(name):
        # A site is one, whether its pages are named by http or https.
        return f"https{name[4:]}".rstrip("/") if name.startswith("http://") else name.rstrip("/")
    return os.path.normpath(os.path.join(folder, name))


def _with_links_followed(places: list[str]) -> frozenset[str]:
    return frozenset(places) | {os.path.realpath(each) for each in places if not has_scheme(each)}


def _within(place: str, places: Collection[str]) -> bool:
    while place not in places:
        above = os.path.dirname(place)
        if above == place:
            return False
        place = above
    return True
