from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import writing
from compound import compound
from reading import in_order, load, page_of

from ragbraid.errors import LoadError


def test_a_slide_is_a_page_with_its_table_and_notes(tmp_path: Path) -> None:
    from pptx.util import Inches

    def write(slides: Any) -> None:
        slides.core_properties.title, slides.core_properties.author = "Deck", "Ann"
        slides.core_properties.created = datetime.datetime(2024, 1, 31, 10)
        first = slides.slides.add_slide(slides.slide_layouts[5])
        first.shapes.title.text = "First <x>"
        table = first.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            table.cell(row, column).text = f"c{row}{column}"
        first.notes_slide.notes_text_frame.text = "Say this\nslowly"
        second = slides.slides.add_slide(slides.slide_layouts[6])
        group = second.shapes.add_group_shape()
        group.shapes.add_textbox(0, 0, 9, 9).text_frame.text = "grouped words"

    document = load(tmp_path, "a.pptx", writing.pptx(write))
    assert in_order(document.text, "## First <x>", "| c00 | c01 |", "| c10 | c11 |", "Notes: Say this slowly")
    assert [page_of(document, each) for each in ("c11", "Notes", "grouped")] == [1, 1, 2]
    assert document.metadata["title"] == "Deck"
    assert document.metadata["author"] == "Ann"
    assert document.metadata["created"] == "2024-01-31T10:00:00Z"


def test_footnotes_of_a_docx_are_text(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        from docx.opc.constants import RELATIONSHIP_TYPE
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part
        from docx.oxml import OxmlElement
        from docx.oxml.ns import nsdecls, qn

        paragraph = document.add_paragraph("Claim")
        mark, run = OxmlElement("w:footnoteReference"), OxmlElement("w:r")
        mark.set(qn("w:id"), "2")
        run.append(mark)
        paragraph._p.append(run)
        words = "<w:p><w:r><w:t>the proof of it</w:t></w:r></w:p>"
        notes = f"""<w:footnotes {nsdecls("w")}><w:footnote w:id="2">{words}</w:footnote></w:footnotes>"""
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
        part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), document.part.package)
        document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)

    assert in_order(load(tmp_path, "a.docx", writing.docx(write)).text, "Claim", "the proof of it")


ODT = """<text:tracked-changes><text:changed-region><text:deletion><text:p>deleted</text:p></text:deletion>
</text:changed-region></text:tracked-changes>
<text:h text:outline-level="2">Head</text:h><text:p>Para
<text:span>one</text:span><text:s text:c="2"/>two<text:tab/>three<text:line-break/>four<text:note>
<text:note-citation>1</text:note-citation><text:note-body><text:p>the proof</text:p></text:note-body>
</text:note><office:annotation><text:p>remark</text:p></office:annotation></text:p>
<text:list><text:list-item><text:p>item</text:p><text:list><text:list-item><text:p>inner</text:p>
</text:list-item></text:list></text:list-item></text:list>
<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>c00</text:p>
</table:table-cell><table:table-cell table:number-columns-repeated="16000"/></table:table-row>
</table:table-header-rows><table:table-row><table:table-cell><table:table><table:table-row><table:table-cell><text:p>nest0</text:p>
</table:table-cell><table:table-cell><text:p>nest1</text:p></table:table-cell></table:table-row></table:table>
</table:table-cell><table:table-cell><text:p>c11</text:p></table:table-cell></table:table-row></table:table>
<text:p>End <draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame></text:p>
<text:p><draw:frame><draw:image/><svg:title>a fox</svg:title></draw:frame> seen
<draw:frame><draw:image/></draw:frame></text:p>"""
META = "<dc:title>Title</dc:title><dc:creator>Cy</dc:creator><dc:language>de-DE</dc:language>"


def test_odt(tmp_path: Path) -> None:
    document = load(tmp_path, "a.odt", writing.odf("text", ODT, META))
    assert document.text.split("\n\n") == [
        "## Head",
        "Para one  two\tthree\nfour[^1]",
        "- item\n  - inner",
        "| c00 |  |\n| --- | --- |\n| nest0 nest1 | c11 |",
        "End",
        "boxed",
        "[Image: a fox] seen",
        "[^1]: the proof",
        "Comment: remark",
    ]
    assert document.metadata == {"title": "Title", "author": "Cy", "lang": "de-DE"}
    assert document.warnings == ("1 image without a description",)


