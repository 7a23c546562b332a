"""PDF, DOCX and HTML to text: what the extraction library xberg finds, cleaned of its marks and breaks."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from ragbraid.errors import LoadError
from ragbraid.load.parser import PARSER
from ragbraid.text.markdown import outline

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = "text/html"

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_BROKEN_WORD = re.compile(r"(\w+)[-\u00ad]\n([a-zß-öø-ÿ]\w*)")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_LANG = re.compile(r"<html[^>]*?\slang\s*=\s*[\"']?([A-Za-z][A-Za-z0-9-]{0,34})", re.IGNORECASE)
_ESCAPED = re.compile(
    r"(?P<code>(?<![\\`])(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`))|\\(?P<sign>[!-/:-@\[-`{-~])"
)
_HEAD = 64 * 1024
_NO_TITLE = {"", "untitled"}


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a file; `pages` has the offset at which each page begins."""

    text: str
    title: str | None = None
    lang: str | None = None
    pages: tuple[int, ...] = ()


def extract_pdf(data: bytes, timeout: float) -> Extracted:
    """The text layer of a PDF, page by page, ligatures and words broken at line ends made whole.

    Raises `LoadError` where the file is broken, needs a password, or has no text layer.
    """
    found = _extract(data, PDF, timeout)
    contents = found["pages"] or [found["content"]]
    pages = _whole_words([content.translate(_LIGATURES).strip() for content in contents])
    if not any(pages):
        raise LoadError(
            "It has no text layer: its pages are pictures.", "Run it through OCR first, e.g. with `ocrmypdf`."
        )
    starts, offset = [], 0
    for page in pages:
        starts.append(offset)
        offset += len(page) + 2
    return Extracted("\n\n".join(pages), _title(found["title"]), found["language"], tuple(starts))


def extract_docx(data: bytes, timeout: float) -> Extracted:
    """The text of a Word document as Markdown: headings, lists and tables keep their form."""
    found = _extract(data, DOCX, timeout)
    return Extracted(_unescaped(_some(found["content"])), _title(found["title"]), found["language"])


def extract_html(text: str, timeout: float) -> Extracted:
    """The visible text of a page as Markdown, without scripts, styles and navigation.

    Takes decoded text, so that the page's charset has been settled before.
    """
    found = _extract(text.encode("utf-8"), HTML, timeout)
    head = text[:_HEAD]
    title, lang = _TITLE.search(head), _LANG.search(head)
    return Extracted(
        _unescaped(_some(found["content"])),
        _title(" ".join(html.unescape(title[1]).split())) if title else None,
        lang[1] if lang else None,
    )


def _some(text: str) -> str:
    if not text.strip():
        raise LoadError("No text was found in it.", "Open it to see whether it holds any.")
    return text


def _title(text: str | None) -> str | None:
    return None if text is None or text.strip().lower() in _NO_TITLE else text.strip()


def _whole_words(pages: list[str]) -> list[str]:
    """Join words that a line end broke, but keep a hyphen that the document writes elsewhere too."""
    hyphenated = {word.lower() for page in pages for word in re.findall(r"\w+-\w+", page)}

    def join(match: re.Match[str]) -> str:
        with_hyphen = f"{match[1]}-{match[2]}"
        return with_hyphen if with_hyphen.lower() in hyphenated else match[1] + match[2]

    return [_BROKEN_WORD.sub(join, page) for page in pages]


def _unescaped(text: str) -> str:
    """Markdown without its backslash escapes, so that readers see `<input>` as it was written."""
    parts, position = [], 0
    for start, end in outline(text).fences:
        parts += [_ESCAPED.sub(_sign, text[position:start]), text[start:end]]
        position = end
    return "".join([*parts, _ESCAPED.sub(_sign, text[position:])])


def _sign(match: re.Match[str]) -> str:
    return match["code"] or match["sign"]


def _extract(data: bytes, mime_type: str, timeout: float) -> dict[str, Any]:
    found = PARSER.parse(data, mime_type, timeout)
    if "error" in found:
        raise LoadError(*_reason(found["error"]))
    return found


def _reason(message: str) -> tuple[str, str]:
    if "password" in message or "encrypted" in message.lower():
        return "It is protected by a password.", "Save a copy without the password, and ingest that."
    first = message.strip().splitlines()[0] if message.strip() else "no reason given"
    return f"It is damaged, or not what its name says ({first}).", "Open it to see whether it is whole."
