"""Words in quotation marks: whether they stand in a passage, in another one, in pieces, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Finding: TypeAlias = Literal["found", "misattributed", "stitched", "invented"]

_QUOTED = re.compile(r"“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|‹([^›]+)›|「([^」]+)」|\"([^\"]+)\"")
_SHORT = 2
"""Up to so many words in quotation marks are a term rather than a quotation."""
_PIECE = 2
"""Words that a piece of a stitched quotation has at least."""
_ELLIPSIS = re.compile(r"\s*(?:\[?(?:\.\.\.|…)\]?)\s*")


@dataclass(frozen=True, slots=True)
class Quotation:
    """What a claim quotes, and what came of looking for it: the passage and the span where it was found."""

    text: str
    finding: Finding
    passage: int = -1
    start: int = 0
    end: int = 0


def quotations(claim: str) -> list[str]:
    """What stands in quotation marks in a text, but for single terms."""
    found = [next(filter(None, match.groups())) for match in _QUOTED.finditer(claim)]
    return [each for each in found if len(each.split()) > _SHORT or _wide(each)]


def examined(quote: str, passages: Sequence[str], cited: Sequence[int]) -> Quotation:
    """Look for a quotation in the cited passages, then in the others, then for its pieces.

    White space and the kind of quotation marks don't count, nor does punctuation at the end. A quotation with
    an ellipsis is stitched unless its parts follow each other in one passage.
    """
    searched: tuple[tuple[Finding, Sequence[int]], ...] = (
        ("found", cited),
        ("misattributed", range(len(passages))),
    )
    for finding, numbers in searched:
        for number in numbers:
            place = located(quote, passages[number])
            if place is not None:
                return Quotation(quote, finding, number, *place)
    return Quotation(quote, "stitched" if _in_pieces(quote, passages) else "invented")


def located(quote: str, passage: str) -> tuple[int, int] | None:
    """Where a passage has the quote, its parts between ellipses in their order; None where it hasn't."""
    parts = [each for each in _ELLIPSIS.split(quote.strip().rstrip(".,;:!?")) if each]
    if not parts:
        return None
    found = re.search(r"[\s\S]{0,300}?".join(map(_loose, parts)), passage)
    return found.span() if found else None


def _loose(text: str) -> str:
    """A pattern for the text with any white space and any quotation marks."""
    words = [re.sub(r"[\"'“”„‘’]", "[\"'“”„‘’]", re.escape(each)) for each in text.split()]
    return r"(?<!\w)" + r"\s+".join(words) + r"(?!\w)"


def _in_pieces(quote: str, passages: Sequence[str]) -> bool:
    """Whether two or more runs of its words, each in a passage, make up the whole quote."""
    words, at, pieces = quote.strip().rstrip(".,;:!?").split(), 0, 0
    while at < len(words):
        length = len(words) - at
        while length >= _PIECE and not _anywhere(" ".join(words[at : at + length]), passages):
            length -= 1
        if length < _PIECE:
            return False
        at, pieces = at + length, pieces + 1
    return pieces > 1


def _anywhere(piece: str, passages: Sequence[str]) -> bool:
    pattern = re.compile(_loose(piece.rstrip(".,;:!?…")))
    return any(pattern.search(each) for each in passages)


def _wide(text: str) -> bool:
    return sum(each >= "\u3040" for each in text) > 2 * _SHORT
