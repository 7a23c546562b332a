"""The index of one schema: every question and every change is a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import IndexDamaged, IndexMismatch, IndexMissing, IndexStoreError, InputError
from ragbraid.hits import rescored
from ragbraid.index import terms as by_words
from ragbraid.index.checks import demand_k, text_hash
from ragbraid.index.filter import parse_filter
from ragbraid.index.prepare import checked_vectors, demand_vectors, prepare
from ragbraid.index.protocol import Change, SourceState
from ragbraid.secret import Secret
from ragbraid.text.counted import counted
from ragbraid.types import Document, Hit, Scope, Vectors
from ragbraid_pgvector import reading, structure, tables, writing
from ragbraid_pgvector.sessions import Session, Sessions
from ragbraid_pgvector.structure import Structure
from ragbraid_pgvector.tables import State

T = TypeVar("T")
_DEFAULT = Scope()
_GROWN = 1000
"""From so many new chunks on, the planner is told of them at once."""


class PgVectorRuntime:
    """An open index; any number of threads may use it, and other processes beside it."""

    def __init__(
        self, url: Secret, embedder: Embedder | None, schema: str, kind: Structure, timeout: float
    ) -> None:
        self._embedder, self._structure = embedder, kind
        self._sessions = Sessions(url, schema, timeout)

    @property
    def embedder(self) -> Embedder | None:
        """The embedder whose vectors it holds; None for a lexical index."""
        return self._embedder

    def sources(self, *, metadata: bool = False, scope: Scope = _DEFAULT) -> Iterable[SourceState]:
        """Every stored source, ordered by name; where vectors are missing, without its digest."""

        def read(session: Session, state: State, collection: int) -> list[SourceState]:
            bare = None if state.embedder is None else True
            lacking = False if self._embedder is None else bare
            return reading.sources(session, scope, collection, metadata, lacking)

        try:
            return self._read(scope, read, [])
        except IndexMissing:
            return []

    def upsert(self, changes: Sequence[Change], *, scope: Scope = _DEFAULT) -> None:
        """Commit the changes as one transaction; all of them or none."""
        if not changes:
            return
        prepared = prepare(changes, scope.collection)
        demand_vectors([each for group in prepared for each in group], self._embedder)
        with self._sessions.writing() as session:
            tables.create(session)
            self._demand_own(session, tables.state(session, scope.collection), begin=True)
            new = writing.upsert(session, changes, prepared, scope)
            if new >= _GROWN:
                session.run("ANALYZE {s}.chunks")
        self._catch_up()

    def delete(self, origins: Sequence[str], *, scope: Scope = _DEFAULT) -> int:
        """Remove origins with all they hold; returns how many there were."""
        if not origins:
            return 0
        with self._sessions.writing() as session:
            if not tables.exists(session):
                return 0
            state = tables.state(session, scope.collection)
            if state.collection is None:
                return 0
            return writing.remove(session, state.collection, origins, scope.filter)

    def get(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> list[Hit]:
        """The chunks with these ids, in the order asked for, those that aren't there left out."""

        def read(session: Session, _: State, collection: int) -> list[Hit]:
            found = reading.by_name(session, scope, collection, ids)
            return [found[each] for each in ids if each in found]

        return self._read(scope, read, [])

    def document(self, source: str, *, scope: Scope = _DEFAULT) -> Document | None:
        """The stored document, also when its file is gone."""

        def read(session: Session, _: State, collection: int) -> Document | None:
            return reading.document(session, scope, collection, source)

        return self._read(scope, read, None)

    def chunks(self, source: str, *, scope: Scope = _DEFAULT) -> list[Hit]:
        """The chunks of a source in the order of its text; none where it isn't stored."""

        def read(session: Session, _: State, collection: int) -> list[Hit]:
            return reading.of_source(session, scope, collection, source)

        return self._read(scope, read, [])

    def contexts(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[str, str]:
        """By id, the words that chunks were embedded below, of those in scope that have some."""

        def read(session: Session, _: State, collection: int) -> Mapping[str, str]:
            return reading.contexts(session, scope, collection, ids)

        return self._read(scope, read, {})

    def search_vector(self, vectors: Vectors, k: int, *, scope: Scope = _DEFAULT) -> list[list[Hit]]:
        """The k nearest chunks by inner product for each row, best first, ties by id."""
        embedder = self._demand_embedder()
        queries = checked_vectors(vectors, len(vectors), embedder.dimensions, "the question")
        demand_k(k)

        def read(session: Session, state: State, collection: int) -> list[list[Hit]]:
            self._demand_own(session, state)
            if state.chunks:
                self._demand_complete(session, state)
            kind = structure.held(session) if self._structure != "exact" else None
            return [
                _ranked(
                    session,
                    scope,
                    reading.nearest(session, scope, collection, each, k, kind) if state.chunks else {},
                    k,
                    "dense",
                )
                for each in queries
            ]

        return self._read(scope, read, [[] for _ in queries])

    def search_text(
        self, queries: Sequence[str], k: int, *, operators: bool = False, scope: Scope = _DEFAULT
    ) -> list[list[Hit]]:
        """The k best chunks by BM25 for each query, ties by id. No text is a syntax error."""
        demand_k(k)

        def read(session: Session, state: State, collection: int) -> list[list[Hit]]:
            languages = reading.languages(session, collection)
            found = []
            for each in queries:
                asked = by_words.asked(each, languages, operators)
                scores = {} if asked is None else reading.matching(session, scope, state, asked, k)
                found.append(_ranked(session, scope, scores, k, "lexical"))
            return found

        return self._read(scope, read, [[] for _ in queries])

    def document_frequencies(self, terms: Sequence[str], *, scope: Scope = _DEFAULT) -> tuple[int, list[int]]:
        """How many chunks there are, and how many of them hold each word in one of its forms."""

        def read(session: Session, _: State, collection: int) -> tuple[int, list[int]]:
            languages = reading.languages(session, collection)
            asked = [by_words.holding(each, languages) for each in terms]
            frequencies = reading.frequencies(session, collection, asked, scope.filter)
            return reading.count(session, collection, scope.filter), frequencies

        return self._read(scope, read, (0, [0] * len(terms)))

    def vectors(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Vectors | None:
        """The stored vectors of these chunks, in the order asked for; None without an embedder."""
        if self._embedder is None:
            return None
        import numpy as np

        dimensions = self._embedder.dimensions

        def read(session: Session, state: State, collection: int) -> dict[str, Any]:
            self._demand_own(session, state)
            if state.embedder is None:
                return dict.fromkeys(reading.by_name(session, scope, collection, ids))
            return reading.vectors(session, scope, collection, ids, dimensions)

        nothing: dict[str, Any] = {}
        found = self._read(scope, read, nothing)
        if unknown := [each for each in ids if each not in found]:
            raise InputError(f"No chunk in scope has the id {unknown[0]!r}.")
        if missing := sum(found[each] is None for each in ids):
            raise self._incomplete(missing, len(ids))
        return np.array([found[each] for each in ids], np.float32).reshape(len(ids), dimensions)

    def known_vectors(self, texts: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[int, Any]:
        """Position in `texts` → vector, for those whose embedding is already stored in any collection."""
        hashes = [text_hash(each) for each in texts]

        def read(session: Session) -> Mapping[bytes, Any]:
            state = tables.state(session, scope.collection)
            self._demand_own(session, state)
            if self._embedder is None or state.embedder is None or not texts:
                return {}
            return reading.known(session, list(dict.fromkeys(hashes)), self._embedder.dimensions)

        try:
            known = self._sessions.read(read)
        except IndexMissing:
            return {}
        return {at: known[each] for at, each in enumerate(hashes) if each in known}

    def count(self, *, scope: Scope = _DEFAULT) -> int:
        """How many chunks are in scope."""

        def read(session: Session, _: State, collection: int) -> int:
            return reading.count(session, collection, scope.filter)

        return self._read(scope, read, 0)

    def collections(self) -> list[str]:
        """The names of the collections that something was ever stored in, in order."""

        def read(session: Session) -> list[str]:
            tables.state(session, "")
            return [name for (name,) in session.rows("SELECT name FROM {s}.collections ORDER BY name")]

        return self._sessions.read(read)

    def snapshot(self, target: Path) -> None:
        """Refused: a database is copied by its own tools."""
        self._sessions.read(lambda session: tables.state(session, ""))
        raise IndexStoreError(
            f"The index in the database at {self._sessions.shown} isn't copied to {target} from here.",
            "Use pg_dump with its --schema, which copies one state too, or `ragbraid index copy`.",
        )

    def close(self) -> None:
        """Let go of every connection. A closed index connects again at the next question."""
        self._sessions.close()

    def _read(self, scope: Scope, read: Callable[[Session, State, int], T], nothing: T) -> T:
        """What is read of a collection in one committed state; `nothing` where none was ever written."""
        if scope.filter:
            parse_filter(scope.filter)  # a wrong one is told wherever it is asked

        def work(session: Session) -> T:
            state = tables.state(session, scope.collection)
            return nothing if state.collection is None else read(session, state, state.collection)

        return self._sessions.read(work)

    def _catch_up(self) -> None:
        """Make the structure that is asked for, once it pays; searches go on meanwhile."""
        if self._embedder is None:
            return
        dimensions = self._embedder.dimensions

        def lacks(session: Session) -> tuple[str | None, int]:
            row = session.row("SELECT COALESCE(sum(chunks), 0)::int8 FROM {s}.collections", ())
            chunks = int(row[0]) if row else 0
            kind = structure.wanted(self._structure, chunks, dimensions)
            return (None if kind == structure.held(session) else kind), chunks

        if self._sessions.read(lacks)[0] is None:
            return
        with self._sessions.writing() as session:
            kind, chunks = lacks(session)  # another writer may have made it meanwhile
            if kind is not None:
                structure.build(session, kind, chunks)

    def _demand_embedder(self) -> Embedder:
        if self._embedder is None:
            raise InputError(
                f"The index in the database at {self._sessions.shown} has no embedder, so it can't be "
                "searched by vector.",
                "Give it one in the pipeline file (`embedder: …`), or search lexically.",
            )
        return self._embedder

    def _demand_own(self, session: Session, state: State, begin: bool = False) -> None:
        """Raise `IndexMismatch` where another embedder's vectors are stored."""
        mine = None if self._embedder is None else self._embedder.identity
        if state.embedder is None:
            if begin and self._embedder is not None:
                tables.begin_vectors(session, self._embedder.identity, self._embedder.dimensions)
        elif state.embedder != mine:
            given = f"is {mine!r}" if mine else "gives none"
            raise IndexMismatch(
                f"The index in the database at {self._sessions.shown} was built by the embedder "
                f"{state.embedder!r}; this pipeline's {given}.",
                "Use that one, or build a new index under another `schema`.",
            )

    def _demand_complete(self, session: Session, state: State) -> None:
        """Raise `IndexDamaged` where chunks have no vectors: dense search would pass over them in silence."""
        missing = state.chunks
        if state.embedder is not None:
            row = session.row(
                "SELECT count(*) FROM {s}.chunks WHERE collection = %s AND embedding IS NULL",
                (state.collection,),
            )
            missing = int(row[0]) if row else 0
        if missing:
            raise self._incomplete(missing, state.chunks)

    def _incomplete(self, missing: int, total: int) -> IndexDamaged:
        return IndexDamaged(
            f"The index in the database at {self._sessions.shown} has {counted(missing, 'chunk')} without a "
            f"vector, of {total}.",
            "Run `ragbraid ingest` again: it embeds what is missing; lexical search works meanwhile.",
        )


def _ranked(session: Session, scope: Scope, scores: Mapping[int, float], k: int, stage: str) -> list[Hit]:
    """The k best of these chunks as hits, equal scores in the order of their ids."""
    found = reading.by_id(session, scope, scores)
    hits = rescored([found[each] for each in scores], stage, scores.values())
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:k]
