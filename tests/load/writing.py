"""Small files of every format, written for the tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any


def pdf(
    *pages: Sequence[str], title: str | None = None, password: str | None = None, font: str | None = None
) -> bytes:
    from reportlab.lib import pdfencrypt
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen import canvas

    target = io.BytesIO()
    encrypt = pdfencrypt.StandardEncryption(password) if password else None
    page = canvas.Canvas(target, encrypt=encrypt)
    if title:
        page.setTitle(title)
    for lines in pages:
        if font:
            pdfmetrics.registerFont(TTFont("given", font))
            page.setFont("given", 12)
        for i, line in enumerate(lines):
            page.drawString(72, 760 - 14 * i, line)
        page.showPage()
    page.save()
    return target.getvalue()


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
