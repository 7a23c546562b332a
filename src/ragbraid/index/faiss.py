"""The index of one folder: SQLite as the truth, FAISS and tantivy over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from annotated_types import Gt, Le

from ragbraid.embed.protocol import (
    Embedder,
    SparseEmbedder,
    SparseVector,
    TokenEmbedder,
    TokenVectors,
)
from ragbraid.errors import IndexDamaged, IndexMissing, IndexStoreError, InputError
from ragbraid.hits import rescored
from ragbraid.index import reading
from ragbraid.index.checks import demand_k
from ragbraid.index.embedded import Embedded
from ragbraid.index.lock import exclusive
from ragbraid.index.protocol import Change, SourceState
from ragbraid.index.sparse.kept import Sparse
from ragbraid.index.store import Store, make_folder, speaking
from ragbraid.index.structure.names import Device, Name
from ragbraid.index.tended import Tended
from ragbraid.types import Document, Hit, Scope, Vectors

if TYPE_CHECKING:
    from ragbraid.index.derived import Derived
    from ragbraid.index.lexical import LexicalView
    from ragbraid.index.prepare import Passage
    from ragbraid.index.tokens.packing import Packed

T = TypeVar("T")
_DEFAULT = Scope()
WAIT_SECONDS = 5.0
"""How long a writer waits for another one before it says who is writing."""


@dataclass(frozen=True, slots=True)
class Faiss:
    """Stores documents in one folder and searches them by vector and by text.

    The folder is `path`: nothing else belongs in it, and removing it removes the index. SQLite holds the
    truth; vectors lie in a file beside it and are searched with FAISS, words with tantivy (BM25). Without
    an embedder it is lexical only. What `upsert` acknowledged survives a crash.

    Up to 50,000 vectors are compared one by one. From there on a `structure` names candidates, which are
    scored exactly: `auto` is `ivf-sq8` (lists of vectors, a byte a number), or `rabitq` (a bit a number;
    Gao and Long, "RaBitQ", 2024) where memory is short; `sq8`, `hnsw` and `ivf-pq` are others of FAISS's,
    `flat` is none. It is held to `recall`, the share of the ten nearest that it has to find: measured on
    the index's own vectors, and told by `ragbraid index stats`. Where it isn't reached, search stays exact.

    With `device: cuda` searches run on a GPU: in the structure where that is `ivf-sq8` or `ivf-pq` and FAISS
    is built for GPUs, in a graph where it is `cagra` and FAISS is built with cuVS, else by comparing every
    vector, by FAISS or by torch. `auto` takes a GPU from 50,000 vectors on, where FAISS finds one, or torch
    does and is loaded already. `ragbraid doctor` says which it is, and why.

    `tokens`, the same embedder once more, has it keep the vectors of each chunk's tokens, a byte a number,
    for the steps that compare tokens (`maxsim`, `quote`), which otherwise make them with each question. They
    take as many bytes for each token as a vector has numbers: some 60 kB for a chunk of 150 tokens.

    With a `sparse` embedder it keeps a sparse vector of each chunk as well, for the step `sparse`: eight
    bytes for each term that it has. Where chunks lack one, the next ingest makes it.
    """

    path: Path = Path(".ragbraid/index")
    embedder: Embedder | None = None
    structure: Name = "auto"
    recall: Annotated[float, Gt(0), Le(1)] = 0.98
    device: Device = field(default="auto", metadata={"digest": False})
    tokens: TokenEmbedder | None = None
    sparse: SparseEmbedder | None = None

    def __post_init__(self) -> None:
        if self.tokens is not None and self.tokens != self.embedder:
            raise ValueError("`tokens` names another embedder than `embedder` does; leave it out, or name it")
        if self.structure == "cagra" and self.device == "cpu":
            raise ValueError("structure `cagra` is searched on a GPU alone; `device: cpu` has none")

    def open(self) -> FaissRuntime:
        """Make the runtime. Nothing is read before it is asked, nor written before the first upsert."""
        return FaissRuntime(
            self.path, self.embedder, self.structure, self.recall, self.device, self.tokens, self.sparse
        )


class FaissRuntime(Tended):
    """An open index; any number of threads may use it, and other processes beside it."""

    def __init__(
        self,
        path: Path,
        embedder: Embedder | None,
        structure: Name = "auto",
        recall: float = 0.98,
        device: Device = "auto",
        tokens: TokenEmbedder | None = None,
        sparse: SparseEmbedder | None = None,
    ) -> None:
        self._path, self._embedder = path, embedder
        self._store = Store(path)
        self._embedded = Embedded(path, embedder, structure, recall, device)
        self._tokens = tokens
        self._sparse = Sparse(path, sparse)
        self._lock = threading.Lock()
        self._derived: dict[str, Derived] = {}
        self._fields: frozenset[str] = frozenset()

    @property
    def embedder(self) -> Embedder | None:
        """The embedder whose vectors it holds; None for a lexical index."""
        return self._embedder

    @property
    def sparse(self) -> SparseEmbedder | None:
        """The embedder whose sparse vectors it keeps; None where it keeps none."""
        return self._sparse.embedder

    def declare(self, fields: Iterable[str]) -> None:
        """Say which fields of the metadata filters will name: the next upsert gives them an SQL index."""
        self._fields = frozenset(fields)

    def sources(self, *, metadata: bool = False, scope: Scope = _DEFAULT) -> Iterable[SourceState]:
        """Every stored source, ordered by name; where vectors are missing, without its digest."""
        if not self._store.exists():
            return []
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return []
            dense = self._embedder is not None
            sound = not dense or self._embedded.is_sound(connection)
            held = self._embedded.own(connection) if self._tokens is not None and sound else None
            tokens = None if held is None else held.number
            sparse = self.sparse is not None
            found = reading.sources(
                connection, scope, collection, dense, metadata, tokens=tokens, sparse=sparse
            )
            return [each if sound or not each.chunks else replace(each, digest="") for each in found]

    def upsert(self, changes: Sequence[Change], *, scope: Scope = _DEFAULT) -> None:
        """Commit the changes as one transaction, on disk when this returns; all of them or none."""
        from ragbraid.index import field_index, writing
        from ragbraid.index.prepare import demand_vectors, prepare
        from ragbraid.index.tokens import kept

        if not changes:
            return
        prepared = prepare(changes, scope.collection)
        demand_vectors([each for group in prepared for each in group], self._embedder)
        passages = [passage for group in prepared for each in group for passage in each.passages]
        fresh = self._fresh_tokens(passages)
        made = self._sparse.made(passages, self._known_sparse(passages))
        with self._writing(scope) as connection:
            field_index.add(connection, self._fields)
            vectors = self._embedded.prepare_write(connection)
            rows = writing.upsert(connection, changes, prepared, scope, vectors)
            self._sparse.keep(connection, rows, passages, made)
            if fresh and vectors is not None:
                kept.keep(connection, self._path, vectors[0], fresh)

    def delete(self, origins: Sequence[str], *, scope: Scope = _DEFAULT) -> int:
        """Remove origins with all they hold; returns how many there were."""
        from ragbraid.index import writing

        if not origins or not self._store.exists():
            return 0
        with self._writing(scope) as connection:
            collection = reading.collection_id(connection, scope.collection)
            return 0 if collection is None else writing.remove(connection, collection, origins, scope.filter)

    def get(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> list[Hit]:
        """The chunks with these ids, in the order asked for, those that aren't there left out."""
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return []
            rows = reading.rows_by_id(connection, collection, ids, scope.filter)
            found = reading.hits(connection, self._path, scope.collection, rows.values())
            return [found[rows[each]] for each in ids if each in rows]

    def document(self, source: str, *, scope: Scope = _DEFAULT) -> Document | None:
        """The stored document, also when its file is gone."""
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return None
            return reading.document(connection, self._path, scope, collection, source)

    def chunks(self, source: str, *, scope: Scope = _DEFAULT) -> list[Hit]:
        """The chunks of a source in the order of its text; none where it isn't stored."""
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return []
            return reading.chunks(connection, self._path, scope, collection, source)

    def contexts(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[str, str]:
        """By id, the words that chunks were embedded below, of those in scope that have some."""
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return {}
            rows = reading.rows_by_id(connection, collection, ids, scope.filter)
            found = reading.contexts(connection, rows.values())
            return {each: found[row] for each, row in rows.items() if row in found}

    def search_vector(self, vectors: Vectors, k: int, *, scope: Scope = _DEFAULT) -> list[list[Hit]]:
        """The k nearest chunks by inner product for each row, best first, ties by id."""
        from ragbraid.index.prepare import checked_vectors

        embedder = self._embedded.demand_embedder()
        queries = checked_vectors(vectors, len(vectors), embedder.dimensions, "the question")
        demand_k(k)
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return [[] for _ in queries]
            held = self._embedded.own(connection)
            derived = self._part(connection, scope.collection, collection)
            rows = derived.rows(connection)
            self._embedded.demand_complete(rows.missing, len(rows))
            allowed = derived.allowed(connection, rows.seq, scope.filter) if scope.filter else None
            return [
                self._ranked(connection, scope.collection, scores, k, "dense")
                for scores in self._embedded.nearest(connection, held, rows, queries, k, allowed)
            ]

    def search_text(
        self, queries: Sequence[str], k: int, *, operators: bool = False, scope: Scope = _DEFAULT
    ) -> list[list[Hit]]:
        """The k best chunks by BM25 for each query, ties by id. No text is a syntax error."""
        demand_k(k)
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return [[] for _ in queries]

            def search(view: LexicalView, allowed: frozenset[int] | None) -> list[dict[int, float]]:
                return [view.search(each, k, allowed, operators) for each in queries]

            found = self._lexically(connection, scope, collection, search)
            return [self._ranked(connection, scope.collection, scores, k, "lexical") for scores in found]

    def search_sparse(
        self, queries: Sequence[SparseVector], k: int, *, scope: Scope = _DEFAULT
    ) -> list[list[Hit]]:
        """The k chunks of the largest inner product above 0 with each question, best first, ties by id."""
        demand_k(k)
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return [[] for _ in queries]
            derived = self._part(connection, scope.collection, collection)
            rows, wanted = derived.rows(connection), scope.filter
            allowed = partial(derived.allowed, connection, rows.seq, wanted) if wanted else None
            return [
                self._ranked(connection, scope.collection, scores, k, "sparse")
                for scores in self._sparse.search(connection, derived, rows, queries, k, allowed)
            ]

    def document_frequencies(self, terms: Sequence[str], *, scope: Scope = _DEFAULT) -> tuple[int, list[int]]:
        """How many chunks there are, and how many of them hold each word in one of its forms."""
        with self._reading(scope) as (connection, collection):
            if collection is None:
                return 0, [0] * len(terms)

            def look(view: LexicalView, allowed: frozenset[int] | None) -> list[int]:
                return [view.holding(each, allowed) for each in terms]

            frequencies = self._lexically(connection, scope, collection, look)
            return reading.count(connection, collection, scope.filter), frequencies

    def vectors(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Vectors | None:
        """The stored vectors of these chunks, in the order asked for; None without an embedder."""
        if self._embedder is None:
            return None
        import numpy as np

        from ragbraid.index.vector_file import picked

        with self._reading(scope) as (connection, collection):
            rows = {} if collection is None else reading.rows_by_id(connection, collection, ids, scope.filter)
            if unknown := [each for each in ids if each not in rows]:
                raise InputError(f"No chunk in scope has the id {unknown[0]!r}.")
            if not ids:
                return np.empty((0, self._embedder.dimensions), np.float32)
            held = self._embedded.own(connection)
            slots = reading.slots(connection, rows.values())
            wanted = [slots[rows[each]] for each in ids]
            self._embedded.demand_complete(sum(each is None for each in wanted), len(wanted))
            return picked(self._embedded.matrix(connection, held), np.array(wanted, np.int64))

    def stored_tokens(self, ids: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[str, TokenVectors]:
        """By id, the tokens of those chunks in scope whose tokens are kept; none without `tokens`."""
        if self._tokens is None or not ids:
            return {}
        from ragbraid.index.tokens import kept

        with self._reading(scope) as (connection, collection):
            held = None if collection is None else self._embedded.own(connection)
            if held is None or collection is None:
                return {}
            rows = reading.rows_by_id(connection, collection, ids, scope.filter)
            return {**kept.read(connection, self._path, held, rows, ids)}

    def known_vectors(self, texts: Sequence[str], *, scope: Scope = _DEFAULT) -> Mapping[int, Any]:
        """Position in `texts` → vector, for those whose embedding is already stored in any collection."""
        import numpy as np

        from ragbraid.index.checks import text_hash
        from ragbraid.index.vector_file import picked

        if not self._store.exists():
            return {}
        with self._reading(scope) as (connection, _):
            held = self._embedded.demand_current(connection)
            self._sparse.demand_own(connection)
            if self._embedder is None or not texts:
                return {}
            hashes = [text_hash(each) for each in texts]
            known = reading.known_slots(connection, list(dict.fromkeys(hashes)))
            try:
                matrix = self._embedded.matrix(connection, held)
            except IndexDamaged:
                return {}
            found = [i for i, each in enumerate(hashes) if each in known]
            rows = picked(matrix, np.array([known[hashes[i]] for i in found], np.int64))
            return dict(zip(found, rows, strict=True))

    def count(self, *, scope: Scope = _DEFAULT) -> int:
        """How many chunks are in scope."""
        with self._reading(scope) as (connection, collection):
            return 0 if collection is None else reading.count(connection, collection, scope.filter)

    def close(self) -> None:
        """Let go of every file. A closed index opens again at the next question."""
        with self._lock:
            parts, self._derived = list(self._derived.values()), {}
        for each in parts:
            each.close()
        self._embedded.close()
        self._store.close()

    @contextmanager
    def alone(self, busy: Callable[[str, float], None]) -> Iterator[None]:
        """Keep other ingests away, which would do the same work; `busy` is called while one is at it."""
        from ragbraid import locking

        self._store.exists()  # refuses somebody else's folder before anything is put there
        with speaking(self._path):
            make_folder(self._path)
            with locking.exclusive(self._path / "ingest.lock", busy):
                yield

    @contextmanager
    def _reading(self, scope: Scope) -> Iterator[tuple[Connection, int | None]]:
        """One committed state, and the collection's number: None where nothing was written to it yet."""
        with self._committed() as connection:
            yield connection, reading.collection_id(connection, scope.collection)

    @contextmanager
    def _committed(self) -> Iterator[Connection]:
        """One committed state. Raises `IndexMissing` where there never was one."""
        if not self._store.exists():
            raise IndexMissing(
                f"There is no index at {self._path}: nothing has been ingested yet.",
                "Run `ragbraid ingest PATH`.",
            )
        with self._store.reading() as connection:
            yield connection

    @contextmanager
    def _writing(self, scope: Scope) -> Iterator[Connection]:
        """The writer's transaction; once it is on disk, the lexical index follows."""
        self._store.exists()  # refuses somebody else's folder before anything is put there
        with speaking(self._path):
            make_folder(self._path)
            with exclusive(self._path / "writer.lock", WAIT_SECONDS):
                self._store.create()
                with self._store.writing() as connection:
                    yield connection
                # The change is on disk; should this fail, the next lexical search does it.
                with suppress(IndexStoreError), self._reading(scope) as (connection, collection):
                    if collection is not None:
                        part = self._part(connection, scope.collection, collection)
                        part.catch_up(connection)
                        part.keep_rows(connection)
                        if self.sparse is not None:
                            part.keep_impacts(connection)
                    self._embedded.catch_up(connection)

    def _fresh_tokens(self, passages: Sequence[Passage]) -> Mapping[bytes, Packed]:
        """By hash, the tokens of texts that have none yet; they are made before anything is locked."""
        if self._tokens is None:
            return {}
        from ragbraid.index.tokens import kept

        texts = {each.text_hash: each.text for each in passages}
        if self._store.exists():
            with self._committed() as connection:
                held = self._embedded.own(connection)
                texts = texts if held is None else kept.missing(connection, held, texts)
        return kept.made(self._tokens, texts)

    def _known_sparse(self, passages: Sequence[Passage]) -> Mapping[bytes, bytes]:
        """By hash, the sparse vectors that are stored of these passages' texts."""
        if self.sparse is None or not self._store.exists():
            return {}
        with self._committed() as connection:
            return self._sparse.known(connection, passages)

    def _part(self, connection: Connection, name: str, collection: int) -> Derived:
        from ragbraid.index.derived import Derived

        with self._lock:
            part = self._derived.get(name)
            if part is None or part.collection != collection:
                part = Derived(self._path, collection, reading.meta(connection)["uuid"])
                self._derived[name] = part
            return part

    def _lexically(
        self,
        connection: Connection,
        scope: Scope,
        collection: int,
        work: Callable[[LexicalView, frozenset[int] | None], T],
    ) -> T:
        """Ask the lexical index; where its files turn out to be damaged, rebuild it and ask again."""
        from ragbraid.index.lexical import UnreadableError

        part = self._part(connection, scope.collection, collection)
        view = part.lexical(connection)
        wanted = scope.filter
        allowed = frozenset(part.allowed(connection, view.seq, wanted).tolist()) if wanted else None
        try:
            return work(view, allowed)
        except UnreadableError:
            with exclusive(self._path / "writer.lock", WAIT_SECONDS):
                part.catch_up(connection, anew=True)
            return work(part.lexical(connection), allowed)

    def _ranked(
        self, connection: Connection, collection: str, scores: Mapping[int, float], k: int, stage: str
    ) -> list[Hit]:
        """The k best of these rows as hits, equal scores in the order of their ids."""
        if len(scores) > k:
            names = reading.ids(connection, scores)
            best = sorted(scores, key=lambda row: (-scores[row], names[row]))[:k]
            scores = {row: scores[row] for row in best}
        found = reading.hits(connection, self._path, collection, scores)
        hits = rescored([found[row] for row in scores], stage, scores.values())
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))
