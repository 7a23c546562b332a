"""What Word documents say is read as Word shows it, of every kind of element that holds text."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest
import writing
from reading import load

from ragbraid.errors import LoadError


def run(inner: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr>{inner}</w:r>"


def words(text: str, properties: str = "") -> str:
    return run(f'<w:t xml:space="preserve">{text}</w:t>', properties)


def paragraph(inner: str, properties: str = "") -> str:
    inner = inner if inner.startswith("<") else words(inner)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def styled(text: str, style: str, more: str = "") -> str:
    return paragraph(text, f'<w:pStyle w:val="{style}"/>{more}')


def item(text: str, numbering: int, level: int = 0) -> str:
    return paragraph(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{numbering}"/></w:numPr>')


def cell(inner: str, properties: str = "") -> str:
    inner = inner if inner.startswith("<") else paragraph(inner)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def style(number: str, name: str, properties: str = "", base: str = "Normal") -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="{number}"><w:name w:val="{name}"/>'
        f'<w:basedOn w:val="{base}"/><w:pPr>{properties}</w:pPr></w:style>'
    )


def field(code: str, *results: str) -> str:
    """A complex field; what stands between two results is a new paragraph's beginning."""
    begin, middle, end = (
        run(f'<w:fldChar w:fldCharType="{each}"/>') for each in ("begin", "separate", "end")
    )
    return begin + run(f"<w:instrText>{code}</w:instrText>") + middle + "".join(results) + end


STYLES = (
    '<w:latentStyles w:count="9"><w:lsdException w:name="heading 9"/></w:latentStyles>'
    + style("Normal", "Normal", base="")
    + style("Title", "Title")
    + style("berschrift1", "heading 1", '<w:outlineLvl w:val="0"/>')
    + style("Own", "Our chapters", base="berschrift2")
    + style("berschrift2", "heading 2")
    + style("Rubrik", "Rubrik 3")
    + style("Flat", "No chapter", '<w:outlineLvl w:val="9"/>', base="berschrift2")
    + style("Quote", "Quote")
    + style("Bullets", "List Bullet 2", '<w:numPr><w:numId w:val="1"/></w:numPr>')
    + style("Numbers", "List Number 2", '<w:numPr><w:numId w:val="5"/></w:numPr>')
    + style("Ring", "Ring", base="Ring")
)
LEVELS = "".join(
    f'<w:lvl w:ilvl="{level}"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/></w:lvl>'
    for level, (kind, start) in enumerate([("decimal", 3), ("lowerLetter", 1), ("none", 1)])
)
RESTART = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'
NUMBERING = (
    '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:abstractNum w:abstractNumId="3"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>'
    f'<w:abstractNum w:abstractNumId="1"><w:styleLink w:val="Outline"/>{LEVELS}</w:abstractNum>'
    '<w:abstractNum w:abstractNumId="2"><w:numStyleLink w:val="Outline"/></w:abstractNum>'
    + "".join(
        f'<w:num w:numId="{number}"><w:abstractNumId w:val="{definition}"/>{more}</w:num>'
        for number, definition, more in ((1, 0, ""), (2, 1, ""), (3, 1, RESTART), (4, 2, ""), (5, 3, ""))
    )
)


def blocks(folder: Path, data: bytes) -> list[str]:
    return load(folder, "a.docx", data).text.split("\n\n")


def test_headings_by_their_styles(tmp_path: Path) -> None:
    body = (
        styled("Whole", "Title")
        + styled(words("One", "<w:b/>") + run("<w:br/>") + words("line"), "berschrift1")
        + styled("Two", "berschrift2")
        + styled("Own two", "Own")
        + styled("Three", "Rubrik")
        + styled("Not here", "Heading4")
        + paragraph("Five", '<w:outlineLvl w:val="4"/>')
        + styled("Deep", "berschrift1", '<w:outlineLvl w:val="8"/>')
        + styled("text", "Flat")
        + styled("body", "berschrift1", '<w:outlineLvl w:val="9"/>')
        + styled("around", "Ring")
        + styled("said", "Quote")
        + styled("", "berschrift1")
    )
    assert blocks(tmp_path, writing.word(body, styles=STYLES)) == [
        "# Whole", "# One line", "## Two", "## Own two", "### Three", "#### Not here", "##### Five",
        "###### Deep", "text", "body", "around", "> said",
    ]  # fmt: skip
    assert blocks(tmp_path, writing.word(styled("One", "Heading1")))[0] == "# One"


