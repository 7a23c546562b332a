"""An index over any `Engine`: every question sees one commit, every change is one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import IndexLocked, IndexMismatch, IndexMissing, IndexStoreError, InputError
from ragbraid.hits import ranked
from ragbraid.index import terms
from ragbraid.index.checks import demand_k, text_hash
from ragbraid.index.engine import ledger as ledgers
from ragbraid.index.engine import words, writing
from ragbraid.index.engine.claiming import Claims
from ragbraid.index.engine.fields import named
from ragbraid.index.engine.ledger import Ledger, batches
from ragbraid.index.engine.protocol import Engine, In
from ragbraid.index.engine.retrying import Retrying
from ragbraid.index.engine.view import ASKED, View
from ragbraid.index.filter import parse_filter
from ragbraid.index.prepare import checked_vectors, demand_vectors, prepare
from ragbraid.index.protocol import Change, SourceState
from ragbraid.types import Document, Hit, Scope, Vectors

T = TypeVar("T")
_DEFAULT = Scope()
_TRIES = 20
"""So often a question is asked again of an index that changes under it."""


class EngineIndex:
    """An open index over an engine; any number of threads may use it.

    With `exact`, dense search compares all vectors that may be found. A writer waits for others at most
    `timeout` seconds.
    """

    def __init__(
        self, engine: Engine, embedder: Embedder | None, *, exact: bool = False, timeout: float = 30.0
    ) -> None:
        self._engine = Retrying(engine, timeout)
        self._claims = Claims(self._engine, timeout)
        self._embedder, self._exact = embedder, exact

    @property
    def embedder(self) -> Embedder | None:
        """The embedder whose vectors it holds; None for a lexical index."""
        return self._embedder

    def sources(self, *, metadata: bool = False, scope: Scope = _DEFAULT) -> Iterable[SourceState]:
        """Every stored source, ordered by name."""

        def read(view: View) -> list[SourceState]:
            return view.sources(view.select(scope.filter), scope.filter, metadata)

        try:
            return self._read(scope, read)
        except IndexMissing:
            return []

    def upsert(self, changes: Sequence[Change], *, scope: Scope = _DEFAULT) -> None:
        """Commit the changes as one; all of them or none."""
        if not changes:
            return
        prepared = prepare(changes, scope.collection)
        demand_vectors([each for group in prepared for each in group], self._embedder)
        with self._claims.turn(self._fresh) as turn:
            assert turn is not None
            self._demand_own(turn.ledger)
            writing.purge(self._engine, turn.ledger)
            writing.upsert(self._engine, turn, changes, prepared, scope)

    def delete(self, origins: Sequence[str], *, scope: Scope = _DEFAULT) -> int:
        """Remove origins with all they hold; returns how many there were."""
        if not origins or self._engine.head() is None:
            return 0
        with self._claims.turn(None) as turn:
            if turn is None:
                return 0
            writing.purge(self._engine, turn.ledger)
            found = writing.delete(self._engine, turn, origins, scope)
            if not found:
                turn.end(turn.ledger)
            return found

    def get(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> list[Hit]:
        """The chunks with these ids, in the order asked for, those that aren't there left out."""

        def read(view: View) -> list[Hit]:
            rows = view.named(view.select(scope.filter), ids)
            hits = dict(view.hits(rows.values(), scope))
            return [hits[rows[each].key] for each in ids if each in rows]

        return self._read(scope, read)

    def document(self, source: str, *, scope: Scope = _DEFAULT) -> Document | None:
        """The stored document, also when its file is gone."""

        def read(view: View) -> Document | None:
            if not view.shows(source, scope.filter, view.select(scope.filter)):
                return None
            return view.document(source)

        return self._read(scope, read)

    def chunks(self, source: str, *, scope: Scope = _DEFAULT) -> list[Hit]:
        """The chunks of a source in the order of its text; none where it isn't stored."""

        def read(view: View) -> list[Hit]:
            rows = view.of_source(view.select(scope.filter), source)
            hits = [hit for _, hit in view.hits(rows, scope)]
            return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.id))

        return self._read(scope, read)

    def contexts(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[str, str]:
        """By id, the words that chunks were embedded below, of those in scope that have some."""

        def read(view: View) -> Mapping[str, str]:
            rows = view.named(view.select(scope.filter), ids)
            told = {name: json.loads(each.columns["data"])["context"] for name, each in rows.items()}
            return {name: context for name, context in told.items() if context}

        return self._read(scope, read)

    def search_vector(self, vectors: Vectors, k: int, *, scope: Scope = _DEFAULT) -> list[list[Hit]]:
        """The k nearest chunks by inner product for each row, best first, ties by id."""
        if self._embedder is None:
            raise InputError(
                f"The index at {self._engine.shown} has no embedder, so it can't be searched by vector.",
                "Give it one in the pipeline file (`embedder: …`), or search lexically.",
            )
        queries = checked_vectors(vectors, len(vectors), self._embedder.dimensions, "the question")
        demand_k(k)

        def read(view: View) -> list[list[Hit]]:
            self._demand_own(view.ledger)
            selected, results = view.select(scope.filter), []
            for query in queries:
                found = view.nearest(query, k, selected, self._exact)
                floor = sorted((score for _, score in found), reverse=True)[:k][-1:] or [0.0]
                kept = [(row, score) for row, score in found if score >= floor[0]]
                hits = (hit for _, hit in view.hits((row for row, _ in kept), scope))
                results.append(ranked(hits, "dense", (score for _, score in kept))[:k])
            return results

        return self._read(scope, read)

    def search_text(
        self, queries: Sequence[str], k: int, *, operators: bool = False, scope: Scope = _DEFAULT
    ) -> list[list[Hit]]:
        """The k best chunks by BM25 for each query, ties by id. No text is a syntax error."""
        demand_k(k)

        def read(view: View) -> list[list[Hit]]:
            selected, results = view.select(scope.filter), []
            for query in queries:
                asked = terms.asked(query, view.collection.languages, operators)
                scores = {} if asked is None else words.matching(view, selected, asked, k)
                rows = view.among(selected, "key", sorted(scores), ("data",))
                hits = dict(view.hits(rows, scope))
                results.append(ranked(hits.values(), "lexical", (scores[each] for each in hits))[:k])
            return results

        return self._read(scope, read)

    def document_frequencies(
        self, terms_: Sequence[str], *, scope: Scope = _DEFAULT
    ) -> tuple[int, list[int]]:
        """How many chunks there are, and how many of them hold each word in one of its forms."""

        def read(view: View) -> tuple[int, list[int]]:
            selected = view.select(scope.filter)
            asked = [terms.holding(each, view.collection.languages) for each in terms_]
            return view.count(selected), [words.frequency(view, selected, each) for each in asked]

        return self._read(scope, read)

    def vectors(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Vectors | None:
        """The stored vectors of these chunks, in the order asked for; None without an embedder."""
        if self._embedder is None:
            return None

        def read(view: View) -> Mapping[str, Vectors]:
            self._demand_own(view.ledger)
            return view.vectors(view.select(scope.filter), ids)

        found = self._read(scope, read)
        if unknown := [each for each in ids if named(each) not in found]:
            raise InputError(f"No chunk in scope has the id {unknown[0]!r}.")
        rows = [found[named(each)] for each in ids]
        return np.array(rows, np.float32).reshape(len(ids), self._embedder.dimensions)

    def known_vectors(self, texts: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[int, Any]:
        """Position in `texts` → vector, for those whose embedding is already stored in any collection."""
        del scope
        if (text := self._engine.head()) is None:
            return {}
        self._demand_own(ledgers.read(text, self._engine.shown))
        if self._embedder is None:
            return {}
        hashes = [text_hash(each).hex()[:32] for each in texts]
        found = {
            row.columns["hash"]: row.vector
            for part in batches([*dict.fromkeys(hashes)], ASKED)
            for table in ("spare", "chunks")
            for row in self._engine.rows(table, [In("hash", part)], ("hash",), vector=True)
        }
        return {at: np.asarray(found[each], np.float32) for at, each in enumerate(hashes) if each in found}

    def count(self, *, scope: Scope = _DEFAULT) -> int:
        """How many chunks are in scope."""
        if not scope.filter:
            return self._read(scope, lambda view: view.collection.chunks)
        return self._read(scope, lambda view: view.count(view.select(scope.filter)))

    def collections(self) -> list[str]:
        """The names of the collections that something was ever stored in, in order."""
        return sorted(self._ledger().collections)

    def snapshot(self, target: Path) -> None:
        """Refused: a database is copied by its own tools."""
        self._ledger()
        raise IndexStoreError(
            f"The index at {self._engine.shown} isn't copied to {target} from here.",
            "Use the database's own tools, or `ragbraid index copy`.",
        )

    def close(self) -> None:
        """Let go of the connection. A closed index connects again at the next question."""
        self._engine.close()

    def _read(self, scope: Scope, read: Callable[[View], T]) -> T:
        """What is read of a collection in one committed state."""
        if scope.filter:
            parse_filter(scope.filter)  # a wrong one is told wherever it is asked
        before = self._ledger()
        for _ in range(_TRIES):
            found = read(View(self._engine, before, scope.collection))
            after = self._ledger()
            if after.head == before.head:
                return found
            before = after
        raise IndexLocked(
            f"The index at {self._engine.shown} changes faster than it can be read.",
            "Try again when that ingest is done.",
        )

    def _ledger(self) -> Ledger:
        text = self._engine.head()
        ledger = None if text is None else ledgers.read(text, self._engine.shown)
        if ledger is None or not ledger.head:
            raise IndexMissing(
                f"There is no index at {self._engine.shown}: nothing has been ingested yet.",
                "Run `ragbraid ingest PATH`.",
            )
        return ledger

    def _fresh(self) -> Ledger:
        if self._embedder is None:
            return Ledger(None, None)
        return Ledger(self._embedder.identity, self._embedder.dimensions)

    def _demand_own(self, ledger: Ledger) -> None:
        """Raise `IndexMismatch` where another embedder's vectors are stored."""
        mine = None if self._embedder is None else self._embedder.identity
        if ledger.embedder != mine:
            given = f"is {mine!r}" if mine else "gives none"
            built = f"by the embedder {ledger.embedder!r}" if ledger.embedder else "without an embedder"
            raise IndexMismatch(
                f"The index at {self._engine.shown} was built {built}; this pipeline's {given}.",
                "Use that one, or build a new index under another name.",
            )
