"""PDF, DOCX and HTML to text, through the extraction library xberg, which stays behind this file."""

from __future__ import annotations

import html
import re
import threading
from dataclasses import dataclass
from typing import Any

from ragbraid.errors import LoadError, MissingDependency
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
    contents = [page.content for page in found.pages] if found.pages else [found.content]
    pages = _whole_words([content.translate(_LIGATURES).strip() for content in contents])
    if not any(pages):
        raise LoadError(
            "It has no text layer: its pages are pictures.", "Run it through OCR first, e.g. with `ocrmypdf`."
        )
    starts, offset = [], 0
    for page in pages:
        starts.append(offset)
        offset += len(page) + 2
    return Extracted("\n\n".join(pages), _title(found.metadata.title), found.metadata.language, tuple(starts))


def extract_docx(data: bytes, timeout: float) -> Extracted:
    """The text of a Word document as Markdown: headings, lists and tables keep their form."""
    found = _extract(data, DOCX, timeout)
    return Extracted(_unescaped(_some(found.content)), _title(found.metadata.title), found.metadata.language)


def extract_html(text: str, timeout: float) -> Extracted:
    """The visible text of a page as Markdown, without scripts, styles and navigation.

    Takes decoded text, so that the page's charset has been settled before.
    """
    found = _extract(text.encode("utf-8"), HTML, timeout)
    head = text[:_HEAD]
    title, lang = _TITLE.search(head), _LANG.search(head)
    return Extracted(
        _unescaped(_some(found.content)),
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


def _extract(data: bytes, mime_type: str, timeout: float) -> Any:
    """Run xberg in a thread of its own, since it is a coroutine and the caller may be inside a loop."""
    outcome: list[Any] = []

    def work() -> None:
        import asyncio

        try:
            outcome.append(asyncio.run(asyncio.wait_for(_extraction(data, mime_type, timeout), timeout)))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work, name="ragbraid-extract", daemon=True)
    thread.start()
    thread.join()
    result = outcome[0]
    if isinstance(result, (LoadError, MissingDependency)):
        raise result
    if isinstance(result, TimeoutError):
        raise LoadError(f"Reading it took over {timeout:g} s.", "Raise `timeout`, or leave the file out.")
    if isinstance(result, BaseException):
        raise LoadError(*_reason(str(result))) from None
    return result


async def _extraction(data: bytes, mime_type: str, timeout: float) -> Any:
    try:
        import xberg
    except ImportError:
        raise MissingDependency(
            "Reading PDF, DOCX and HTML needs the package xberg.",
            "Install it with: pip install 'ragbraid[local]'.",
        ) from None
    config = xberg.ExtractionConfig(
        use_cache=False,
        disable_ocr=True,
        output_format="plain" if mime_type == PDF else "markdown",
        escape_markdown=False,
        pages=xberg.PageConfig(extract_pages=mime_type == PDF),
        content_filter=xberg.ContentFilterConfig(include_footnotes=True, strip_repeating_text=False),
        html_options=xberg.ConversionOptions(
            extract_metadata=False, autolinks=False, inline_data_media="alt_text_only"
        ),
        extraction_timeout_secs=max(1, int(timeout)),
    )
    given = xberg.ExtractInput(kind="bytes", bytes=data, mime_type=mime_type)
    found = await xberg.extract(given, config)
    if not found.results:
        raise LoadError(*_reason("; ".join(str(error) for error in found.errors)))
    return found.results[0]


def _reason(message: str) -> tuple[str, str]:
    if "password" in message or "encrypted" in message.lower():
        return "It is protected by a password.", "Save a copy without the password, and ingest that."
    if "timed out" in message.lower() or "timeout" in message.lower():
        return "Reading it took too long.", "Raise `timeout`, or leave the file out."
    first = message.strip().splitlines()[0] if message.strip() else "no reason given"
    return f"It is damaged, or not what its name says ({first}).", "Open it to see whether it is whole."
