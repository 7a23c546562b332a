"""Small files of every format, written for the tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def pdf(
    *pages: Sequence[str], title: str | None = None, password: str | None = None, truetype: bool = False
) -> bytes:
    """Pages of lines; with `truetype` in a font that is embedded, and has ligatures."""
    from reportlab.lib import pdfencrypt
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfgen import canvas

    target = io.BytesIO()
    encrypt = pdfencrypt.StandardEncryption(password) if password else None
    page = canvas.Canvas(target, encrypt=encrypt)
    if title:
        page.setTitle(title)
    for lines in pages:
        if truetype:
            pdfmetrics.registerFont(_ligating())
            page.setFont("ligating", 12)
        for i, line in enumerate(lines):
            page.drawString(72, 760 - 14 * i, line)
        page.showPage()
    page.save()
    return target.getvalue()


def _ligating() -> Any:
    """The font that reportlab brings, with a glyph for each ligature, whatever it looks like."""
    from pathlib import Path

    import reportlab
    from reportlab.pdfbase.ttfonts import TTFont

    font = TTFont("ligating", str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"))
    for ligature in "ﬀﬁﬂﬃﬄﬅﬆ":
        font.face.charToGlyph.setdefault(ord(ligature), font.face.charToGlyph[ord("f")])
    return font


def columns(left: Sequence[str], right: Sequence[str]) -> bytes:
    from reportlab.pdfgen import canvas

    target = io.BytesIO()
    page = canvas.Canvas(target)
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        page.drawString(60, 760 - 14 * i, a)
        page.drawString(330, 760 - 14 * i, b)
    page.save()
    return target.getvalue()


def scan() -> bytes:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (600, 800), "white")
    ImageDraw.Draw(picture).text((50, 50), "drawn text", fill="black")
    target = io.BytesIO()
    picture.save(target, "PDF")
    return target.getvalue()


def docx(write: Callable[[Any], object]) -> bytes:
    import docx as python_docx

    document = python_docx.Document()
    write(document)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


_WORD = " ".join(
    f'xmlns:{prefix}="http://schemas.openxmlformats.org/{path}"'
    for prefix, path in {
        "w": "wordprocessingml/2006/main", "r": "officeDocument/2006/relationships",
        "m": "officeDocument/2006/math", "mc": "markup-compatibility/2006",
        "wp": "drawingml/2006/wordprocessingDrawing", "a": "drawingml/2006/main",
        "pic": "drawingml/2006/picture",
    }.items()
) + ' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:wps="urn:wps" xmlns:adec="urn:decorative"'  # fmt: skip
_RELATIONS = 'Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def word(body: str, links: Mapping[str, str] | None = None, core: str = "", **parts: str) -> bytes:
    """A Word document: its body as XML, links by id, core properties and parts such as `styles` as XML."""
    relations = [(each, each, f"{each}.xml") for each in parts]
    related = "".join(
        f'<Relationship Id="{number}" Type="{_KINDS}/{kind}" Target="{target}"/>'
        for number, kind, target in relations
    )
    related += "".join(
        f'<Relationship Id="{number}" Type="{_KINDS}/hyperlink" Target="{target}" TargetMode="External"/>'
        for number, target in (links or {}).items()
    )
    return archive(
        {
            "word/document.xml": f"<w:document {_WORD}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": f"<{_RELATIONS}>{related}</Relationships>",
            **{f"word/{name}.xml": f"<w:{name} {_WORD}>{inner}</w:{name}>" for name, inner in parts.items()},
            **({"docProps/core.xml": core} if core else {}),
        }
    )


def pptx(write: Callable[[Any], object]) -> bytes:
    import pptx as python_pptx

    slides = python_pptx.Presentation()
    write(slides)
    target = io.BytesIO()
    slides.save(target)
    return target.getvalue()


def xlsx(write: Callable[[Any], object]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    write(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def archive(entries: Mapping[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return target.getvalue()


_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_SPACES = "".join(
    f' xmlns:{prefix}="{_ODF}{name}:1.0"'
    for prefix, name in {
        "office": "office", "text": "text", "table": "table", "draw": "drawing", "svg": "svg-compatible",
        "meta": "meta", "presentation": "presentation",
    }.items()
) + ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'  # fmt: skip


def odf(kind: str, body: str, meta: str = "") -> bytes:
    """An OpenDocument file: `kind` is text, spreadsheet or presentation, `body` its content as XML."""
    media = f"application/vnd.oasis.opendocument.{kind}"
    element = f"<office:{kind}>{body}</office:{kind}>"
    return archive(
        {
            "mimetype": media,
            "content.xml": f"<office:document-content{_SPACES}><office:body>{element}</office:body>"
            "</office:document-content>",
            "meta.xml": f"<office:document-meta{_SPACES}><office:meta>{meta}</office:meta>"
            "</office:document-meta>",
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{_ODF}manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media}"/>'
            "</manifest:manifest>",
        }
    )


def epub(chapters: Mapping[str, str], head: str = "") -> bytes:
    """A book of chapters by file name, in this order; `head` is its metadata as XML."""
    items = "".join(
        f'<item id="i{i}" href="{name}" media-type="application/xhtml+xml"/>'
        for i, name in enumerate(sorted(chapters))
    )
    order = "".join(f'<itemref idref="i{sorted(chapters).index(name)}"/>' for name in chapters)
    pages = {
        f"OEBPS/{name}": f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
        for name, body in chapters.items()
    }
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:'
            'container"><rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-'
            'package+xml"/></rootfiles></container>',
            "OEBPS/content.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/">{head}</metadata><manifest>{items}</manifest><spine>'
            f"{order}</spine></package>",
            **pages,
        }
    )
