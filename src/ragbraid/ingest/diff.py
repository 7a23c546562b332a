"""Compares what is there with what the index holds, reading as little as it takes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragbraid.errors import LoadError
from ragbraid.index.protocol import Index, SourceState
from ragbraid.ingest.report import Kind
from ragbraid.ingest.scan import Found, Scan, has_scheme, scan
from ragbraid.ingest.stamps import Stamps, adds
from ragbraid.load.protocol import Loader


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has to be done for a source. `replaces` is the former name of a renamed one.

    `restamps` names what is stored of a source where only the metadata stamped on it differs;
    `fingerprint` is then the one it was stored with.
    """

    kind: Kind
    replaces: tuple[str, ...] = ()
    restamps: tuple[str, ...] = ()
    fingerprint: str = ""


class Comparison:
    """The stored state of every origin beside a scan.

    An origin is unchanged when its bytes, the metadata stamped on it and the digest of the ingest steps
    are equal; equal stamps stand for equal bytes. A new origin with the bytes of one whose file is gone
    is that one renamed.
    """

    def __init__(self, index: Index, scan: Scan, digest: str, stamps: Stamps) -> None:
        self._stamps = stamps
        self._digest = digest
        self._known: dict[str, SourceState] = {}
        self._sources: dict[str, list[str]] = {}
        for state in index.sources():
            self._known.setdefault(state.origin, state)
            self._sources.setdefault(state.origin, []).append(state.source)
        self.gone = {each for each in self._known if each not in scan.found and scan.covers(each)}
        """Stored origins that the paths cover and the scan didn't find."""
        self.claimed: set[str] = set()
        """Those among them that have a new name."""
        self._nameless: dict[str, deque[str]] = {}
        for origin in sorted(self.gone):
            self._nameless.setdefault(self._known[origin].fingerprint, deque()).append(origin)

    def verdict(self, found: Found) -> Verdict:
        """Whether the source is new, changed, renamed or unchanged. Raises `LoadError`."""
        known = self._known.get(found.ref.origin)
        if known is None:
            return self._newcomer(found)
        if not is_current(found, known, self._digest):
            return Verdict("changed")
        mark = self._stamps.mark(found.ref)
        if known.metadata_hash == mark:
            return Verdict("unchanged")
        if not adds(known.metadata_hash, mark):
            # What a document says itself under a name that isn't stamped any more must be read again.
            return Verdict("changed")
        held = tuple(self._sources[found.ref.origin])
        return Verdict("changed", restamps=held, fingerprint=known.fingerprint)

    def held(self, origin: str) -> tuple[SourceState | None, list[str]]:
        """What is known of an origin, and the sources that are stored of it."""
        return self._known.get(origin), self._sources.get(origin, [])

    def _newcomer(self, found: Found) -> Verdict:
        if not self._nameless:
            return Verdict("new")
        fingerprint = found.loader.fingerprint(found.ref)
        formers = self._nameless.get(fingerprint)
        if not formers:
            return Verdict("new")
        former = formers.popleft()
        self.claimed.add(former)
        return Verdict("renamed", (former,))


def outdated(
    loaders: Sequence[Loader], states: Iterable[SourceState], digest: str, base: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of stored files, the origins that an ingest of them would read again, and those that are gone.

    Bytes are read only where the stamps differ. What no path names (a row, a page of a site) isn't looked at.
    """
    known = {each.origin: each for each in states}
    places = {each: str(base / each) for each in known if not has_scheme(each)}
    present = [each for each, place in places.items() if os.path.lexists(place)]
    found = scan(loaders, [places[each] for each in present], base).found if present else {}

    def is_stale(origin: str) -> bool:
        try:
            return not is_current(found[origin], known[origin], digest)
        except LoadError:
            return True

    stale = [each for each in present if each in found and is_stale(each)]
    return tuple(sorted(stale)), tuple(sorted(places.keys() - set(present)))


def is_current(found: Found, known: SourceState, digest: str) -> bool:
    """Whether a source's bytes and the ingest steps are those it was stored with. Raises `LoadError`."""
    if known.digest != digest:
        return False
    same_stamp = bool(found.ref.stamp) and found.ref.stamp == known.stamp
    return same_stamp or found.loader.fingerprint(found.ref) == known.fingerprint
