"""Citations as OpenAI's clients know them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import quote

from ragbraid.types import Answer, Citation

_MARKER = re.compile(r"\[(\d{1,3}(?:[,;\s]+\d{1,3})*)\]")


def cited(answer: Answer, content: str) -> list[dict[str, Any]]:
    """A `url_citation` for each citation that the content shows: the place of its quote, or of its marker.

    A marker `[n]` stands for the n-th passage, which may be cited several times: the first of these is at its
    first marker, and so on. The address is relative to the server's root, and opens the document with the
    quote marked.
    """
    passages = {hit.id: number for number, hit in enumerate(answer.hits, 1)}
    markers = _markers(content)
    seen: Counter[int] = Counter()
    told = []
    for each in answer.citations:
        number = passages.get(each.chunk_id, 0)
        places = markers.get(number, [])
        begin = content.find(each.quote)
        if begin >= 0:
            place = begin, begin + len(each.quote)
        elif places:
            place = places[min(seen[number], len(places) - 1)]
        else:
            place = 0, len(content)
        seen[number] += 1
        told.append(_annotation(each, place))
    return told


def _markers(content: str) -> dict[int, list[tuple[int, int]]]:
    """Where each passage's number stands in brackets."""
    found: dict[int, list[tuple[int, int]]] = {}
    for each in _MARKER.finditer(content):
        for number in {*map(int, re.findall(r"\d+", each[1]))}:
            found.setdefault(number, []).append(each.span())
    return found


def _annotation(citation: Citation, place: tuple[int, int]) -> dict[str, Any]:
    url = f"/api/documents/{quote(citation.source)}?highlight={citation.start}-{citation.end}"
    told = {"start_index": place[0], "end_index": place[1], "title": citation.source, "url": url}
    return {"type": "url_citation", "url_citation": told}
