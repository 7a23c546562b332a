"""What describes an image is text; what nothing describes is counted."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import writing
from reading import load

from ragbraid.load.images import bare_in_html, bare_in_markdown, in_pdf, says
from timing import least_seconds


def png(side: int = 90) -> io.BytesIO:
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(target, "PNG")
    target.seek(0)
    return target


HTML = """<title>T</title><p>see <img src="a.png" alt="a [red] fox (x)"> here</p>
<figure><img src="b.png"><figcaption>The caption</figcaption></figure><img src="c.png">
<IMG SRC=d.png data-alt="x"><img src="e.png" alt=""><!-- <img> --><script>"<img>"</script>
<figure><img></figure>"""


def test_a_page(tmp_path: Path) -> None:
    document = load(tmp_path, "a.html", HTML.encode())
    assert "see [Image: a [red] fox (x)] here" in document.text
    assert "The caption" in document.text
    assert "png" not in document.text
    assert document.warnings == ("3 images without a description",)


def test_markdown_stays_as_it_is_and_is_counted(tmp_path: Path) -> None:
    text = "![](a.png) ![a fox](b.png) <img src=c> `![](d.png)`\n\n```\n![](e.png)\n```\n![img_2.png](x)\n"
    document = load(tmp_path, "a.md", text.encode())
    assert document.text == text
    assert document.warnings == ("3 images without a description",)
    assert load(tmp_path, "b.md", b"![a fox](b.png)").warnings == ()


def test_word_and_slides(tmp_path: Path) -> None:
    def word(document: Any) -> None:
        document.add_picture(png())
        document.add_picture(png())
        document.add_paragraph("After")
        document.inline_shapes[0]._inline.docPr.set("descr", "a red square")

    def deck(slides: Any) -> None:
        slide = slides.slides.add_slide(slides.slide_layouts[6])
        for words in ("a red square", None):
            picture = slide.shapes.add_picture(png(), 0, 0)
            if words:
                picture._element.nvPicPr.cNvPr.set("descr", words)

    for name, data in (("a.docx", writing.docx(word)), ("a.pptx", writing.pptx(deck))):
        document = load(tmp_path, name, data)
        assert "[Image: a red square]" in document.text
        assert "png" not in document.text
        assert document.warnings == ("1 image without a description",)


def test_books_sheets_and_notebooks(tmp_path: Path) -> None:
    chapter = '<h1>C</h1><img src="i.png" alt="a fox"/><img src="j.png" alt=""/>'
    assert "[Image: a fox]" in load(tmp_path, "a.epub", writing.epub({"c.xhtml": chapter})).text

    def book(target: Any) -> None:
        from openpyxl.drawing.image import Image

        target.active["A1"] = "words"
        target.active.add_image(Image(png()), "B2")

    cell = {"cell_type": "code", "source": "plot()", "outputs": [{"data": {"image/png": "AAAA"}}]}
    notebook = json.dumps({"cells": [cell]}).encode()
    for name, data in (("a.xlsx", writing.xlsx(book)), ("a.ipynb", notebook)):
        assert load(tmp_path, name, data).warnings == ("1 image without a description",)


def test_pictures_of_a_pdf(tmp_path: Path) -> None:
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen import canvas

    target = io.BytesIO()
    page = canvas.Canvas(target)
    page.drawString(72, 700, "Words of a page that are quite enough, so that nobody takes it for a scan " * 2)
    page.drawImage(ImageReader(png()), 0, 0)
    page.drawImage(ImageReader(png(20)), 200, 0)
    page.save()
    assert load(tmp_path, "a.pdf", target.getvalue()).warnings == ("1 image without a description",)


@pytest.mark.parametrize("text", ["a fox", "Picture of 2 foxes", "Figure 3: foxes", "FOX-2", "x" * 500])
def test_what_is_a_description(text: str) -> None:
    assert says(f" {text}\n") == text


@pytest.mark.parametrize("text", ["", " ", "Picture 2", "image1", "Grafik 12", "photo.JPEG", "…", "图片 3"])
def test_what_is_none(text: str) -> None:
    assert says(text) == ""


@pytest.mark.parametrize(
    "unit", ["<img ", "<figure><img", "![", "![](", "<!--", "`", "[![a](", "alt" + " " * 50]
)
def test_hard_texts_take_no_time(unit: str) -> None:
    text = unit * (400_000 // len(unit))

    def look() -> None:
        bare_in_html(text)
        bare_in_markdown(text)
        in_pdf(text.encode() + b"/Subtype /Image" * 20_000)

    assert least_seconds(look, 2) < 2
