"""Moves what one index holds into another, of whatever store, without embedding anything again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import groupby
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from ragbraid.errors import IndexDamaged, IndexMismatch, IndexMissing, InputError
from ragbraid.index.metadata import encode
from ragbraid.index.protocol import Change, Entry, Index, SourceState
from ragbraid.text.counted import counted
from ragbraid.types import Chunk, Document, Hit, Scope

BATCH = 2048
_CHARACTERS = 8_000_000
_ROUNDS = 4
"""One that copies, one that compares, and more for what is changed meanwhile."""

_Origins: TypeAlias = dict[str, list[SourceState]]


@runtime_checkable
class HasCollections(Protocol):
    """An index that tells which collections it has."""

    def collections(self) -> list[str]:
        """The names of the collections that something was ever stored in, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Copied:
    """A collection that is the same in both indexes now; `present` of its sources were so before."""

    collection: str
    sources: int
    chunks: int
    present: int


def transfer(
    source: Index,
    target: Index,
    collections: Sequence[str] | None = None,
    *,
    batch: int = BATCH,
    told: Callable[[str, int, int], None] | None = None,
) -> list[Copied]:
    """Copy collections, all of them by default, and compare what came in with what was to.

    Some `batch` chunks are committed at once, and an origin that has more in parts, so that this can be ended
    at any time and started again: what the target has already is compared by its sum, and left alone where it
    is equal. What else the target holds stays. Sources' states are copied too, so that an ingest by the same
    steps reads nothing again. Vectors of tokens aren't copied. `told` is given a collection, and how many of
    its sources are in, of how many.

    Raises `IndexMismatch` where the embedders differ, `InputError` for a collection that isn't there, and
    `IndexDamaged` where the target gives back something else than it was given.
    """
    _demand_one_embedder(source, target)
    there = source.collections() if isinstance(source, HasCollections) else [Scope().collection]
    if unknown := [each for each in collections or () if each not in there]:
        raise InputError(f"There is no collection {unknown[0]!r}.", f"There are {', '.join(there)}.")
    names = there if collections is None else list(dict.fromkeys(collections))
    return [_Collection(source, target, Scope(each), batch).copied(told or _nothing) for each in names]


def _nothing(collection: str, done: int, goal: int) -> None:
    """Tell nobody."""


def _demand_one_embedder(source: Index, target: Index) -> None:
    ours, theirs = (None if each.embedder is None else each.embedder.identity for each in (source, target))
    if ours != theirs:
        raise IndexMismatch(
            f"The first index has vectors of {ours or 'no embedder'}, the second of {theirs or 'none'}.",
            "Give both the same `embedder`: vectors are copied, not made.",
        )
    source.known_vectors([])
    target.known_vectors([])


