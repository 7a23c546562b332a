"""An index beside plain Python: whatever is done to both, both find the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ragbraid.embed.protocol import SparseVector
from ragbraid.errors import IndexMismatch, InputError
from ragbraid.index import migrating, rows, rows_file
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.filter import matches
from ragbraid.index.protocol import Change, Entry
from ragbraid.index.sparse import impacts
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.hash_sparse_encoder import HashSparseEncoder
from ragbraid.types import Chunk, Document, Scope
from soaking import FULL, count

pytestmark = pytest.mark.timeout(count(300, 7200))
EMBEDDERS = tuple(HashEmbedder(dimensions=dimensions).open() for dimensions in (16, 24))
SPARSE = HashSparseEncoder().open()
WORDS = ("goat", "cow", "hill", "meadow", "grass", "stable")
COLLECTIONS = st.sampled_from(["default", "second", "third"])
ORIGINS = st.sampled_from([f"o{number}" for number in range(6)])
TEXTS = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=4
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "n": st.sampled_from([0, 1, 1.0, 2, "1", True, None, 0.12345678901234567]),
        "tag": st.sampled_from(["a", "b", "a\0b"]),
        "who": st.lists(st.sampled_from(["staff", "boss"]), max_size=2),
    },
)
FILTERS = st.sampled_from(
    [
        None,
        {"n": 1},
        {"n": {"$gte": 1}},
        {"n": {"$ne": 1}},
        {"n": {"$exists": False}},
        {"tag": "a"},
        {"tag": {"$text": "a"}},
        {"$not": {"tag": "a"}},
        {"who": "staff"},
        {"who": {"$all": ["staff", "boss"]}, "n": {"$in": [1, 2]}},
        {"$or": [{"tag": "b"}, {"source": "o1"}]},
        {"source": {"$in": ["o1", "o2"]}},
    ]
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A chunk as plain Python keeps it."""

    id: str
    source: str
    text: str
    metadata: dict[str, Any]

    def passes(self, wanted: Any) -> bool:
        return wanted is None or matches(wanted, {"source": self.source, **self.metadata})


