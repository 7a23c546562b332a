"""Citations as OpenAI's clients know them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ragbraid.types import Answer


def cited(answer: Answer, content: str) -> list[dict[str, Any]]:
    """A `url_citation` for each citation; its place in the content is that of the quote, or of its marker.

    The address is relative to the server's root, and opens the document with the quote marked.
    """
    return [
        _annotation(number, each.source, each.start, each.end, each.quote, content)
        for number, each in enumerate(answer.citations, 1)
    ]


def _annotation(number: int, source: str, start: int, end: int, quoted: str, content: str) -> dict[str, Any]:
    begin, finish = _place(content, quoted, f"[{number}]")
    url = f"/api/documents/{quote(source)}?highlight={start}-{end}"
    told = {"start_index": begin, "end_index": finish, "title": source, "url": url}
    return {"type": "url_citation", "url_citation": told}


def _place(content: str, *wanted: str) -> tuple[int, int]:
    for each in wanted:
        if (at := content.find(each)) >= 0:
            return at, at + len(each)
    return 0, len(content)
