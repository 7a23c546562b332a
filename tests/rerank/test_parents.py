from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragbraid.index.faiss import Faiss
from ragbraid.index.protocol import Change, Entry
from ragbraid.rerank.parents import Parents
from ragbraid.split.markdown import Markdown
from ragbraid.split.parent_child import ParentChild
from ragbraid.split.sentences import Sentences
from ragbraid.types import Document, Hit, Reading, Scope

SECTIONS = [
    f"## Section {i}\n\nGoats of herd {i} graze here. Cows do not. They stay at farm {i}, with the hens."
    for i in range(6)
]
TEXT = "# Herds\n\n" + "\n\n".join(SECTIONS)
PAGES = (0, TEXT.index("## Section 3"))
READING = Reading("text", "utf-8", verbatim=True)
DOCUMENT = Document("herds.md", TEXT, {"team": "a"}, PAGES, media_type="text/markdown", reading=READING)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Any]:
    opened = Faiss(tmp_path / "index").open()
    split = ParentChild(Markdown(max_tokens=60).open(), Sentences(max_tokens=12).open())
    opened.upsert([Change("herds.md", [Entry(DOCUMENT, split([DOCUMENT]), None)])])
    yield opened
    opened.close()


def search(index: Any, words: str) -> list[Hit]:
    (found,) = index.search_text([words], 20)
    return list(found)


def test_children_are_small_and_know_their_parents(index: Any) -> None:
    children = index.chunks("herds.md")
    assert len(children) > 12
    for child in children:
        start, end = child.metadata["parent"]
        assert child.text in TEXT[start:end]
        assert start <= child.start < child.end <= end
        assert child.metadata["headings"] == "Herds > " + TEXT[start:end].split("## ")[1].split("\n")[0]


def test_a_parent_is_given_once_with_its_best_childs_score(index: Any) -> None:
    hits = search(index, "herd 4 goats farm")
    found = Parents(index)(hits, 3)
    assert found[0].text == SECTIONS[4]
    assert (found[0].id, found[0].score, found[0].scores) == (hits[0].id, hits[0].score, hits[0].scores)
    assert sorted(each.start for each in found) == sorted({each.start for each in found})
    assert all(TEXT[each.start : each.end] == each.text for each in found)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert {each.page for each in found} == {1, 2}
    assert [each.line for each in found] == [1 + TEXT[: each.start].count("\n") for each in found]


def test_no_more_parents_are_given_than_asked_for(index: Any) -> None:
    hits = search(index, "goats")
    assert len(Parents(index, candidates=2)(hits, 1)) == 2
    assert len(Parents(index, candidates=1)(hits, 4)) == 4


def test_a_hit_without_a_parent_stays(index: Any) -> None:
    (hit, *_) = search(index, "goats")
    for metadata in ({}, {"parent": "x"}, {"parent": [0]}, {"parent": [5, 4]}, {"parent": [0, 10**9]}):
        plain = replace(hit, metadata=metadata)
        assert Parents(index)([plain], 3) == [plain]


def test_a_changed_document_is_not_read_for_an_old_hit(index: Any) -> None:
    hits = search(index, "herd 4")
    changed = replace(DOCUMENT, text=TEXT + "\n\nMore.")
    index.upsert([Change("herds.md", [Entry(changed, [], None)])])
    assert Parents(index)(hits, 2) == hits[:10]


def test_what_is_out_of_scope_is_not_read(index: Any) -> None:
    class Scoped:
        def document(self, source: str) -> Document | None:
            found = index.document(source, scope=Scope(filter={"team": "b"}))
            assert found is None
            return None

    hits = search(index, "herd 4")
    assert Parents(Scoped())(hits, 2) == hits[:10]  # type: ignore[arg-type]