def test_lists_count_as_word_does(tmp_path: Path) -> None:
    body = (
        item("dot", 1) + item("inner", 1, 1) + item("dot", 1)
        + paragraph("between")
        + item("a", 2) + item("b", 2, 1) + item("c", 2, 1) + item("d", 2) + item("e", 2, 1)
        + paragraph("between")
        + item("f", 2) + item("g", 3) + item("unmarked", 2, 2) + item("h", 4) + item("off", 0)
        + styled("styled", "Bullets") + styled("one", "Numbers") + styled("two", "Numbers")
        + item("unknown", 99) + item("odd", 2, 10**6)
    )  # fmt: skip
    found = blocks(tmp_path, writing.word(body, styles=STYLES, numbering=NUMBERING))
    assert found == [
        "- dot\n  - inner\n- dot", "between",
        "3. a\n   1. b\n   2. c\n4. d\n   1. e", "between",
        "5. f", "7. g", "unmarked", "3. h", "off",
        "- styled", "1. one\n2. two", "- unknown\n  6. odd",
    ]  # fmt: skip


def test_tables_with_merged_cells(tmp_path: Path) -> None:
    wide, tall, below = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    inner = f"<w:tbl>{row(cell('n1'), cell('n2'))}{row(cell('n3'))}</w:tbl><w:p/>"
    rows = (
        row(cell("a"), cell("b"), cell("c"))
        + row(cell("wide", wide), cell("tall", tall))
        + row(cell(paragraph("x") + item("y", 1)), cell(inner), cell("<w:p/>", below))
        + row(cell("last"), properties='<w:gridBefore w:val="2"/>')
        + row(cell("gone"), properties='<w:del w:id="1"/>')
        + f"<w:sdt><w:sdtContent>{row(cell('held'))}</w:sdtContent></w:sdt>"
        + row(cell("<w:p/>"))
    )
    empty = f"<w:tbl>{row(cell('<w:p/>'))}</w:tbl>"
    assert blocks(tmp_path, writing.word(f"<w:tbl>{rows}</w:tbl>{empty}{paragraph('after')}")) == [
        "| a | b | c |\n| --- | --- | --- |\n| wide |  | tall |\n| x y | n1 n2 n3 |  |\n|  |  | last |\n"
        "| held |  |  |",
        "after",
    ]


def test_signs_and_marks_of_runs(tmp_path: Path) -> None:
    signs = '<w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:br w:type="page"/><w:t>d</w:t><w:cr/>'
    signs += "<w:t>e</w:t><w:noBreakHyphen/><w:t>f</w:t><w:softHyphen/><w:t>g\nh</w:t>"
    symbols = "".join(
        f'<w:sym w:font="{font}" w:char="{code}"/>'
        for font, code in (("Symbol", "F061"), ("Symbol", "F0B3"), ("Wingdings", "F0E0"), ("Wingdings", "FE"),
                           ("MS Gothic", "2612"), ("Other", "F061"), ("Symbol", "x"), ("x", "FFFFFFFFF"))
    )  # fmt: skip
    marked = (
        words("bold ", "<w:b/>") + words("all ", "<w:b/>") + words("both ", "<w:b/><w:i/>")
        + words("slanted", "<w:i/>") + words(" none", '<w:b w:val="0"/>') + words(" old", "<w:strike/>")
        + words(" 10") + words("6", '<w:vertAlign w:val="superscript"/>') + words(" secret", "<w:vanish/>")
    )  # fmt: skip
    ruby = run(
        "<w:ruby><w:rt><w:r><w:t>kan</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby>"
    )
    body = paragraph(run(signs)) + paragraph(run(symbols)) + paragraph(marked) + paragraph(ruby)
    assert blocks(tmp_path, writing.word(body + paragraph("two  spaces "))) == [
        "a\tb\nc\nd\ne‑fg h", "α≥→☑☒", "**bold all both** *slanted* none ~~old~~ 10^6^", "漢", "two spaces",
    ]  # fmt: skip


def test_links_fields_and_controls(tmp_path: Path) -> None:
    inner = field("PAGE", words("HIDDEN"))
    contents = field("TOC", words("first")).removesuffix(run('<w:fldChar w:fldCharType="end"/>'))
    body = (
        paragraph(
            words("see")
            + f'<w:hyperlink r:id="l1">{words(" here ")}</w:hyperlink>{words("and")}'
            + f'<w:hyperlink w:anchor="x">{words(" there")}</w:hyperlink>'
            + f'<w:hyperlink r:id="l2">{words(" a@b.c")}</w:hyperlink>'
        )
        + paragraph(field('HYPERLINK "http://x.y" \\o "tip"', words("result")))
        + paragraph(field(f"IF </w:instrText></w:r>{inner}<w:r><w:instrText>", words("shown")))
        + paragraph(f'<w:fldSimple w:instr="DATE">{words("today")}</w:fldSimple>')
        + paragraph(contents)
        + paragraph(words("second") + run('<w:fldChar w:fldCharType="end"/>'))
        + paragraph(run('<w:fldChar w:fldCharType="begin"/>') + words("never ends"))
        + f"<w:sdt><w:sdtPr><w:tag/></w:sdtPr><w:sdtContent>{paragraph('controlled')}</w:sdtContent></w:sdt>"
        + paragraph(f"<w:smartTag>{words('smart')}</w:smartTag><w:bdo>{words(' turned')}</w:bdo>")
    )
    links = {"l1": "https://example.org/x", "l2": "mailto:a@b.c"}
    assert blocks(tmp_path, writing.word(body, links)) == [
        "see [here](https://example.org/x) and there a@b.c",
        "[result](http://x.y)", "shown", "today", "first", "second", "controlled", "smart turned",
    ]  # fmt: skip


