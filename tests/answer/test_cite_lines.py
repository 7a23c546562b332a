"""Citations tell the lines that an editor shows, and the page that a reader opens."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.answer.cite import cite, within
from ragbraid.index.protocol import Change, Entry
from ragbraid.testing import ListIndex
from ragbraid.types import Chunk, Document, Reading

BREAK = re.compile(r"\r\n|\r|\n")
TEXTS = st.text(st.sampled_from("\r\n\rab \x0c\u2028"), min_size=1, max_size=30)


@given(TEXTS, st.data())
def test_a_span_of_a_span_of_a_chunk_lies_on_its_lines(text: str, data: st.DataObject) -> None:
    def span(length: int) -> tuple[int, int]:
        start = data.draw(st.integers(0, length - 1))
        return start, data.draw(st.integers(start + 1, length))

    start, end = span(len(text))
    document = Document("a.txt", text, reading=Reading("text", "utf-8", verbatim=True))
    index = ListIndex().open()
    index.upsert([Change("a.txt", [Entry(document, [Chunk("a.txt", start, end, text[start:end])], None)])])
    (hit,) = index.chunks("a.txt")
    quoted = cite(hit, *span(end - start))
    for each in (quoted, within(quoted, *span(len(quoted.quote)))):
        assert text[each.start : each.end] == each.quote
        lines = [
            1 + sum(found.end() <= at for found in BREAK.finditer(text)) for at in (each.start, each.end - 1)
        ]
        assert [each.line, each.last_line] == lines


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4, unique=True), st.data())
def test_the_page_is_the_one_that_the_quote_begins_on(begins: list[int], data: st.DataObject) -> None:
    text, pages = "x" * 40, (0, *sorted(begins))
    start = data.draw(st.integers(0, 38))
    end = data.draw(st.integers(start + 1, 40))
    document = Document("a.pdf", text, pages=pages)
    index = ListIndex().open()
    index.upsert([Change("a.pdf", [Entry(document, [Chunk("a.pdf", start, end, text[start:end])], None)])])
    (hit,) = index.chunks("a.pdf")
    at = data.draw(st.integers(0, end - start - 1))
    assert cite(hit, at, end - start).page == sum(page <= start + at for page in pages)
