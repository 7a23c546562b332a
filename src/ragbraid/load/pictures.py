"""Image files: their text by OCR, where Tesseract is installed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ragbraid.errors import LoadError
from ragbraid.load import tesseract, tiff
from ragbraid.load.extraction import joined, parsed
from ragbraid.load.images import remark
from ragbraid.load.reading import Ocr, Reader, Settings, suffixes, warnings
from ragbraid.types import Document, Reading

_TYPES = (
    (re.compile(rb"\x89PNG\r\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"II\*\0|MM\0\*"), "image/tiff"),
    (re.compile(rb"BM"), "image/bmp"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
)
"""How files of each media type begin."""
_READING = Reading("xberg")


def read_picture(source: str, data: bytes, settings: Settings) -> list[Document]:
    """The text in a picture, a page for each image of a TIFF, with `ocr` in the metadata.

    A picture without any is a document without text, so that it isn't looked at again until it changes.
    Raises `LoadError` where OCR is off or isn't installed.
    """
    question = {
        "reader": "xberg",
        "mime_type": _type_of(data),
        "ocr": settings.ocr.question(),
    }
    found = (parsed(page, question, settings) for page in tiff.pages(data))
    pages = [each["content"].strip() for each in found]
    if not any(pages):
        return [Document(source, "", {"ocr": True}, (), warnings(remark(1)), reading=_READING)]
    text, starts = joined(pages)
    return [Document(source, text, {"ocr": True}, starts if len(starts) > 1 else (), reading=_READING)]


def _type_of(data: bytes) -> str:
    found = next((media_type for begin, media_type in _TYPES if begin.match(data)), None)
    if found is None:
        raise LoadError("It is damaged, or no image.", "Open it to see whether it is whole.")
    return found


def left_out(name: str, ocr: Ocr) -> str | None:
    """Why a file of this name isn't read, where it is an image and there is no OCR."""
    if os.path.splitext(name)[1].lower() not in READERS:
        return None
    if ocr.mode == "off":
        return "it is an image, and `ocr` is off"
    if tesseract.folder() is None:
        return f"it is an image, and OCR isn't installed. {tesseract.INSTALL}"
    return None


READERS: Mapping[str, Reader] = suffixes(read_picture, "png jpg jpeg tif tiff bmp webp")