def test_notes_and_comments_that_are_referred_to(tmp_path: Path) -> None:
    def reference(kind: str, number: int) -> str:
        return run(f'<w:{kind}Reference w:id="{number}"/>')

    body = paragraph(
        words("Claim") + reference("footnote", 2) + words(" and") + reference("endnote", 2)
    ) + paragraph(
        words("remarked") + reference("comment", 0) + reference("footnote", 9) + reference("footnote", 4)
    )
    data = writing.word(
        body,
        footnotes=f'<w:footnote w:id="2">{paragraph("the")}{paragraph("proof")}</w:footnote>'
        f'<w:footnote w:id="3">{paragraph("deleted")}</w:footnote>'
        f'<w:footnote w:id="4">{paragraph(words("itself") + reference("footnote", 4))}</w:footnote>',
        endnotes=f'<w:endnote w:id="2">{paragraph("the end")}</w:endnote>',
        comments=f'<w:comment w:id="0">{paragraph("why?")}</w:comment>',
    )
    assert blocks(tmp_path, data) == [
        "Claim[^1] and[^2]", "remarked[^3][^4]",
        "[^1]: the proof", "[^2]: the end", "[^3]:", "[^4]: itself[^4]", "Comment: why?",
    ]  # fmt: skip


def test_changes_of_text(tmp_path: Path) -> None:
    changed = (
        words("kept")
        + f'<w:ins w:id="1">{words(" in")}</w:ins><w:del w:id="2"><w:r><w:delText>out</w:delText>'
        f'</w:r></w:del><w:moveFrom w:id="3">{words("moved")}</w:moveFrom><w:moveTo w:id="4">{words(" here")}'
        "</w:moveTo>"
    )
    assert blocks(tmp_path, writing.word(paragraph(changed))) == ["kept in here"]


def drawing(description: str = "", inner: str = "<pic:pic/>", title: str = "") -> str:
    return (
        f'<w:drawing><wp:inline><wp:docPr name="Picture 1" descr="{description}" title="{title}"/>'
        f"<a:graphic>{inner}</a:graphic></wp:inline></w:drawing>"
    )


