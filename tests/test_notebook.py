"""What a notebook shows of an answer and of a pipeline: text, and nothing that a document could do."""

from __future__ import annotations

from base64 import b64decode
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ragbraid import Answer, Citation, Pipeline
from ragbraid.components import OpenAi
from ragbraid.notebook import answer_html
from ragbraid.pipeline.engine import Engine
from ragbraid.secret import Secret
from ragbraid.types import Hit


class Page(HTMLParser):
    """The tags and attributes of a page, and its text by the tag that it stands in."""

    def __init__(self, html: str, *, whole: bool = True) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str | None]] = set()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert not whole or self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= set(attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1], data))

    def inside(self, tag: str) -> str:
        return "".join(text for at, text in self.texts if at == tag)


def cited(quote: str, start: int = 10, *, source: str = "a.md", page: int | None = None) -> Citation:
    return Citation(source, start, start + len(quote), quote, "hash", page)


def test_an_answer_shows_its_quotes_with_their_sources_and_the_short_answer_marked_in_them() -> None:
    first, second = cited("It is 14 months, shared."), cited("Also 14 months.", 80, source="b.pdf", page=3)
    short = Citation("a.md", 16, 25, "14 months", "hash")
    text = f"{first.quote}\n{second.quote}"
    answer = Answer(text, "14 months", short, citations=(first, second))
    html = answer_html(answer)
    assert html == answer._repr_html_()
    assert "<p>In short: <mark>14 months</mark></p>" in html
    assert "It is <mark>14 months</mark>, shared.</blockquote>" in html
    assert "Also 14 months.</blockquote>" in html
    assert "a.md, characters 10–34" in html
    assert "b.pdf, page 3, characters 80–95" in html


def test_an_answer_that_abstains_is_its_text_alone() -> None:
    assert Page(answer_html(Answer("Nothing of it.", abstained=True))).tags == ["div", "p"]


@given(st.text(), st.text(), st.text(min_size=1), st.integers(0, 30), st.integers(0, 30))
def test_documents_stay_text(text: str, source: str, quote: str, start: int, length: int) -> None:
    whole = cited(quote, source=source)
    short = Citation(source, 10 + start, 10 + start + length, quote[start : start + length], "hash")
    page = Page(answer_html(Answer(f"{text}</p><script>", quote, short, citations=(whole,))))
    assert set(page.tags) <= {"div", "p", "mark", "ol", "li", "blockquote"}
    assert page.attributes == {("style", "white-space: pre-line")}
    place = f"{source}, characters 10–{10 + len(quote)}"
    shown = f"{text}</p><script>In short: {quote}Sources{place}{quote}"
    assert "".join(each for _, each in page.texts) == shown


def find(question: str, k: int) -> list[Hit]:
    """Finds nothing."""
    return []


def drawn(**sections: Any) -> str:
    """The drawing that a notebook shows of a pipeline."""
    page = Page(Pipeline.build(engine=Engine(), **sections)._repr_html_(), whole=False)
    (source,) = (value for name, value in page.attributes if name == "src")
    kind, _, image = str(source).partition(",")
    assert (page.tags, kind) == (["img"], "data:image/svg+xml;base64")
    return b64decode(image).decode()


def test_a_pipeline_shows_its_graph() -> None:
    image = drawn(name='<own> "pipeline"', search=[find])
    assert image.startswith("<svg ")
    assert ">find</text>" in image
    assert "&lt;own&gt;" in image


def test_a_pipeline_shows_no_secret() -> None:
    server = OpenAi(base_url="http://localhost/v1", model="m", api_key=Secret("sk-1"))
    assert "sk-1" not in drawn(components={"server": server}, search=[find])