class IndexBesidePython(RuleBasedStateMachine):
    """`held` is what the index must hold: collection → origin → chunks."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="model"))
        self.held: dict[str, dict[str, list[Stored]]] = {}
        self.number = 0
        # Small ones have no file of rows, and replay everything: here it is written every now and then.
        self.kept = rows_file._ENOUGH, impacts._ENOUGH, rows._FRESH, migrating.BLOCK_ROWS
        self._sizes(3, 4, 5, 4)
        self.embedder, self.other = EMBEDDERS
        self.migrated = self.coming = False
        """Whether a migration to the other embedder is under way."""

    def teardown(self) -> None:
        for each in (self.index, self.reader):
            each.close()
        self._sizes(*self.kept)
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize(collection=COLLECTIONS, texts=TEXTS, metadata=METADATA)
    def begin(self, collection: str, texts: list[str], metadata: dict[str, Any]) -> None:
        self.path = self.folder / "index"
        self.index, self.reader = self._opened(), self._opened()
        self.upsert(collection, ["o0"], texts, metadata)

    @rule(
        collection=COLLECTIONS,
        origins=st.lists(ORIGINS, min_size=1, max_size=3, unique=True),
        texts=TEXTS,
        metadata=METADATA,
    )
    def upsert(self, collection: str, origins: list[str], texts: list[str], metadata: dict[str, Any]) -> None:
        self.number += 1
        changes = []
        for origin in origins:
            stored = [
                Stored(f"{origin}.{self.number}.{i}", origin, text, metadata) for i, text in enumerate(texts)
            ]
            self.held.setdefault(collection, {})[origin] = stored
            changes.append(self._change(origin, stored, metadata))
        self.index.upsert(changes, scope=Scope(collection))

    @rule(collection=COLLECTIONS, origins=st.lists(ORIGINS, min_size=1, max_size=3, unique=True))
    def delete(self, collection: str, origins: list[str]) -> None:
        held = self.held.get(collection, {})
        there = [each for each in origins if held.pop(each, None) is not None]
        assert self.index.delete(origins, scope=Scope(collection)) == len(there)

    @rule(collection=COLLECTIONS, origins=st.lists(ORIGINS, min_size=1, max_size=3, unique=True))
    def purge(self, collection: str, origins: list[str]) -> None:
        held = self.held.get(collection, {})
        there = [each for each in origins if held.pop(each, None) is not None]
        assert self.index.purge(origins, scope=Scope(collection)) == len(there)

    @rule(collection=COLLECTIONS)
    def drop(self, collection: str) -> None:
        if self.held.pop(collection, None) is not None:
            self.index.drop(collection)
        else:
            with pytest.raises(InputError, match="There is no collection"):
                self.index.drop(collection)

    @rule()
    def compact(self) -> None:
        self.index.compact()

    @rule()
    def export(self) -> None:
        self.number += 1
        written, copy = self.folder / f"export {self.number}", self.folder / f"copy {self.number}"
        self.index.export(written)
        other = Faiss(copy, self.embedder).open()
        other.import_from(written)
        self._compare(other)
        other.close()

    @rule(fields=st.sets(st.sampled_from(["n", "tag", "who"])))
    def declare(self, fields: set[str]) -> None:
        self.index.declare(fields)

    @rule(
        collection=COLLECTIONS,
        wanted=FILTERS,
        text=TEXTS,
        k=st.integers(1, 12),
        by_reader=st.booleans(),
    )
    def search(self, collection: str, wanted: Any, text: list[str], k: int, by_reader: bool) -> None:
        index, scope = self.reader if by_reader else self.index, Scope(collection, wanted)
        visible = [each for each in self._all(collection) if each.passes(wanted)]
        assert index.count(scope=scope) == len(visible)
        query = self.embedder.embed(text[:1], "query")
        scores = {each.id: self._score(each.text, query[0]) for each in visible}
        ranked = sorted(scores, key=lambda name: (-scores[name], name))[:k]
        hits = index.search_vector(query, k, scope=scope)[0]
        assert [(hit.id, hit.score) for hit in hits] == [(name, scores[name]) for name in ranked]
        word = text[0].split()[0]
        found = {hit.id for hit in index.search_text([word], 1000, scope=scope)[0]}
        assert found == {each.id for each in visible if word in each.text.split()}
        (asked,) = SPARSE.embed_sparse([text[0]], "query")
        weights = {each.id: _weight(each.text, asked) for each in visible}
        best = sorted((name for name in weights if weights[name]), key=lambda each: (-weights[each], each))
        hits = index.search_sparse([asked], k, scope=scope)[0]
        assert [(hit.id, hit.score) for hit in hits] == [(name, weights[name]) for name in best[:k]]
        names = [each.id for each in self._all(collection)]
        assert [hit.id for hit in index.get(names, scope=scope)] == [each.id for each in visible]
        tokens = index.stored_tokens(names, scope=scope)
        # A migration leaves them to the next ingest, and only then may some be missing.
        assert set(tokens) <= scores.keys() if self.migrated else set(tokens) == scores.keys()
        for each in visible:
            if each.id in tokens:
                assert len(tokens[each.id].ids) == len(each.text.split())

    @rule(writer=st.booleans())
    def reopen(self, writer: bool) -> None:
        if writer:
            self.index.close()
            self.index = self._opened()
        else:
            self.reader.close()
            self.reader = self._opened()

    @rule(restored=st.booleans())
    def snapshot(self, restored: bool) -> None:
        self.number += 1
        copy = self.folder / f"copy {self.number}"
        self.index.snapshot(copy)
        if restored:
            self.index.close()
            self.reader.close()
            shutil.rmtree(self.path)
            self.path = copy
            self.index, self.reader = self._opened(), self._opened()
        else:
            other = Faiss(copy, self.embedder).open()
            self._compare(other)
            other.close()
            shutil.rmtree(copy)

    @rule(steps=st.integers(0, 8))
    def migrate(self, steps: int) -> None:
        """So many steps of it, which may be all, or the rest of one that was begun."""
        other = Faiss(self.path, self.other).open()
        migration = other.migrate()
        for _ in range(steps):
            self.coming = True
            if next(migration, None) is None:
                self.coming = False
                self._switched()
                break
        migration.close()
        other.close()

    @rule()
    def undo(self) -> None:
        """What there is to undo depends on what a compaction let go, and on what came since."""
        coming, self.coming = self.coming, False
        # What was begun may be the way back to the former embedder, where a compaction left its vectors.
        given_up = coming and not self.migrated
        try:
            current = self.index.undo_migration()
        except (InputError, IndexMismatch):
            assert not given_up
            return
        assert current == self.embedder.identity if given_up else current in self._identities(coming)
        if current == self.other.identity:
            self._switched()

    @rule()
    def check(self) -> None:
        assert self.index.check() == []

    @invariant()
    def sources_are_equal(self) -> None:
        if self.held:
            self._compare(self.reader)

    def _compare(self, index: FaissRuntime) -> None:
        for collection, origins in self.held.items():
            states = {each.source: each.chunks for each in index.sources(scope=Scope(collection))}
            assert states == {origin: len(stored) for origin, stored in origins.items()}
            for origin, stored in origins.items():
                hits = index.chunks(origin, scope=Scope(collection))
                assert [hit.text for hit in hits] == [each.text for each in stored]
                assert [hit.id for hit in hits] == [each.id for each in stored]

    def _all(self, collection: str) -> Iterator[Stored]:
        for stored in self.held.get(collection, {}).values():
            yield from stored

    def _opened(self) -> FaissRuntime:
        return Faiss(self.path, self.embedder, tokens=self.embedder, sparse=SPARSE).open()

    def _sizes(self, *sizes: int) -> None:
        (
            rows_file._ENOUGH,  # type: ignore[misc]
            impacts._ENOUGH,  # type: ignore[misc]
            rows._FRESH,  # type: ignore[misc]
            migrating.BLOCK_ROWS,  # type: ignore[misc]
        ) = sizes

    def _identities(self, coming: bool) -> set[str]:
        """Of the embedders that may be current after undoing."""
        return {self.other.identity, *([self.embedder.identity] if coming else ())}

    def _switched(self) -> None:
        """The other embedder's vectors are current from now on."""
        self.embedder, self.other = self.other, self.embedder
        self.migrated = True
        self.index.close()
        self.reader.close()
        self.index, self.reader = self._opened(), self._opened()

    def _change(self, origin: str, stored: list[Stored], metadata: dict[str, Any]) -> Change:
        chunks, at = [], 0
        for each in stored:
            chunks.append(Chunk(origin, at, at + len(each.text), each.text, id=each.id))
            at += len(each.text) + 1
        texts = [each.text for each in stored]
        document = Document(origin, "\n".join(texts), metadata)
        return Change(origin, [Entry(document, chunks, self.embedder.embed(texts))])

    def _score(self, text: str, query: Any) -> float:
        row = self.embedder.embed([text])[0]
        return float(np.float32(np.einsum("i,i->", row.astype(np.float64), query.astype(np.float64))))


def _weight(text: str, query: SparseVector) -> float:
    """The inner product, summed up in the order of the terms."""
    (own,) = SPARSE.embed_sparse([text])
    weights = dict(zip(own.terms.tolist(), own.weights, strict=True))
    total = np.float32(0)
    for term, weight in zip(query.terms.tolist(), query.weights, strict=True):
        total += weight * weights.get(term, np.float32(0))
    return float(total)


TestIndexBesidePython = IndexBesidePython.TestCase
TestIndexBesidePython.settings = settings(
    max_examples=count(4, 200),
    stateful_step_count=count(25, 50),
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=list(HealthCheck),
)