def test_drawings_are_read_once(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{paragraph('boxed')}{item('item', 1)}</w:txbxContent>"
    modern = drawing(inner=f"<wps:wsp>{box}</wps:wsp>")
    older = f"<w:pict><v:shape><v:textbox>{box}</v:textbox></v:shape></w:pict>"
    choice = f'<mc:Choice Requires="wps">{modern}</mc:Choice><mc:Fallback>{older}</mc:Fallback>'
    both = f"<mc:AlternateContent>{choice}</mc:AlternateContent>"
    decoration = drawing(inner='<pic:pic/><adec:decorative val="1"/>')
    images = (
        drawing("a fox"), drawing("x.png", title="seen"), drawing(), decoration, drawing("Picture 2"),
        '<w:pict><v:shape alt="older"><v:imagedata/></v:shape></w:pict>',
        "<w:pict><v:shape><v:imagedata/></v:shape></w:pict>",
    )  # fmt: skip
    body = (
        paragraph(words("on it ") + run(both) + words("hangs"))
        + paragraph(run(older))
        + "".join(paragraph(run(each)) for each in images)
    )
    document = load(tmp_path, "a.docx", writing.word(body))
    assert document.text.split("\n\n") == [
        "on it hangs", "boxed", "- item", "boxed", "- item",
        "[Image: a fox]", "[Image: seen]", "[Image: older]",
    ]  # fmt: skip
    assert document.warnings == ("3 images without a description",)


def test_equations_are_latex(tmp_path: Path) -> None:
    def part(name: str, text: str) -> str:
        return f"<m:{name}><m:r><m:t>{text}</m:t></m:r></m:{name}>"

    parts = [
        f"<m:f>{part('num', 'a')}{part('den', 'b')}</m:f>",
        f"<m:sSubSup>{part('e', 'x')}{part('sub', 'i')}{part('sup', '2')}</m:sSubSup>",
        f"<m:rad>{part('deg', '3')}{part('e', 'y')}</m:rad>",
        '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr>',
        f"{part('sub', 'i')}{part('sup', 'n')}{part('e', 'i')}</m:nary>",
        '<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr>',
        f"{part('e', 'p')}{part('e', 'q')}</m:d>",
        f"<m:m><m:mr>{part('e', '1')}{part('e', '0')}</m:mr>",
        f"<m:mr>{part('e', '0')}{part('e', '1')}</m:mr></m:m>",
        f"<m:acc>{part('e', 'v')}</m:acc>",
    ]
    equation = f"<m:oMath>{''.join(parts)}</m:oMath>"
    alone = f"<m:oMathPara>{equation}</m:oMathPara>"
    body = paragraph(words("so ") + equation) + paragraph(alone) + alone
    latex = (
        r"\frac{a}{b}x_{i}^{2}\sqrt[3]{y}\sum_{i}^{n}{i}[p|q]\begin{matrix}1 & 0 \\ 0 & 1\end{matrix}\hat{v}"
    )
    assert blocks(tmp_path, writing.word(body)) == [f"so ${latex}$", f"$${latex}$$", f"$${latex}$$"]


def renamed(data: bytes, changes: dict[str, str]) -> bytes:
    """The file with some texts in its parts and their names replaced."""
    parts = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode()
            for old, new in changes.items():
                name, text = name.replace(old, new), text.replace(old, new)
            parts[name] = text
    return writing.archive(parts)


CORE = """<c:coreProperties xmlns:c="urn:c" xmlns:dc="urn:dc"><dc:title>T</dc:title>
<dc:creator>Ann</dc:creator><dc:subject>S</dc:subject><c:keywords>one, two</c:keywords>
<c:created>2024-01-31T10:00:00Z</c:created>
<c:modified>2024-02-01T10:00:00Z</c:modified><dc:language>de</dc:language></c:coreProperties>"""


def test_properties_and_parts_of_other_names(tmp_path: Path) -> None:
    data = writing.word(styled("One", "berschrift1"), styles=STYLES, core=CORE)
    document = load(tmp_path, "a.docx", data)
    assert document.metadata == {
        "title": "T", "author": "Ann", "subject": "S", "keywords": ["one", "two"], "lang": "de",
        "created": "2024-01-31T10:00:00Z", "modified": "2024-02-01T10:00:00Z",
    }  # fmt: skip
    strict = {
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "http://purl.oclc.org/ooxml/wml/main",
        "http://schemas.openxmlformats.org/officeDocument": "http://purl.oclc.org/ooxml/officeDocument",
        "styles.xml": "styles7.xml",
    }
    assert load(tmp_path, "b.docx", renamed(data, strict)).text == "# One"


def test_a_text_under_another_name(tmp_path: Path) -> None:
    data = renamed(writing.word(paragraph("found")), {"word/": "other/", "document.xml": "main.xml"})
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    target = io.BytesIO(data)
    with zipfile.ZipFile(target, "a") as archive:
        relation = f'<Relationship Id="r" Type="{kind}" Target="/other/main.xml"/>'
        archive.writestr("_rels/.rels", f"<Relationships>{relation}</Relationships>")
    assert load(tmp_path, "a.docx", target.getvalue()).text == "found"


def test_what_is_too_much_says_so(tmp_path: Path) -> None:
    deep = "<w:sdt>" * 20_000 + "</w:sdt>" * 20_000
    entities = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    bomb = writing.archive({"word/document.xml": f"{entities}]><w>&i;</w>"})
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * (257 << 20))
    for data, reason in (
        (writing.word(deep), "deep"),
        (bomb, "amplification"),
        (target.getvalue(), "larger"),
    ):
        with pytest.raises(LoadError, match=reason):
            load(tmp_path, "a.docx", data)


def test_a_long_code_of_a_field_takes_no_time_of_its_square(tmp_path: Path) -> None:
    code = run(f"<w:instrText>{'x' * 90}</w:instrText>") * 80_000
    begin = run('<w:fldChar w:fldCharType="begin"/>')
    data = writing.word(paragraph(begin + code) + paragraph("after"))
    began = time.perf_counter()
    assert load(tmp_path, "a.docx", data).text == "after"
    assert time.perf_counter() - began < 20, "the square of it would be a minute or more"


def test_signs_of_markdown_stay_as_they_are(tmp_path: Path) -> None:
    text = "1. a *b* _c_ `d` [e](f) ![g](h) \\* | x"
    document = load(tmp_path, "a.docx", writing.word(paragraph(text)))
    assert (document.text, document.warnings) == (text, ())
