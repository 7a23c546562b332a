"""What every index must do: subclass `IndexConformance`, say how yours is opened, and run pytest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from ragbraid.errors import FilterError, IndexMissing, InputError
from ragbraid.index.protocol import Change, Entry, Index, SourceState
from ragbraid.testing.hash_embedder import HashEmbedder, HashEmbedderRuntime
from ragbraid.types import Chunk, Document, Reading, Scope, Vectors

EMBEDDER: HashEmbedderRuntime = HashEmbedder(dimensions=16).open()

RECORDS: Sequence[Mapping[str, Any]] = (
    {"n": 1, "s": "a", "tags": ["a", "b"]},
    {"n": "1", "s": "Straße", "tags": []},
    {"n": True, "s": "", "when": date(2024, 1, 31)},
    {"n": 1.5, "s": "b", "when": datetime(2024, 2, 1, 12)},
    {"n": 2**60 + 7, "o": {"k": 1}, "a.b": 3},
    {"n": None, "a": {"b": 3}, "tags": [1, "1", None]},
    {},
)
"""The metadata of seven chunks; `FILTERS` says which of them each filter selects."""

FILTERS: Sequence[tuple[Any, set[int]]] = (
    ({}, {0, 1, 2, 3, 4, 5, 6}),
    ({"n": 1}, {0}),
    ({"n": {"$eq": "1"}}, {1}),
    ({"n": True}, {2}),
    ({"n": None}, {5}),
    ({"n": 2**60 + 7}, {4}),
    ({"n": {"$ne": 1}}, {1, 2, 3, 4, 5, 6}),
    ({"$not": {"n": 1}}, {1, 2, 3, 4, 5, 6}),
    ({"n": {"$not": {"$gt": 1}}}, {0, 1, 2, 5, 6}),
    ({"n": {"$in": [1, 1.5]}}, {0, 3}),
    ({"n": {"$in": []}}, set()),
    ({"n": {"$nin": [1, None]}}, {1, 2, 3, 4, 6}),
    ({"n": {"$nin": []}}, {0, 1, 2, 3, 4, 5, 6}),
    ({"n": {"$gt": 1}}, {3, 4}),
    ({"n": {"$gte": 1, "$lt": 1.5}}, {0}),
    ({"s": {"$gte": "a", "$lte": "b"}}, {0, 3}),
    ({"when": {"$gt": {"$date": "2024-01-31"}}}, {3}),
    ({"when": date(2024, 1, 31)}, {2}),
    ({"when": {"$lt": datetime(2024, 2, 1)}}, {2}),
    ({"tags": {"$any": ["b", "c"]}}, {0}),
    ({"tags": {"$all": ["a", "b"]}}, {0}),
    ({"tags": "a"}, {0}),
    ({"tags": {"$in": [1]}}, {5}),
    ({"s": {"$text": "aß"}}, {1}),
    ({"s": {"$itext": "STRASSE"}}, {1}),
    ({"n": {"$exists": True}}, {0, 1, 2, 3, 4, 5}),
    ({"when": {"$exists": False}}, {0, 1, 4, 5, 6}),
    ({"tags": {"$empty": True}}, {1, 2, 3, 4, 6}),
    ({"o.k": 1}, {4}),
    ({"a.b": 3}, {4, 5}),
    ({"$or": [{"n": 1}, {"s": "b"}]}, {0, 3}),
    ({"$and": [{"n": {"$gte": 1}}, {"tags": {"$exists": True}}]}, {0}),
    ({"source": "r2"}, {2}),
)


OPERATORS: Sequence[tuple[str, str]] = (
    ('"pump valve"', "pump valve"),
    ("pump valve", "pump valve|valve of a pump|gate valve|other pump"),
    ("pump -valve", "other pump"),
    ("valve NOT (gate OR of)", "pump valve"),
    ("+pump valve", "pump valve|valve of a pump|other pump"),
    ("pump AND valve", "pump valve|valve of a pump"),
    ("gate OR other", "gate valve|other pump"),
    ("gate OR pump AND of", "gate valve|valve of a pump"),
    ("title:pump", "pump valve|valve of a pump"),
    ('title:"water pump" -of', "pump valve"),
    ('title:"pump water"', ""),
    ("heading:gate", "gate valve"),
    ("-title:pump valve", "gate valve"),
    ("colour:valve", "pump valve|valve of a pump|gate valve"),
    ('"gate valve', "pump valve|valve of a pump|gate valve"),
    ("gate-valve OR -", "gate valve"),
    ("-pump", ""),
    ('"" ()', ""),
)
"""Queries with operators, and which of four chunks each finds."""


def change(
    origin: str, texts: Sequence[str], *, vectors: Vectors | None = None, metadata: Any = None, **other: Any
) -> Change:
    """An origin with one document, whose chunks are `texts`; further arguments go to its first chunk."""
    text = "\n".join(texts)
    chunks, at = [], 0
    for each in texts:
        chunks.append(Chunk(origin, at, at + len(each), each, **(other if not at else {})))
        at += len(each) + 1
    given = EMBEDDER.embed(texts) if vectors is None else vectors
    fingerprint = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Change(origin, [Entry(Document(origin, text, metadata or {}), chunks, given)], fingerprint)


def embedded(text: str) -> Vectors:
    """One question as the embedder sees it."""
    return EMBEDDER.embed([text], "query")


class IndexConformance:
    """The behaviour that pipelines rely on; `open_index` is all that a subclass must give."""

    large: ClassVar[int] = 60_000
    """Chunks of the largest batch."""

    def open_index(self, folder: Path) -> Any:
        """An index with `EMBEDDER` that keeps what it holds in `folder`, with a `close()`."""
        raise NotImplementedError

    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[Any]:
        """A fresh, empty index."""
        opened = self.open_index(tmp_path / "index")
        yield opened
        opened.close()

    def test_an_ingest_may_begin(self, index: Index) -> None:
        assert list(index.sources()) == []
        assert dict(index.known_vectors(["goat"])) == {}
        assert index.delete(["x"]) == 0

    def test_an_emptied_index_answers(self, index: Index) -> None:
        index.upsert([change("a", ["goat"])])
        assert index.delete(["a"]) == 1
        assert index.search_vector(embedded("goat"), 3) == [[]]
        assert index.search_text(["goat"], 3) == [[]]
        assert (index.count(), list(index.sources()), index.get(["x"])) == (0, [], [])
        assert index.document("x") is None
        assert index.chunks("x") == []
        assert index.delete(["x"]) == 0
        assert index.document_frequencies(["goat"]) == (0, [0])

    def test_what_goes_in_comes_out(self, index: Index) -> None:
        when = datetime(2024, 1, 31, 12, 30)
        metadata = {"tags": ["a", "b"], "n": {"k": 1}, "id": 2**60 + 7, "when": when, "day": when.date()}
        text = "😀 héllo\nगाय 山羊"
        reading = Reading("text", "utf-8", verbatim=True)
        document = Document("ü/é.md", text, metadata, (0, 8), ("odd",), 2, "text/markdown", reading)
        chunks = [Chunk("ü/é.md", 0, 7, text[:7], {"part": 1}), Chunk("ü/é.md", 8, len(text), text[8:])]
        vectors = EMBEDDER.embed([text[:7], text[8:]])
        index.upsert([Change("o", [Entry(document, chunks, vectors)], "f", "s", "d", "m")])
        assert index.document("ü/é.md") == document
        hits = {hit.start: hit for hit in index.search_vector(vectors[:1], 5)[0]}
        assert [hits[0].text, hits[8].text] == [text[:7], text[8:]]
        assert (hits[0].page, hits[8].page) == (1, 2)
        assert (hits[0].line, hits[8].line) == (1, 1 + text[:8].count("\n"))
        assert dict(hits[0].metadata) == {**metadata, "part": 1}
        assert dict(hits[8].metadata) == metadata
        assert type(hits[8].metadata["day"]) is date
        assert index.get([hits[8].id, "none", hits[0].id])[0].text == text[8:]
        (state,) = index.sources()
        assert state == SourceState("ü/é.md", "o", "f", "s", "d", "m", 2)
        assert list(index.sources(metadata=True)) == [replace(state, metadata=metadata)]
        assert [hit.id for hit in index.chunks("ü/é.md")] == [hits[0].id, hits[8].id]
        assert [hit.text for hit in index.chunks("ü/é.md")] == [text[:7], text[8:]]
        assert index.chunks("o") == []
        stored = index.vectors([hits[8].id, hits[0].id])
        assert stored is not None
        assert np.array_equal(stored, vectors[::-1])

    def test_contexts_are_told_apart_from_texts(self, index: Index) -> None:
        document = Document("a", "goat cat", {"who": "me"})
        chunks = [Chunk("a", 0, 4, "goat", context="Farm"), Chunk("a", 5, 8, "cat")]
        index.upsert([Change("a", [Entry(document, chunks, EMBEDDER.embed(["Farm\ngoat", "cat"]))])])
        goat, cat = index.chunks("a")
        assert goat.text == "goat"
        assert dict(index.contexts([goat.id, cat.id, "none"])) == {goat.id: "Farm"}
        assert goat.line is None
        assert dict(index.contexts([goat.id], scope=Scope(filter={"who": "you"}))) == {}
        assert dict(index.contexts([goat.id], scope=Scope("other"))) == {}

    def test_a_change_replaces_all_that_its_origin_held(self, index: Index) -> None:
        index.upsert([change("a", ["old goat", "older goat"]), change("b", ["a dog"])])
        index.upsert([change("a", ["new cat"])])
        assert index.count() == 2
        assert index.search_text(["goat"], 5) == [[]]
        assert {hit.text for hit in index.search_vector(embedded("old goat"), 9)[0]} == {"new cat", "a dog"}

    def test_a_renamed_origin_takes_the_place_of_the_old(self, index: Index) -> None:
        index.upsert([change("a", ["goat"])])
        entry = change("b", ["goat"])
        index.upsert([Change("b", entry.entries, replaces=["a"])])
        assert [each.source for each in index.sources()] == ["b"]

    def test_a_partial_change_leaves_the_other_documents_of_its_origin(self, index: Index) -> None:
        rows = {each: change(each, [f"{each} goat"]).entries[0] for each in ("t#1", "t#2", "t#3", "t#4")}
        index.upsert([Change("t", [rows["t#1"], rows["t#2"]], partial=True), change("b", ["a goat"])])
        index.upsert([Change("t", [rows["t#3"]], partial=True)])
        assert {each.source for each in index.sources() if each.origin == "t"} == {"t#1", "t#2", "t#3"}
        renewed = replace(change("t#2", ["a cat"]).entries[0])
        index.upsert([Change("t", [renewed, rows["t#4"]], "f", "s", "d", "m", (), True, ("t#1",))])
        states = [each for each in index.sources() if each.origin == "t"]
        assert [(each.source, each.fingerprint, each.stamp) for each in states] == [
            ("t#2", "f", "s"), ("t#3", "f", "s"), ("t#4", "f", "s")
        ]  # fmt: skip
        assert {hit.source for hit in index.search_text(["goat"], 9)[0]} == {"b", "t#3", "t#4"}
        assert index.delete(["t"]) == 1
        assert [each.source for each in index.sources()] == ["b"]

    def test_deleted_and_added_again(self, index: Index) -> None:
        for _ in range(3):
            index.upsert([change("a", ["goat"])])
            assert len(index.search_text(["goat"], 5)[0]) == 1
            assert index.delete(["a"]) == 1
            assert index.search_text(["goat"], 5) == index.search_vector(embedded("goat"), 5) == [[]]
        index.upsert([change("a", ["goat"])])
        assert len(index.search_vector(embedded("goat"), 5)[0]) == 1

    def test_all_or_nothing(self, index: Index) -> None:
        index.upsert([change("a", ["goat"])])
        bad = change("c", ["cow"], metadata={"x": float("nan")})
        with pytest.raises(InputError):
            index.upsert([change("a", ["dog"]), change("b", ["cat"]), bad])
        assert [hit.text for hit in index.search_text(["goat dog cat cow"], 9)[0]] == ["goat"]

    @pytest.mark.parametrize(
        "metadata", [{1: "x", "1": "y"}, {"a": {2: 1}}, {"a": float("inf")}, {"a": 2**63}, {"a": object()}]
    )
    def test_metadata_that_cannot_come_back_is_refused(self, index: Index, metadata: Any) -> None:
        with pytest.raises(InputError):
            index.upsert([change("a", ["goat"], metadata=metadata)])
        assert list(index.sources()) == []

    @pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
    def test_vectors_without_a_direction_are_refused(self, index: Index, value: float) -> None:
        with pytest.raises(InputError):
            index.upsert([change("a", ["goat"], vectors=np.full((1, 16), value, np.float32))])
        index.upsert([change("a", ["goat"])])
        with pytest.raises(InputError):
            index.search_vector(np.full((1, 16), value, np.float32), 3)

    def test_wrong_dimensions_are_refused(self, index: Index) -> None:
        with pytest.raises(InputError):
            index.upsert([change("a", ["goat"], vectors=np.ones((1, 17), np.float32))])
        with pytest.raises(InputError):
            index.search_vector(np.ones((1, 17), np.float32), 3)

    def test_a_chunk_that_is_not_the_text_is_refused(self, index: Index) -> None:
        entry = Entry(Document("a", "goat"), [Chunk("a", 0, 3, "cow")], EMBEDDER.embed(["cow"]))
        with pytest.raises(InputError):
            index.upsert([Change("a", [entry])])

    @pytest.mark.parametrize(("wanted", "expected"), FILTERS, ids=str)
    def test_filters_are_exact(self, index: Index, wanted: Any, expected: set[int]) -> None:
        index.upsert([change(f"r{i}", [f"goat {i}"], metadata=each) for i, each in enumerate(RECORDS)])
        scope = Scope(filter=wanted)
        found = {hit.source for hit in index.search_vector(embedded("goat"), 9, scope=scope)[0]}
        assert found == {f"r{i}" for i in expected}
        assert {hit.source for hit in index.search_text(["goat"], 9, scope=scope)[0]} == found
        assert index.count(scope=scope) == len(expected)
        assert {each.source for each in index.sources(scope=scope)} == found
        names = [f"r{i}" for i in range(len(RECORDS))]
        assert {each for each in names if index.chunks(each, scope=scope)} == found
        assert {each for each in names if index.document(each, scope=scope)} == found
        assert index.document_frequencies(["goats"], scope=scope) == (len(expected), [len(expected)])

    @pytest.mark.parametrize(
        "wanted", [{"n": {"$gtt": 1}}, {"$nor": []}, {"n": {"$in": 1}}, {"n": {"eq": 1}}]
    )
    def test_a_wrong_filter_is_told(self, index: Index, wanted: Any) -> None:
        index.upsert([change("a", ["goat"])])
        with pytest.raises(FilterError, match="filter"):
            index.count(scope=Scope(filter=wanted))

    def test_k_hits_come_back_however_few_match(self, index: Index) -> None:
        near = [change(f"a{i}", [f"goat {i}"], metadata={"tag": "a"}) for i in range(300)]
        far = [change(f"b{i}", [f"goat and cows, dogs, cats {i}"], metadata={"tag": "b"}) for i in range(4)]
        index.upsert([*near, *far])
        index.delete(["b3", *(f"a{i}" for i in range(50))])
        scope = Scope(filter={"tag": "b"})
        for hits in (
            index.search_vector(embedded("goat"), 3, scope=scope)[0],
            index.search_text(["goat"], 3, scope=scope)[0],
        ):
            assert {hit.source for hit in hits} == {"b0", "b1", "b2"}

    def test_collections_are_apart(self, index: Index) -> None:
        one, two = Scope("one"), Scope("it's two")
        index.upsert([change("a", ["goat one"])], scope=one)
        index.upsert([change("a", ["goat two"])], scope=two)
        assert index.count() == 0
        assert [hit.text for hit in index.search_text(["goat"], 5, scope=one)[0]] == ["goat one"]
        assert [hit.collection for hit in index.search_vector(embedded("goat"), 5, scope=two)[0]] == [
            "it's two"
        ]
        assert index.delete(["a"], scope=one) == 1
        assert index.count(scope=two) == 1

    def test_a_filter_binds_writes_too(self, index: Index) -> None:
        mine, theirs = Scope(filter={"who": "me"}), Scope(filter={"who": "they"})
        index.upsert([change("a", ["goat"], metadata={"who": "they"})], scope=theirs)
        with pytest.raises(InputError):
            index.upsert([change("a", ["cow"], metadata={"who": "me"})], scope=mine)
        with pytest.raises(InputError):
            index.upsert([change("b", ["cow"], metadata={"who": "they"})], scope=mine)
        assert index.delete(["a"], scope=mine) == 0
        assert index.document("a", scope=mine) is None
        assert [each.source for each in index.sources()] == ["a"]

    @pytest.mark.parametrize("name", ["D'Arc", "z' OR 2=2 --", 'a"b', "a%_b", "a\\b", "ü/é", "a\nb"])
    def test_any_name_is_just_a_name(self, index: Index, name: str) -> None:
        index.upsert([change("other", ["cow"]), change(name, ["goat"], id=name)])
        assert [hit.text for hit in index.get([name])] == ["goat"]
        assert index.count(scope=Scope(filter={"source": name})) == 1
        assert index.delete([]) == 0
        assert index.delete([name]) == 1
        assert [each.source for each in index.sources()] == ["other"]

    def test_an_empty_name_is_refused(self, index: Index) -> None:
        with pytest.raises(InputError):
            index.upsert([change("", ["goat"])])

    def test_a_name_that_another_origin_holds_is_refused(self, index: Index) -> None:
        index.upsert([change("a", ["goat"], id="x")])
        with pytest.raises(InputError):
            index.upsert([Change("b", change("a", ["goat"]).entries)])
        with pytest.raises(InputError):
            index.upsert([change("b", ["cow"], id="x")])

    @pytest.mark.parametrize(
        "question",
        ["goats here:", "who's late, and why?", '12" plank', "C++ (draft", "AND", "-x", "a:b^2 ~[* TO"],
    )
    def test_no_text_is_a_syntax_error(self, index: Index, question: str) -> None:
        index.upsert([change("a", [question]), change("b", ["something other"])])
        assert [hit.source for hit in index.search_text([question], 5)[0]][:1] == ["a"]

    @pytest.mark.parametrize(("query", "found"), OPERATORS)
    def test_operators(self, index: Index, query: str, found: str) -> None:
        pump = change("p", ["pump valve", "valve of a pump"], metadata={"title": "Water pump"})
        gate = change("g", ["gate valve"], metadata={"title": "Gates", "headings": "How > Old gate"})
        index.upsert([pump, gate, change("o", ["other pump"])])
        hits = index.search_text([query], 9, operators=True)[0]
        assert {hit.text for hit in hits} == {each for each in found.split("|") if each}
        assert all(hit.scores["lexical"] == hit.score for hit in hits)

    def test_operators_change_nothing_of_plain_words(self, index: Index) -> None:
        index.upsert([change("a", ["goat cow", "goat", "dog"]), change("b", ["cow dog cow"])])
        plain = ["goat", "dog cow", "who's that goat?", "(cow)", "goat OR"]
        assert index.search_text(plain, 5, operators=True) == index.search_text(plain, 5)

    @pytest.mark.parametrize("blank", ["", "  \n", "\u200b"])
    def test_a_blank_question_finds_nothing(self, index: Index, blank: str) -> None:
        index.upsert([change("a", ["goat"])])
        assert index.search_text([blank], 5) == [[]]

    def test_k_beyond_what_there_is(self, index: Index) -> None:
        index.upsert([change(str(i), [f"goat {i}"]) for i in range(3)])
        assert (
            len(index.search_vector(embedded("goat"), 50)[0]) == len(index.search_text(["goat"], 50)[0]) == 3
        )

    def test_ties_are_in_the_order_of_ids(self, index: Index) -> None:
        for i in (*range(10, 20), *range(10)):
            index.upsert([change(f"s{i}", ["the same goat"], id=f"id{i:02}")])
        index.upsert([change("w", ["unlike"]), change("x", ["the same goat"], id="id99")])
        for k in (1, 10, 15):
            expected = [f"id{i:02}" for i in range(k)]
            assert [hit.id for hit in index.search_vector(embedded("the same goat"), k)[0]] == expected
            assert [hit.id for hit in index.search_text(["goat"], k)[0]] == expected

    def test_a_batch_answers_as_single_questions_do(self, index: Index) -> None:
        texts = [f"goat {i} {i % 7} {i % 3}" for i in range(120)]
        index.upsert([change(f"s{i}", [each]) for i, each in enumerate(texts)])
        queries = EMBEDDER.embed(texts[:40])
        batch = index.search_vector(queries, 5)
        assert batch == [index.search_vector(queries[i : i + 1], 5)[0] for i in range(40)]
        scores = np.sort(queries @ EMBEDDER.embed(texts).T, axis=1)[:, :-6:-1]
        assert np.allclose([[hit.score for hit in hits] for hits in batch], scores, atol=1e-5)
        assert index.search_text(texts[:9], 5) == [index.search_text([each], 5)[0] for each in texts[:9]]

    def test_equal_texts_are_embedded_once(self, index: Index) -> None:
        index.upsert([change("a", ["goat", "cow"])])
        index.delete(["a"])
        known = index.known_vectors(["dog", "cow"])
        assert list(known) == [1]
        assert np.array_equal(known[1], EMBEDDER.embed(["cow"])[0])

    def test_the_embedded_text_may_differ_from_the_chunk(self, index: Index) -> None:
        texts = ["about animals: goat"]
        entry = Entry(Document("a", "goat"), [Chunk("a", 0, 4, "goat")], EMBEDDER.embed(texts), texts)
        index.upsert([Change("a", [entry])])
        assert list(index.known_vectors(["goat", *texts])) == [1]

    def test_a_context_is_searched_and_not_shown(self, index: Index) -> None:
        texts = ["Words of the text.", "Other words."]
        vectors = EMBEDDER.embed([f"Goats\n{texts[0]}", texts[1]])
        index.upsert([change("a", texts, vectors=vectors, context="Goats")])
        assert [hit.text for hit in index.search_text(["goats"], 3)[0]] == texts[:1]
        assert set(index.known_vectors([*texts, f"Goats\n{texts[0]}"])) == {1, 2}
        index.delete(["a"])
        assert index.search_text(["goats"], 3) == [[]]

    def test_the_same_text_in_two_sources_keeps_both_metadata(self, index: Index) -> None:
        index.upsert([change("a", ["goat"], metadata={"v": 1}), change("b", ["goat"], metadata={"v": 2})])
        index.upsert([change("a", ["goat"], metadata={"v": 3})])
        assert {hit.source: hit.metadata["v"] for hit in index.search_text(["goat"], 5)[0]} == {
            "a": 3,
            "b": 2,
        }
        assert index.count(scope=Scope(filter={"v": 1})) == 0

    def test_document_frequencies_count_chunks(self, index: Index) -> None:
        index.upsert([change("a", ["a goat", "goats run", "a cow"]), change("b", ["one goat"])])
        assert index.document_frequencies(["goat", "cow", "dog"]) == (4, [3, 1, 0])
        index.delete(["b"])
        assert index.document_frequencies(["goat"]) == (3, [2])

    def test_an_origin_without_chunks_is_remembered(self, index: Index) -> None:
        index.upsert([Change("a", [Entry(Document("a", ""), [], None)], "f")])
        assert [(each.source, each.chunks) for each in index.sources()] == [("a", 0)]

    def test_a_very_large_batch(self, index: Index) -> None:
        count = self.large
        rng = np.random.default_rng(0)
        vectors = rng.standard_normal((count, 16), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        texts = [f"goat {i}" for i in range(count)]
        index.upsert([change("big", texts, vectors=vectors)])
        assert index.count() == count
        ids = [hit.id for hit in index.search_vector(vectors[:1], count)[0]]
        assert [hit.id for hit in index.get(ids)] == ids
        assert index.delete(["big"]) == 1
        assert index.count() == 0


class DurableIndexConformance(IndexConformance):
    """For an index on disk: what was written is there when it is opened again."""

    def test_opened_again(self, tmp_path: Path) -> None:
        first = self.open_index(tmp_path / "index")
        first.upsert([change("a", ["goat"], metadata={"n": 1}), change("b", ["dog"])])
        first.delete(["b"])
        before = (
            first.search_text(["goat"], 5),
            first.search_vector(embedded("goat"), 5),
            list(first.sources()),
        )
        first.close()
        again = self.open_index(tmp_path / "index")
        after = (
            again.search_text(["goat"], 5),
            again.search_vector(embedded("goat"), 5),
            list(again.sources()),
        )
        again.close()
        assert after == before

    def test_another_handle_sees_what_was_committed(self, tmp_path: Path) -> None:
        writer, reader = (self.open_index(tmp_path / "index") for _ in range(2))
        with pytest.raises(IndexMissing):
            reader.count()
        for i in range(3):
            writer.upsert([change(f"a{i}", [f"goat {i}"])])
            assert len(reader.search_text(["goat"], 9)[0]) == i + 1
            assert len(reader.search_vector(embedded("goat"), 9)[0]) == i + 1
        reader.delete(["a0"])
        assert len(writer.search_vector(embedded("goat"), 9)[0]) == 2
        writer.close()
        reader.close()

    def test_where_nothing_was_ever_stored(self, tmp_path: Path) -> None:
        index = self.open_index(tmp_path / "index")
        for asked in (
            lambda: index.search_vector(embedded("goat"), 3),
            lambda: index.search_text(["goat"], 3),
            lambda: index.document_frequencies(["goat"]),
            lambda: index.get(["x"]),
            lambda: index.document("x"),
            lambda: index.vectors(["x"]),
            index.count,
            lambda: index.snapshot(tmp_path / "copy"),
        ):
            with pytest.raises(IndexMissing):
                asked()
        index.close()
        assert list(tmp_path.iterdir()) == []

    def test_a_snapshot_is_an_index(self, tmp_path: Path) -> None:
        index = self.open_index(tmp_path / "index")
        index.upsert([change("a", ["goat"])])
        index.snapshot(tmp_path / "copy")
        index.upsert([change("b", ["goat"])])
        index.close()
        copy = self.open_index(tmp_path / "copy")
        assert [hit.source for hit in copy.search_text(["goat"], 5)[0]] == ["a"]
        assert [hit.source for hit in copy.search_vector(embedded("goat"), 5)[0]] == ["a"]
        copy.close()
