from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import writing
from compound import compound, doc, ppt
from reading import load

from ragbraid.errors import LoadError


@pytest.mark.parametrize("name", ["a.doc", "a.DOT"])
def test_a_document_is_a_line_for_each_paragraph(tmp_path: Path, name: str) -> None:
    text = "Größe — of a letter.\rSecond one: 日本 *as is*.\rcell\x07next\x07\x07\rthe end\r"
    document = load(tmp_path, name, doc(text))
    assert document.text == "Größe — of a letter.\nSecond one: 日本 *as is*.\ncell\tnext\nthe end"
    assert document.media_type == "text/plain"


def test_a_link_is_its_words(tmp_path: Path) -> None:
    document = load(tmp_path, "a.doc", doc('See \x13 HYPERLINK "http://x" \x14the link\x15 here\r'))
    assert document.text == "See the link here"


def test_slides_have_their_titles_as_headings(tmp_path: Path) -> None:
    slides = [("Größe", "words\rmore", "a box"), ("Second", "the end", "another")]
    document = load(tmp_path, "a.ppt", ppt(slides))
    lines = [each for each in document.text.splitlines() if each.strip("-")]
    assert lines == ["## Größe", "words", "more", "a box", "## Second", "the end", "another"]
    assert (document.media_type, document.metadata["title"]) == ("text/markdown", "Größe")


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (lambda: rb"{\rtf1\ansi Some words\par}", "Some words"),
        (lambda: b"\n<html><body><p>Some words</p></body></html>", "Some words"),
        (lambda: writing.docx(lambda each: each.add_paragraph("Some words")), "Some words"),
    ],
)
def test_what_only_has_the_name_of_one(tmp_path: Path, data: Callable[[], bytes], wanted: str) -> None:
    assert load(tmp_path, "a.doc", data()).text.strip() == wanted


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.doc", doc("secret\r", locked=True), "protected by a password"),
        ("a.ppt", ppt([("secret", "words", "")], locked=True), "protected by a password"),
        ("a.doc", doc(" \r\r"), "No text"),
        ("a.ppt", ppt([]), "No text"),
        ("a.doc", compound({"Workbook": bytes(100)}), "not what its name says"),
        ("a.doc", b"just text", "not what its name says"),
        ("a.ppt", doc("words\r"), "not what its name says"),
        ("a.doc", doc("words\r" * 100)[:1500], "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        load(tmp_path, name, data)
