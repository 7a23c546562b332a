"""Images of documents: what describes them becomes text, and those without a description are counted."""

from __future__ import annotations

import itertools
import re

from ragbraid.text.markdown import outline

_GENERIC = re.compile(
    r"""(?:picture|image|img|photo|graphic|grafik|bild|foto|abbildung|imagen|imagem|immagine|afbeelding|figure|
    figura|obraz|рисунок|изображение|图片|图像|図|object|objekt|shape|content\ placeholder|\W)*[\s_-]*\d{0,5}
    |\S*\.(?:png|jpe?g|gif|bmp|tiff?|webp|svg|emf|wmf)""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_NAME = 80
_MARKDOWN = re.compile(r"!\[(?P<alt>[^\[\]\n]*)\]\([^()\n]*\)")
_CODE = re.compile(r"(?P<ticks>`+)(?!`)[^\n`]*(?P=ticks)(?!`)")
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>figure|figcaption|img|script|style|!--)(?P<attributes>[^<>]*)", re.IGNORECASE
)
_ALT = re.compile(r"(?<![\w-])alt(?:\s*=|[\s/]|$)", re.IGNORECASE)
_HIDES = {
    "!--": re.compile("-->"),
    "script": re.compile("</script", re.IGNORECASE),
    "style": re.compile("</style", re.IGNORECASE),
}
"""What ends a part of a page that holds no elements."""
_PDF_IMAGE = re.compile(rb"/Subtype\s{0,9}/Image\b")
_PDF_SIDE = re.compile(rb"/(?:Width|Height)\s{1,9}(\d+)")
_PDF_DICTIONARY = 1500
_MOST = 10_000
_ICON = 64
"""Pixels; what is smaller on a side isn't worth a word."""


def says(description: str) -> str:
    """A description as one line; empty for what a program filled in, such as `Picture 2` or a file's name."""
    line = " ".join(description.split())
    return "" if len(line) < _LONGEST_NAME and _GENERIC.fullmatch(line) else line


def remark(count: int) -> str | None:
    """The warning about images without a description."""
    if count == 0:
        return None
    return "1 image without a description" if count == 1 else f"{count} images without a description"


def bare_in_html(page: str) -> int:
    """How many images of a page have neither an alternative text nor a caption.

    An empty alternative text is a description: it says that the image is decoration (HTML Living Standard,
    section 4.8.4.4.4).
    """
    bare = inside = position = 0
    within = captioned = False
    while found := _TAG.search(page, position):
        position, name = found.end(), found["name"].lower()
        if name in _HIDES and not found["close"]:
            end = _HIDES[name].search(page, found.start() + len("<!--"))
            position = len(page) if end is None else end.end()
        elif name == "figure":
            bare += 0 if captioned else inside
            within, captioned, inside = not found["close"], False, 0
        elif name == "figcaption":
            captioned = captioned or within
        elif not found["close"] and not _ALT.search(found["attributes"]):
            inside += within
            bare += not within
    return bare + (0 if captioned else inside)


def bare_in_markdown(text: str) -> int:
    """How many images of a Markdown text outside of code have no description."""
    if "![" not in text and "<img" not in text:
        return 0
    parts, position = [], 0
    for start, end in outline(text).fences:
        parts.append(text[position:start])
        position = end
    text = _CODE.sub("", "\n".join([*parts, text[position:]]))
    bare = sum(not says(each["alt"]) for each in _MARKDOWN.finditer(text))
    return bare + bare_in_html(text)


def in_pdf(data: bytes) -> int:
    """How many images a PDF holds that aren't icons or masks (PDF 32000-1, section 8.9.5).

    Their dictionaries are never compressed, so that the file needn't be parsed.
    """
    count = 0
    for found in itertools.islice(_PDF_IMAGE.finditer(data), _MOST):
        start = data.rfind(b"obj", max(0, found.start() - _PDF_DICTIONARY), found.start())
        end = data.find(b"stream", found.end(), found.end() + _PDF_DICTIONARY)
        if start < 0 or end < 0:
            continue
        about = data[start:end]
        sides = [int(each) for each in _PDF_SIDE.findall(about)[:2]]
        count += len(sides) == 2 and min(sides) >= _ICON and b"/ImageMask" not in about
        count -= b"/SMask " in about  # a mask is an image of its own
    return max(count, 0)
