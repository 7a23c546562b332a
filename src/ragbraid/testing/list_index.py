"""An index in memory, in plain Python: what a store has to do, and nothing to make it fast."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import IndexStoreError, InputError
from ragbraid.hits import rescored
from ragbraid.index import filter  # noqa: A004 - the module's name
from ragbraid.index.metadata import encode
from ragbraid.index.protocol import Change, Entry, SourceState
from ragbraid.testing.hash_embedder import stems
from ragbraid.testing.words import Searched, matching
from ragbraid.text.context import in_context
from ragbraid.text.lines import line_at
from ragbraid.text.pages import breaks, page_at
from ragbraid.types import Document, Hit, Scope, Vectors

_DEFAULT = Scope()


@dataclass(frozen=True, slots=True)
class ListIndex:
    """Keeps everything in memory and searches it from end to end, for tests.

    Two indexes with a different `name` share nothing. Without an embedder it is lexical only.
    """

    embedder: Embedder | None = None
    name: str = "list"

    def open(self) -> ListIndexRuntime:
        """Make an empty index."""
        return ListIndexRuntime(self.embedder)


@dataclass(frozen=True, slots=True)
class _Row:
    hit: Hit
    embedded: str
    context: str
    vector: Any
    words: Searched


@dataclass(frozen=True, slots=True)
class _Stored:
    collection: str
    state: SourceState
    document: Document
    rows: tuple[_Row, ...]


_Sources = dict[tuple[str, str], _Stored]


class ListIndexRuntime:
    """The index that a `ListIndex` opens; `commits` counts its transactions."""

    def __init__(self, embedder: Embedder | None) -> None:
        self.embedder = embedder
        self.commits = 0
        self._sources: _Sources = {}
        self._lock = threading.Lock()

    def sequence(self) -> str:
        """A mark of what is committed: another one after each commit."""
        return f"{id(self)}/{self.commits}"

    def sources(self, *, metadata: bool = False, scope: Scope = _DEFAULT) -> Iterable[SourceState]:
        """Every stored source in scope, ordered by name."""
        visible = self._visible(scope)
        if metadata:
            return [replace(each.state, metadata=each.document.metadata) for each in visible]
        return [each.state for each in visible]

    def upsert(self, changes: Sequence[Change], *, scope: Scope = _DEFAULT) -> None:
        """Take in all of the changes, or none."""
        with self._lock:
            after = dict(self._sources)
            for change in changes:
                whole = () if change.partial else (change.origin,)
                _remove(after, [*whole, *change.replaces], scope, refuse=True)
                if change.partial:
                    _remove_part(after, change, scope)
                self._add(after, change, scope)
            self._sources = after
            self.commits += 1

    def delete(self, origins: Sequence[str], *, scope: Scope = _DEFAULT) -> int:
        """Remove the origins that are in scope; returns how many there were."""
        with self._lock:
            after = dict(self._sources)
            removed = _remove(after, origins, scope, refuse=False)
            self._sources = after
            self.commits += 1
        return removed

    def get(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> list[Hit]:
        """The chunks with these ids, in the order asked for, those that aren't there left out."""
        rows = {each.hit.id: each.hit for each in self._rows(scope)}
        return [rows[each] for each in ids if each in rows]

    def document(self, source: str, *, scope: Scope = _DEFAULT) -> Document | None:
        """The stored document of a source in scope."""
        stored = self._sources.get((scope.collection, source))
        return stored.document if stored is not None and _in_scope(stored, scope) else None

    def chunks(self, source: str, *, scope: Scope = _DEFAULT) -> list[Hit]:
        """The chunks of a source that are in scope, in the order of its text."""
        found = [each.hit for each in self._rows(scope) if each.hit.source == source]
        return sorted(found, key=lambda hit: (hit.start, hit.end, hit.id))

    def contexts(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[str, str]:
        """By id, the words that chunks were embedded below, of those in scope that have some."""
        return {
            each.hit.id: each.context for each in self._rows(scope) if each.context and each.hit.id in ids
        }

    def search_vector(self, vectors: Vectors, k: int, *, scope: Scope = _DEFAULT) -> list[list[Hit]]:
        """The k nearest chunks for each row by inner product, ties by id."""
        import numpy as np

        queries = np.asarray(vectors, dtype=np.float32)
        _check_vectors(queries, len(queries), self._dimensions())
        rows = self._rows(scope)
        if not rows:
            return [[] for _ in queries]
        scores = queries @ np.stack([each.vector for each in rows]).T
        return [_best(rows, each, k, "dense") for each in scores.tolist()]

    def search_text(
        self, queries: Sequence[str], k: int, *, operators: bool = False, scope: Scope = _DEFAULT
    ) -> list[list[Hit]]:
        """The k best chunks for each query by BM25, among those that share a word with it."""
        rows = self._rows(scope)
        results = []
        for query in queries:
            found = matching([each.words for each in rows], query, operators)
            results.append(_best([rows[at] for at in found], list(found.values()), k, "lexical"))
        return results

    def document_frequencies(self, terms: Sequence[str], *, scope: Scope = _DEFAULT) -> tuple[int, list[int]]:
        """How many chunks there are, and how many hold each term's stem."""
        rows = self._rows(scope)
        return len(rows), [_frequency(rows, stems(each)) for each in terms]

    def vectors(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Vectors | None:
        """The stored vectors of these chunks, in the order asked for."""
        import numpy as np

        if self.embedder is None:
            return None
        rows = {each.hit.id: each.vector for each in self._rows(scope)}
        missing = [each for each in ids if each not in rows]
        if missing:
            raise InputError(f"No chunk has the id {missing[0]!r}.")
        return np.array([rows[each] for each in ids], np.float32).reshape(len(ids), self._dimensions())

    def known_vectors(self, texts: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[int, Any]:
        """Position → vector of the texts that are embedded already, in any collection."""
        del scope
        stored = [row for each in self._sources.values() for row in each.rows if row.vector is not None]
        known = {row.embedded: row.vector for row in stored}
        return {at: known[text] for at, text in enumerate(texts) if text in known}

    def count(self, *, scope: Scope = _DEFAULT) -> int:
        """How many chunks are in scope."""
        return len(self._rows(scope))

    def snapshot(self, target: Path) -> None:
        """Refused: there is nothing on disk."""
        raise IndexStoreError(f"A list index is in memory only and can't be copied to {target}.")

    def close(self) -> None:
        """Forget everything."""
        self._sources = {}

    def _dimensions(self) -> int:
        if self.embedder is None:
            raise InputError("This index holds no vectors.", "Give it an embedder.")
        return self.embedder.dimensions

    def _visible(self, scope: Scope) -> list[_Stored]:
        stored = [each for key, each in sorted(self._sources.items()) if key[0] == scope.collection]
        return [each for each in stored if _in_scope(each, scope)]

    def _rows(self, scope: Scope) -> list[_Row]:
        stored = [each for each in self._sources.values() if each.collection == scope.collection]
        rows = [row for each in stored for row in each.rows]
        if scope.filter:
            node = filter.parse_filter(scope.filter)
            rows = [row for row in rows if _holds(node, row.hit.source, row.hit.metadata)]
        return sorted(rows, key=lambda row: row.hit.id)

    def _add(self, after: _Sources, change: Change, scope: Scope) -> None:
        taken = {row.hit.id for each in after.values() for row in each.rows}
        for entry in change.entries:
            stored = self._stored(change, entry, scope.collection)
            key = (scope.collection, entry.document.source)
            if not entry.document.source or key in after:
                raise InputError(f"The source {entry.document.source!r} is empty, or another origin's.")
            if not _in_scope(stored, scope):
                raise InputError(f"{entry.document.source} lies outside what this caller may write.")
            ids = [row.hit.id for row in stored.rows]
            if len({*ids}) < len(ids) or taken.intersection(ids):
                raise InputError(f"Two chunks have one id in {entry.document.source}.")
            taken.update(ids)
            after[key] = stored

    def _stored(self, change: Change, entry: Entry, collection: str) -> _Stored:
        document = entry.document
        searched = [in_context(each.context, each.text) for each in entry.chunks]
        texts = searched if entry.texts is None else entry.texts
        vectors: Sequence[Any] = [None] * len(texts)
        if self.embedder is not None:
            _check_vectors(entry.vectors, len(entry.chunks), self._dimensions())
            vectors = list(entry.vectors) if entry.vectors is not None else []
        rows = tuple(
            _Row(hit, text, chunk.context, vector, Searched.of(words, hit.metadata))
            for hit, chunk, text, words, vector in zip(
                _hits(entry, collection), entry.chunks, texts, searched, vectors, strict=True
            )
        )
        state = SourceState(document.source, change.origin, "", "", "", "", chunks=len(rows))
        return _Stored(collection, _restated(state, change), document, rows)


def _hits(entry: Entry, collection: str) -> Iterable[Hit]:
    document = entry.document
    content_hash = hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest()
    for chunk in entry.chunks:
        if document.text[chunk.start : chunk.end] != chunk.text:
            raise InputError(f"A chunk of {document.source} isn't the text at its offsets.")
        metadata = {**document.metadata, **chunk.metadata}
        encode(metadata, document.source)
        name = "\0".join((collection, chunk.source, str(chunk.start), str(chunk.end), chunk.text))
        yield Hit(
            id=chunk.id or hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32],
            source=chunk.source,
            start=chunk.start,
            end=chunk.end,
            text=chunk.text,
            metadata=metadata,
            page=page_at(document.pages, chunk.start),
            page_breaks=breaks(document.pages, chunk.start, chunk.end),
            line=line_at(document.text, chunk.start) if document.reading.verbatim else None,
            collection=collection,
            content_hash=content_hash,
        )


def _best(rows: Sequence[_Row], scores: Sequence[float], k: int, stage: str) -> list[Hit]:
    order = sorted(range(len(rows)), key=lambda at: (-scores[at], rows[at].hit.id))[: max(0, k)]
    return rescored([rows[at].hit for at in order], stage, [scores[at] for at in order])


def _frequency(rows: Iterable[_Row], terms: Sequence[str]) -> int:
    return sum(1 for row in rows if terms and all(term in row.words.counts for term in terms))


def _remove(after: _Sources, origins: Sequence[str], scope: Scope, *, refuse: bool) -> int:
    removed = set()
    for key, stored in list(after.items()):
        if stored.collection == scope.collection and stored.state.origin in origins:
            if _in_scope(stored, scope):
                removed.add(stored.state.origin)
                del after[key]
            elif refuse:
                raise InputError(f"{stored.state.origin} lies outside what this caller may write.")
    return len(removed)


def _remove_part(after: _Sources, change: Change, scope: Scope) -> None:
    """Remove what a partial change renews or drops; the state of the origin's other documents is its own."""
    names = {*(each.document.source for each in change.entries), *change.drops}
    for key, stored in list(after.items()):
        if stored.collection == scope.collection and stored.state.origin == change.origin:
            if not _in_scope(stored, scope):
                raise InputError(f"{change.origin} lies outside what this caller may write.")
            if key[1] in names:
                del after[key]
            else:
                after[key] = replace(stored, state=_restated(stored.state, change))


def _restated(state: SourceState, change: Change) -> SourceState:
    return replace(
        state,
        fingerprint=change.fingerprint,
        stamp=change.stamp,
        digest=change.digest,
        metadata_hash=change.metadata_hash,
        size=change.size,
        stored_at=int(time.time()),
    )


def _in_scope(stored: _Stored, scope: Scope) -> bool:
    if not scope.filter:
        return True
    return _holds(filter.parse_filter(scope.filter), stored.document.source, stored.document.metadata)


def _holds(node: filter.Node, source: str, metadata: Mapping[str, Any]) -> bool:
    return filter.holds(node, {"source": source, **json.loads(encode(metadata, source))})


def _check_vectors(vectors: Any, rows: int, dimensions: int) -> None:
    import numpy as np

    if vectors is None or np.shape(vectors) != (rows, dimensions):
        raise InputError(f"Vectors of shape ({rows}, {dimensions}) were expected, not {np.shape(vectors)}.")
    if not np.isfinite(vectors).all() or not np.any(vectors, axis=1).all():
        raise InputError("A vector has NaN in it, or is zero.")
