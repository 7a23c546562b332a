"""Damaged files of every format give documents or a reason: no crash, no hang, nothing that is unfit."""

from __future__ import annotations

import io
import itertools
import json
import random
import re
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import writing
from compound import doc, msg, ppt

from ragbraid.errors import LoadError
from ragbraid.index.metadata import encode
from ragbraid.load import tesseract
from ragbraid.load.files import Files
from ragbraid.load.formats import READERS
from ragbraid.load.parser import PARSER
from ragbraid.types import Document, SourceRef
from soaking import count


def deck(slides: Any) -> None:
    slide = slides.slides.add_slide(slides.slide_layouts[1])
    slide.shapes.title.text, slide.placeholders[1].text = "Title", "words\nmore"
    slide.notes_slide.notes_text_frame.text = "notes"


def word(document: Any) -> None:
    document.add_heading("Head", 1)
    document.add_paragraph("Some words.")
    document.add_paragraph("item", "List Number")
    document.add_comment(document.add_paragraph("remarked").runs, text="a remark")
    document.add_table(2, 2).cell(0, 0).text = "cell"


def book(target: Any) -> None:
    for row in (["Name", "Born", "Note"], ["Ada", 1815, "x"], ["Alan", 1912, "y"]):
        target.active.append(row)


def mail() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["Date"] = "Größe", "a@b", "Wed, 31 Jan 2024 10:00:00 +0100"
    message.set_content("The body, café.")
    message.add_alternative("<p>The body", subtype="html")
    message.add_attachment("attached", filename="a.txt")
    return message.as_bytes()


def picture() -> bytes:
    from PIL import Image

    target = io.BytesIO()
    Image.new("L", (40, 20), 255).save(target, "TIFF", save_all=True, append_images=[Image.new("1", (9, 9))])
    return target.getvalue()


PARAGRAPH = "<text:h>Head</text:h><text:p>Some <text:span>words</text:span></text:p>"
SHEET = """<table:table table:name="T"><table:table-row><table:table-cell office:value-type="date"
office:date-value="2024-01-31"><text:p>x</text:p></table:table-cell></table:table-row></table:table>"""
SLIDE = (
    "<draw:page><draw:frame><draw:text-box><text:p>words</text:p></draw:text-box></draw:frame></draw:page>"
)
HTML = "<html lang=de><title>A</title><meta charset=utf-8><h1>Ä</h1><img><table><tr><td>c<td>d</table>"
CELLS = [
    {"cell_type": "markdown", "source": ["# Head ![](x)"]},
    {"cell_type": "code", "source": "1", "outputs": [{"data": {"text/plain": "2", "image/png": "A"}}]},
]
FB2 = "<FictionBook><body><section><title><p>T</p></title><p>words</p></section></body></FictionBook>"
SAMPLES: dict[str, Callable[[], bytes]] = {
    "txt": lambda: "wörds and möre".encode("utf-16"),
    "md": lambda: "---\ntitle: x\ntags: [a]\n---\n# Head\n\n```\ncode\n```\n![](x) wörds\n".encode(),
    "html": HTML.encode,
    "pdf": lambda: writing.pdf(["Some words on a page"] * 5, ["More words"]),
    "docx": lambda: writing.docx(word),
    "doc": lambda: doc("Some words in a line\rand in another\r"),
    "ppt": lambda: ppt([("Title", "some words", "in a box"), ("Second", "more", "")]),
    "pptx": lambda: writing.pptx(deck),
    "xlsx": lambda: writing.xlsx(book),
    "odt": lambda: writing.odf("text", PARAGRAPH, "<dc:title>T</dc:title>"),
    "ods": lambda: writing.odf("spreadsheet", SHEET),
    "odp": lambda: writing.odf("presentation", SLIDE),
    "rtf": lambda: rb"{\rtf1\ansi\ansicpg1252{\info{\title T}}\b caf\'e9\b0 \u8364? {\*\x y}\par end}",
    "epub": lambda: writing.epub({"c.xhtml": "<h1>One</h1><p>words</p>"}, "<dc:title>T</dc:title>"),
    "fb2": FB2.encode,
    "eml": mail,
    "msg": lambda: msg({"001A": "IPM.Note", "0037": "Subject", "1000": "Body words"}),
    "ipynb": lambda: json.dumps({"cells": CELLS, "metadata": {"language_info": {"name": "r"}}}).encode(),
    "tiff": picture,
}


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", SAMPLES)
def test_damaged_files(tmp_path: Path, kind: str) -> None:
    sample = SAMPLES[kind]()
    path = tmp_path / f"a.{kind}"
    read = 0
    with PARSER.kept():
        for seed in range(count(10, 2000)):
            path.write_bytes(mutated(sample, seed) if seed else sample)
            documents, error = loaded(path)
            read += error is None
            for each in documents:
                check(each)
            assert error is None or error.hint
            assert "\n" not in str(error)
            assert not re.search("crashed|took over", str(error)), seed
    assert read or (kind == "tiff" and tesseract.folder() is None), "the first one is whole"


def test_every_reader_is_among_them() -> None:
    readers = {READERS[f".{kind}"] for kind in SAMPLES}
    assert {each.__module__ for each in READERS.values()} == {each.__module__ for each in readers}


def loaded(path: Path) -> tuple[list[Document], LoadError | None]:
    try:
        return list(Files(timeout=60).load(SourceRef(path.name, str(path)))), None
    except LoadError as error:
        return [], error


def check(document: Document) -> None:
    document.text.encode("utf-8")
    document.source.encode("utf-8")
    encode(document.metadata, document.source)
    assert all(a <= b for a, b in itertools.pairwise(document.pages))
    assert all(0 <= each <= len(document.text) for each in (*document.pages, document.body))
    assert not any("\n" in each for each in document.warnings)


def mutated(data: bytes, seed: int) -> bytes:
    """The file with some bytes changed, lost or added; of an archive every other time one of its files so."""
    chance = random.Random(seed)
    if zipfile.is_zipfile(io.BytesIO(data)) and chance.random() < 0.6:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
        name = chance.choice([each for each in entries if entries[each]])
        entries[name] = _damaged(bytes(entries[name]), chance)  # type: ignore[arg-type]
        return writing.archive(entries)
    return _damaged(data, chance)


def _damaged(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    if chance.random() < 0.3:
        del changed[chance.randrange(len(changed)) :]
    if chance.random() < 0.2:
        at = chance.randrange(len(changed) + 1)
        changed[at:at] = chance.randbytes(chance.randint(1, 200))
    if chance.random() < 0.2 and changed:  # a piece of it again
        start = chance.randrange(len(changed))
        changed[start:start] = changed[start : start + chance.randint(1, 500)] * chance.randint(1, 9)
    return bytes(changed)