class _Collection:
    """One collection on its way; `_sound` are the origins that were found equal in both."""

    def __init__(self, source: Index, target: Index, scope: Scope, batch: int) -> None:
        self._source, self._target, self._scope, self._batch = source, target, scope, batch
        self._sound: dict[str, list[SourceState]] = {}

    def copied(self, told: Callable[[str, int, int], None]) -> Copied:
        """Copy what differs until nothing does."""
        present: int | None = None
        for _ in range(_ROUNDS):
            origins = self._origins(self._source)
            differing = self._differing(origins)
            goal = sum(map(len, origins.values()))
            done = goal - sum(len(origins[each]) for each in differing)
            present = done if present is None else present
            told(self._scope.collection, done, goal)
            if not differing:
                chunks = sum(each.chunks for states in origins.values() for each in states)
                return Copied(self._scope.collection, goal, chunks, present)
            for sources in self._copy({each: origins[each] for each in differing}):
                done += sources
                told(self._scope.collection, done, goal)
        raise IndexDamaged(
            f"The collection {self._scope.collection!r} isn't the same in both indexes after "
            f"{_ROUNDS} rounds: {counted(len(differing), 'origin')} of it, {min(differing)!r} among them.",
            "Copy again while nobody writes to either index; if it stays so, check both.",
        )

    def _differing(self, origins: _Origins) -> list[str]:
        held = self._origins(self._target)
        return [each for each, states in origins.items() if not self._is_sound(each, states, held.get(each))]

    def _is_sound(self, origin: str, states: list[SourceState], held: list[SourceState] | None) -> bool:
        if held != states:
            return False
        if self._sound.get(origin) != states:
            if self._sum(self._source, states) != self._sum(self._target, states):
                return False
            self._sound[origin] = states
        return True

    def _copy(self, origins: _Origins) -> Iterator[int]:
        """Commit batch by batch; yields how many sources each brought."""
        held = self._origins(self._target)
        batch: list[Change] = []
        chunks = characters = sources = 0
        for origin, states in origins.items():
            gone = {each.source for each in held.get(origin, ())} - {each.source for each in states}
            parts = _parts(states, self._batch)
            for at, part in enumerate(parts):
                entries = [each for each in map(self._entry, part) if each is not None]
                change = _change(origin, part[0], entries)
                if len(parts) > 1:
                    change = replace(change, partial=True, drops=() if at else tuple(sorted(gone)))
                batch.append(change)
                sources += len(part)
                chunks += sum(each.chunks for each in part)
                characters += sum(len(each.document.text) for each in entries)
                if len(parts) > 1 or chunks >= self._batch or characters >= _CHARACTERS:
                    self._target.upsert(batch, scope=self._scope)
                    yield sources
                    batch, chunks, characters, sources = [], 0, 0, 0
        if batch:
            self._target.upsert(batch, scope=self._scope)
            yield sources

    def _origins(self, index: Index) -> _Origins:
        try:
            states = sorted(index.sources(scope=self._scope), key=lambda each: (each.origin, each.source))
        except IndexMissing:
            return {}
        return {origin: list(group) for origin, group in groupby(states, key=lambda each: each.origin)}

    def _entry(self, state: SourceState) -> Entry | None:
        """A source as it is stored; None for an origin that has none."""
        document = self._source.document(state.source, scope=self._scope)
        if document is None:
            return None
        hits = self._source.chunks(state.source, scope=self._scope)
        names = [each.id for each in hits]
        contexts = self._source.contexts(names, scope=self._scope)
        vectors = self._source.vectors(names, scope=self._scope)
        own = encode(document.metadata, state.source)
        chunks = [
            Chunk(
                each.source, each.start, each.end, each.text,
                {} if encode(each.metadata, state.source) == own else each.metadata,
                each.id, contexts.get(each.id, ""),
            )
            for each in hits
        ]  # fmt: skip
        return Entry(document, chunks, vectors)

    def _sum(self, index: Index, states: Sequence[SourceState]) -> bytes:
        """The SHA-256 of all that an index holds of some sources, vectors to the last bit."""
        found = hashlib.sha256()
        for state in states:
            document = index.document(state.source, scope=self._scope)
            hits = index.chunks(state.source, scope=self._scope)
            names = [each.id for each in hits]
            contexts = index.contexts(names, scope=self._scope)
            vectors = index.vectors(names, scope=self._scope)
            chunks = [_told_hit(each, contexts.get(each.id, "")) for each in hits]
            found.update(repr((document and _told(document), chunks)).encode("utf-8", "surrogatepass"))
            if vectors is not None:
                found.update(np.ascontiguousarray(vectors, "<f4").tobytes())
        return found.digest()


def _change(origin: str, state: SourceState, entries: list[Entry]) -> Change:
    return Change(
        origin, entries, state.fingerprint, state.stamp, state.digest, state.metadata_hash, size=state.size
    )


def _parts(states: Sequence[SourceState], most: int) -> list[list[SourceState]]:
    """An origin's sources in parts of which each is one commit."""
    parts: list[list[SourceState]] = [[]]
    chunks = 0
    for each in states:
        if parts[-1] and (chunks + each.chunks > most or len(parts[-1]) >= most):
            parts.append([])
            chunks = 0
        parts[-1].append(each)
        chunks += each.chunks
    return parts


def _told(document: Document) -> tuple[object, ...]:
    metadata = encode(document.metadata, document.source)
    return (
        document.source, document.text, metadata, document.pages, document.warnings, document.body,
        document.media_type, astuple(document.reading),
    )  # fmt: skip


def _told_hit(hit: Hit, context: str) -> tuple[object, ...]:
    return (
        hit.id, hit.start, hit.end, hit.text, encode(hit.metadata, hit.source), hit.page, hit.page_breaks,
        hit.line, hit.content_hash, context,
    )  # fmt: skip
