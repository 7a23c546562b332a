from __future__ import annotations

import asyncio
import random
import time
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
import writing
from reading import load, page_of

from ragbraid.errors import LoadError
from ragbraid.types import Document


def test_pages_are_found_by_characters(tmp_path: Path) -> None:
    data = writing.pdf(["Hällo page öne ünd möre"], ["Second é"], [], ["Fourth page"], title="Two Päges")
    document = load(tmp_path, "a.pdf", data)
    assert document.metadata["title"] == "Two Päges"
    assert len(document.pages) == 4
    assert [page_of(document, each) for each in ("Hällo", "Second", "Fourth")] == [1, 2, 4]
    assert document.text[document.pages[3] :] == "Fourth page"


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    text = "the quick brown fox jumps over the lazy dog while the grey cat sleeps under a table by the sea"
    words = text.split()
    left = [f"{words[i]} {words[i + 1]} left{i}" for i in range(18)]
    right = [f"{words[-1 - i]} right{i} end" for i in range(18)]
    document = load(tmp_path, "a.pdf", writing.columns(left, right))
    text = " ".join(document.text.split())
    assert " ".join(left) in text
    assert " ".join(right) in text


def test_ligatures_and_broken_words_are_made_whole(tmp_path: Path) -> None:
    lines = ["ﬁeld oﬃce ﬂow and infor-", "mation, of a well-known and well-", "known kind."]
    document = load(tmp_path, "a.pdf", writing.pdf(lines, ["second ﬁnd"], truetype=True))
    for word in ("field office flow", "information", "well-known kind"):
        assert word in " ".join(document.text.split())
    assert page_of(document, "second find") == 2


def test_a_word_of_any_length_takes_no_time_of_its_square(tmp_path: Path) -> None:
    word = "".join(random.Random(1).choices("abcdefgh", k=60_000))
    data = writing.pdf([word, "and a bro-", "ken one"])
    began = time.perf_counter()
    assert "broken one" in load(tmp_path, "a.pdf", data).text
    assert time.perf_counter() - began < 20, "the square of it would be a minute or more"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("locked.pdf", lambda: writing.pdf(["secret"], password="pw"), "password"),
        ("bad.pdf", lambda: b"not a zip", "damaged"),
        ("bad.docx", lambda: b"not a zip", "damaged"),
        ("empty.pdf", lambda: b"", "damaged"),
        ("empty.docx", lambda: writing.docx(lambda document: None), "No text"),
        ("empty.html", lambda: b"<script>x</script>", "No text"),
    ],
)
def test_what_gives_no_text_says_why(tmp_path: Path, name: str, data: Any, reason: str) -> None:
    with pytest.raises(LoadError, match=reason) as caught:
        load(tmp_path, name, data())
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_tables_of_a_docx_are_read_once_and_in_order(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        document.core_properties.title = "My Doc"
        document.add_heading("Heading", 1)
        document.add_paragraph("Before <b> & `code` \\< _x_.")
        table = document.add_table(3, 3)
        for row in range(3):
            for column in range(3):
                table.cell(row, column).text = f"c{row}{column}"
        inner = table.cell(1, 1).add_table(1, 2)
        inner.cell(0, 0).text, inner.cell(0, 1).text = "nest0", "nest1"
        table.cell(2, 0).merge(table.cell(2, 1))
        document.add_heading("Second", 2)
        document.add_paragraph("After the table.")

    document = load(tmp_path, "a.docx", writing.docx(write))
    assert document.metadata["title"] == "My Doc"
    assert document.media_type == "text/markdown"
    cells = ["c00", "c01", "c02", "c10", "c11", "nest0", "nest1", "c12", "c20", "c21", "c22"]
    words = ["Heading", "Before", *cells, "Second", "After"]
    places = [document.text.index(word) for word in words]
    assert places == sorted(places)
    assert all(document.text.count(word) == 1 for word in words)
    assert "# Heading" in document.text
    assert "Before <b> & `code` \\< _x_." in document.text


def test_tracked_changes_and_footnotes(tmp_path: Path) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    def write(document: Any) -> None:
        paragraph = document.add_paragraph("Kept")
        for tag, inner, text in (("w:ins", "w:t", " inserted"), ("w:del", "w:delText", " deleted")):
            change, run, words = OxmlElement(tag), OxmlElement("w:r"), OxmlElement(inner)
            change.set(qn("w:id"), "1")
            words.text = text
            run.append(words)
            change.append(run)
            paragraph._p.append(change)

    text = load(tmp_path, "a.docx", writing.docx(write)).text
    assert "inserted" in text
    assert "deleted" not in text


HTML = """<!doctype html><html lang="de-AT"><head><title>A &amp; B</title><style>p {color: red}</style>
<script>var x = "<p>not shown</p>"</script></head><body><h1>Chapter 1</h1>
<p>Run &lt;input&gt; &amp; caf&eacute; <b>bold</b></p><h2>Sec 1.1</h2><p>needle</p>
<pre><code>List&lt;String&gt; a\\&lt;b # x</code></pre><table><tr><th>A<th>B<tr><td>1<td>2</table>
<img alt="A picture" src="data:image/png;base64,AAAABBBBCCCC"><h1>Chapter 2</h1><p>x</p></body></html>"""


def test_html_is_read_as_readers_see_it(tmp_path: Path) -> None:
    document = load(tmp_path, "a.html", HTML.encode())
    assert document.metadata == {"title": "A & B", "lang": "de-AT"}
    for shown in ("Run <input> & café", "# Chapter 1", "## Sec 1.1", "List<String> a\\<b # x", "A picture"):
        assert shown in document.text
    for hidden in ("color", "not shown", "AAAABBBB", "&amp;"):
        assert hidden not in document.text


def test_a_page_in_a_form_and_a_title_in_a_header(tmp_path: Path) -> None:
    page = """<body><header><h1>Title</h1><p>By Ann</p></header><nav>Menu</nav>
    <div role="navigation">Path</div><form><p>the words</p></form><footer>Imprint</footer></body>"""
    text = load(tmp_path, "a.html", page.encode()).text
    assert text.split() == ["#", "Title", "By", "Ann", "the", "words", "Imprint"]


def test_html_says_its_own_charset(tmp_path: Path) -> None:
    meta = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>' + "Привет мир" * 20
    document = load(tmp_path, "a.html", meta.encode("cp1251"))
    assert "Привет мир" in document.text
    assert document.warnings == ()
    assert "Größe" in load(tmp_path, "b.html", "<meta charset=utf-8><p>Größe".encode()).text
    assert "Größe" in load(tmp_path, "c.html", "<p>Größe".encode("utf-16")).text


def test_a_time_limit_is_kept(tmp_path: Path) -> None:
    data = writing.pdf(*[["some words on a line"] * 40] * 120)
    with pytest.raises(LoadError, match="took"):
        load(tmp_path, "a.pdf", data, timeout=0.001)


def test_files_are_read_inside_an_event_loop(tmp_path: Path) -> None:
    async def inside() -> Document:
        return load(tmp_path, "a.html", HTML.encode())

    assert asyncio.run(inside()).metadata["title"] == "A & B"


def test_the_extraction_library_is_free_to_use() -> None:
    assert "MIT" in str(metadata("xberg").get("License-Expression"))
