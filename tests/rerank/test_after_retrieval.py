"""Hits widened, cut, and moved by what their metadata says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid import Pipeline
from ragbraid.hits import page_of
from ragbraid.index.protocol import Change, Entry
from ragbraid.rerank.boost import Boost
from ragbraid.rerank.compress import Compress
from ragbraid.rerank.neighbours import Neighbours
from ragbraid.rerank.recency import Recency
from ragbraid.testing.list_index import ListIndex
from ragbraid.types import Chunk, Document, Hit

DOCUMENTS = Path(__file__).parents[1] / "data" / "island" / "documents"
FILE = """\
ragbraid: 1
components:
  index: {type: faiss, path: made/index}
ingest:
  - {type: files}
  - {type: sentences, max_tokens: 30}
  - index
search:
  - {type: lexical, index: index}
  - {type: neighbours, index: index}
flows:
  cut:
    - search
    - {type: compress, sentences: 1}
"""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("after")
    (folder / "ragbraid.yaml").write_text(FILE, "utf-8")
    with Pipeline.load(folder / "ragbraid.yaml") as made:
        made.ingest(DOCUMENTS)
        yield made


def hit(name: str, score: float, text: str = "x", **metadata: object) -> Hit:
    return Hit(name, name, 0, len(text), text, score, {"earlier": score}, metadata)


def test_neighbours_are_one_span_of_the_stored_document(pipeline: Pipeline) -> None:
    first, *rest = pipeline.search("When was the light made electric?", k=5)
    text = (DOCUMENTS / "lighthouse.md").read_text("utf-8")
    assert first.source.endswith("lighthouse.md")
    assert first.text == text[first.start : first.end]
    assert first.content_hash == sha256(text.encode()).hexdigest()
    assert "Tormod Aas" in first.text
    assert len(first.text) > 150
    for each in rest:
        assert each.source != first.source or not first.start <= each.start < each.end <= first.end


def test_compressed_hits_are_exact_spans_too(pipeline: Pipeline) -> None:
    found = pipeline.run("cut", question="When was the light made electric?", k=3)
    text = (DOCUMENTS / "lighthouse.md").read_text("utf-8")
    best = found[0]
    assert "made electric in 1938" in best.text
    assert best.text == text[best.start : best.end]
    assert best.line == text[: best.start].count("\n") + 1
    assert len(best.text) < 150


PAGED = "The tower is high. It is old. The bread is good. Fish is sold. The end is near."
PAGES = tuple(PAGED.index(each) for each in ("The tower", "It is", "Fish", "The end"))


def test_widened_hits_know_on_which_pages_they_are() -> None:
    index = ListIndex().open()
    starts = [PAGED.index(each) for each in ("The tower", "The bread", "Fish")]
    spans = zip(starts, [*starts[1:], len(PAGED)], strict=True)
    chunks = [Chunk("a.pdf", start, end, PAGED[start:end]) for start, end in spans]
    document = Document("a.pdf", PAGED, pages=PAGES)
    index.upsert([Change("a.pdf", [Entry(document, chunks, None)])])
    (found,) = Neighbours(index)(index.search_text(["bread"], 1)[0], 1)
    assert found.text == PAGED
    assert [page_of(found, PAGED.index(each)) for each in ("tower", "bread", "Fish", "near")] == [1, 2, 3, 4]


def test_cut_hits_do_too() -> None:
    whole = Hit("a", "a.pdf", 0, len(PAGED), PAGED, page=1, page_breaks=PAGES[1:])
    (found,) = Compress(sentences=2)("Is fish sold near?", [whole])
    assert found.text == "Fish is sold. The end is near."
    assert (found.page, found.page_breaks, page_of(found, found.text.index("near"))) == (3, PAGES[3:], 4)


def test_what_shares_no_word_and_what_is_one_sentence_stays() -> None:
    given_hits = [hit("a", 1, "Bread is baked. Fish is sold."), hit("b", 0.5, "The tower is high")]
    assert Compress()("How tall?", given_hits) == given_hits
    assert Compress()("How high is the tower?", given_hits) == given_hits


@given(st.text(max_size=200), st.text(alphabet="abc tower", min_size=1, max_size=40).filter(str.strip))
def test_whatever_is_cut_is_a_piece_of_it(text: str, question: str) -> None:
    (found,) = Compress(sentences=2)(question, [Hit("a", "a", 7, 7 + len(text), text, line=3)])
    assert text[found.start - 7 : found.end - 7] == found.text


def test_newer_ones_move_up_and_those_without_a_date_down() -> None:
    hits = [hit("none", 1.0), hit("old", 0.9, date="1990-05-01"), hit("new", 0.8, date=date(2024, 1, 1))]
    found = Recency(weight=3, today="2024-02-01")(hits, 3)
    assert [each.id for each in found] == ["new", "none", "old"]
    assert Recency(weight=0, today="2024-02-01")(hits, 3)[0].id == "none"
    assert found[0].scores["recency"] == found[0].score
    values = (2000, "2020", datetime(2030, 1, 1), "?")
    years = [hit(name, 1, year=value) for name, value in zip("abcd", values, strict=True)]
    assert [each.id for each in Recency("year", today="2024-02-01")(years, 4)] == ["c", "b", "a", "d"]
    assert Recency()([], 3) == []
    with pytest.raises(ValueError, match="today"):
        Recency(today="soon")


def test_what_the_metadata_says_moves_hits() -> None:
    hits = [hit("a", 1.0, kind="forum"), hit("b", 0.9, kind=["note", "manual"]), hit("c", 0.8)]
    hits.append(hit("d", 0.7, kind=True))
    found = Boost("kind", {"manual": 2.0, "forum": -3.0, "true": 5.0})(hits, 4)
    assert [each.id for each in found] == ["d", "b", "c", "a"]
    assert [each.id for each in Boost("kind", otherwise=1.0)(hits, 2)] == ["a", "b", "c", "d"]
    assert Boost("kind", candidates=1)(hits, 2) == Boost("kind", candidates=2)(hits[:2], 1)