def test_slides_of_an_odp_are_pages(tmp_path: Path) -> None:
    slides = """<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>Title</text:p>
    </draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>said</text:p></draw:text-box>
    </draw:frame></presentation:notes></draw:page>"""
    slides += "".join(
        f'<draw:page draw:name="p{each}"><draw:frame><draw:text-box><text:p>words {each}</text:p>'
        "</draw:text-box></draw:frame></draw:page>"
        for each in (2, 3)
    )
    document = load(tmp_path, "a.odp", writing.odf("presentation", slides))
    assert document.text == "## Title\n\nNotes: said\n\nwords 2\n\nwords 3"
    assert [page_of(document, each) for each in ("said", "words 2", "words 3")] == [1, 2, 3]


def test_text_that_a_change_moved_is_read_where_it_is(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        for words, end in (("Old place", "moveFrom"), ("kept", ""), ("new place", "moveTo")):
            run = f"<w:r><w:t>{words}</w:t></w:r>"
            moved = f'<w:{end} w:id="1" w:author="x">{run}</w:{end}>' if end else run
            mark = f'<w:pPr><w:rPr><w:{end} w:id="2"/></w:rPr></w:pPr>' if end else ""
            document.element.body.insert(-1, parse_xml(f"<w:p {nsdecls('w')}>{mark}{moved}</w:p>"))

    assert load(tmp_path, "a.docx", writing.docx(write)).text.split("\n\n") == ["kept", "new place"]


def test_comments_of_a_docx_follow_its_text(tmp_path: Path) -> None:
    def write(document: Any) -> None:
        document.add_comment(document.add_paragraph("Body words").runs, text="a remark", author="A")
        document.add_paragraph("End")

    lines = load(tmp_path, "a.docx", writing.docx(write)).text.split()
    assert lines == ["Body", "words", "End", "Comment:", "a", "remark"]


def test_what_is_locked_says_so(tmp_path: Path) -> None:
    office = compound({"EncryptionInfo": b"x" * 64, "EncryptedPackage": b"y" * 600})
    manifest = {"META-INF/manifest.xml": "<m><encryption-data/></m>", "content.xml": b"\x93\x11"}
    files = {"a.docx": office, "a.xlsx": office, "a.pptx": office, "a.odt": writing.archive(manifest)}
    for name, data in files.items():
        with pytest.raises(LoadError, match="protected by a password"):
            load(tmp_path, name, data)


def test_rtf_in_its_code_page(tmp_path: Path) -> None:
    data = rb"{\rtf1\ansi\ansicpg1251{\info{\title Title}{\author Rae}}"
    data += rb"\'cf\'f0\'e8 {\*\generator x;}\u8364? end}"
    document = load(tmp_path, "a.rtf", data)
    assert "При € end" in document.text
    assert "generator" not in document.text
    assert document.metadata == {"title": "Title", "author": "Rae"}


def test_chapters_of_a_book_come_as_they_are_read(tmp_path: Path) -> None:
    head = "<dc:title>Book</dc:title><dc:creator>Jane</dc:creator><dc:language>en</dc:language>"
    head += "<dc:date>2001-02-03</dc:date>"
    chapters = {"z.xhtml": "<h1>One</h1><p>first &lt;x&gt;</p>", "a.xhtml": "<h1>Two</h1><p>caf&#233;</p>"}
    document = load(tmp_path, "a.epub", writing.epub(chapters, head))
    assert in_order(document.text, "# One", "first <x>", "# Two", "café")
    expected = {"title": "Book", "author": "Jane", "lang": "en", "created": "2001-02-03"}
    assert document.metadata == expected


def test_fiction_book(tmp_path: Path) -> None:
    text = """\
<?xml version="1.0" encoding="windows-1251"?>
    <FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><description><title-info><book-title>Книга</book-title><lang>ru</lang></title-info></description><body><section>
    <title><p>Глава</p></title><p>слова</p></section></body>
    <binary id="x" content-type="image/png">AAAABBBB</binary></FictionBook>"""
    document = load(tmp_path, "a.fb2", text.encode("cp1251"))
    assert in_order(document.text, "Глава", "слова")
    assert "AAAABBBB" not in document.text
    assert document.metadata == {"title": "Книга", "lang": "ru"}
