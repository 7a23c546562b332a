"""PDF: its text layer, page by page, ligatures and words broken at line ends made whole."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from ragbraid.errors import LoadError
from ragbraid.load.extraction import document_of, extract, paged, parsed
from ragbraid.load.images import in_pdf, remark
from ragbraid.load.reading import Reader, Settings, suffixes
from ragbraid.types import Document

PDF = "application/pdf"

_SECONDS_A_PAGE = 20.0
"""What OCR may take more for each page; it usually takes one to three."""
_BARE = 100
"""Letters of a page's text layer below which its picture is read, too."""
_NAMED = 5
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_BROKEN_WORD = re.compile(r"(?<!\w)(\w+)[-\u00ad]\n([a-zß-öø-ÿ]\w*)")
_HYPHENATED = re.compile(r"(?<!\w)\w+-\w+")


def read_pdf(source: str, data: bytes, settings: Settings) -> list[Document]:
    """The text of each page, by OCR where it is a picture and OCR is there; with the offset of each page.

    Raises `LoadError` where the file is broken, needs a password, or has no text at all.
    """
    found = extract(data, PDF, settings)
    pages = list(found["pages"] or [found["content"]])
    images, scanned = in_pdf(data), {each - 1 for each in found["scanned"]}
    pictures = [
        number
        for number, text in enumerate(pages)
        if (number in scanned and _is_bare(text)) or (images and not text.strip())
    ]
    if not any(map(str.strip, pages)):  # drawn line by line, perhaps
        pictures = list(range(len(pages)))
    read, obstacle = _recognised(data, settings, pages, pictures)
    texts = _whole_words([each.translate(_LIGATURES).strip() for each in pages])
    if not any(texts):
        raise _without_text(obstacle, settings)
    extracted = paged({**found, "content": ""}, texts)
    if read:
        extracted = dataclasses.replace(extracted, metadata={**extracted.metadata, "ocr": True})
    told = remark(max(0, images - len(read)))
    if obstacle is not None and (unread := [each + 1 for each in pictures if not texts[each]]):
        told = _unread(unread, obstacle)
    return [document_of(source, extracted, told, "text/plain")]


def _recognised(
    data: bytes, settings: Settings, pages: list[str], pictures: Sequence[int]
) -> tuple[list[int], LoadError | None]:
    """Put what OCR reads into the pages; which ones it read, and what kept it from reading any."""
    force = settings.ocr.mode == "force"
    wanted = range(len(pages)) if force else pictures
    if settings.ocr.mode == "off" or not wanted:
        return [], None if settings.ocr.mode != "off" else LoadError("OCR is off.", "Set `ocr: auto`.")
    try:
        question = {"reader": "xberg", "mime_type": PDF, "ocr": settings.ocr.question()}
    except LoadError as error:
        if force:
            raise
        return [], error
    found = parsed(data, question, settings, _SECONDS_A_PAGE * len(wanted))
    read = []
    for number, text in enumerate(found["pages"][: len(pages)]):
        if number in wanted and (force or len(text.strip()) > len(pages[number].strip())):
            pages[number] = text
            read.append(number)
    return read, None


def _is_bare(text: str) -> bool:
    """Whether a page has so little text that it is rather its picture that says something."""
    return len("".join(text.split())) < _BARE


def _without_text(obstacle: LoadError | None, settings: Settings) -> LoadError:
    if obstacle is None:
        languages = ", ".join(settings.ocr.languages)
        return LoadError(
            f"It has no text layer, and OCR ({languages}) found no text in its pages either.",
            "Open it to see whether it holds any.",
        )
    hint = f"{obstacle.message} {obstacle.hint} Or run it through `ocrmypdf` first."
    return LoadError("It has no text layer: its pages are pictures.", hint)


def _unread(numbers: Sequence[int], obstacle: LoadError) -> str:
    named = ", ".join(map(str, numbers[:_NAMED])) + ", …" * (len(numbers) > _NAMED)
    told = f"page {named} is a picture, and wasn't read"
    if len(numbers) > 1:
        told = f"pages {named} are pictures, and weren't read"
    return f"{told}. {obstacle.message} {obstacle.hint}"


def _whole_words(pages: list[str]) -> list[str]:
    """Join words that a line end broke, but keep a hyphen that the document writes elsewhere too."""
    if not any("-\n" in page or "\u00ad\n" in page for page in pages):
        return pages
    hyphenated = {word.lower() for page in pages for word in _HYPHENATED.findall(page)}

    def join(match: re.Match[str]) -> str:
        with_hyphen = f"{match[1]}-{match[2]}"
        return with_hyphen if with_hyphen.lower() in hyphenated else match[1] + match[2]

    return [_BROKEN_WORD.sub(join, page) for page in pages]


READERS: Mapping[str, Reader] = suffixes(read_pdf, "pdf")
