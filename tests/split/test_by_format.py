from __future__ import annotations

import pytest

from ragbraid.split.by_format import ByFormat
from ragbraid.split.sentences import Sentences
from ragbraid.types import Chunk, Document

MARKDOWN = Document(
    "guide.html", "# Guide\n\nText.\n\n## Use\n\nMore.", {"title": "T"}, media_type="text/markdown"
)
CODE = Document("herd.py", "def graze():\n    pass\n\n\ndef rest():\n    pass\n")
TABLE = Document("goats.csv", "name,age\n" + "a goat,old\n" * 40)
TEXT = Document("notes.txt", "# no heading\n\nOne sentence. Another one.")


def split(*documents: Document, **settings: object) -> list[Chunk]:
    return ByFormat(max_tokens=40, **settings).open()([*documents])  # type: ignore[arg-type]


def test_each_document_is_cut_as_suits_it() -> None:
    assert [each.metadata for each in split(MARKDOWN)] == [{"headings": "Guide"}, {"headings": "Guide > Use"}]
    assert [each.metadata for each in split(CODE)] == [{"symbol": "graze"}, {"symbol": "rest"}]
    assert {each.context for each in split(TABLE)[1:]} == {"name,age"}
    assert [each.text for each in split(TEXT)] == [TEXT.text]


def test_chunks_stay_in_the_order_of_their_documents() -> None:
    documents = [TEXT, CODE, TABLE, MARKDOWN, TEXT]
    assert split(*documents) == [chunk for each in documents for chunk in split(each)]


def test_context_is_for_all() -> None:
    found = split(MARKDOWN, CODE, context=True)
    assert [each.context for each in found] == ["T", "T > Guide", "herd.py > graze", "herd.py > rest"]


@pytest.mark.parametrize(
    ("format", "document"), [("markdown", MARKDOWN), ("code", CODE), ("tables", TABLE), ("text", TEXT)]
)
def test_another_splitter_can_be_set_for_a_format(format: str, document: Document) -> None:  # noqa: A002
    own = Sentences(max_tokens=8).open()
    assert split(document, **{format: own}) == own([document])
