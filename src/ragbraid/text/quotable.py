"""The words of a text as a quotation may begin and end with them.

A word is what stands between white space; a character of Chinese or Japanese is a word of its own. Brackets,
quotation marks and stops around it may be left out of a quotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")
# Only what carries no meaning can be left out: never the sign of -3, the % of 5% or the ++ of C++.
_PARTS = re.compile(r"""([(\[{"'«“‘„¿¡]*)(.*?)([.,;:!?…)\]}"'»”’、。，；：！？]*)""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """A word with what stands around it: `lead`, `core` and `trail` follow each other."""

    gap: str
    """White space since the last word."""
    lead: str
    core: str
    trail: str


def quotable(text: str) -> Iterator[Word]:
    """The words in order."""
    last = 0
    for match in _WORD.finditer(text):
        parts = _PARTS.fullmatch(match.group())
        lead, core, trail = parts.groups() if parts else ("", match.group(), "")
        if not core:
            lead, core, trail = "", match.group(), ""
        yield Word(text[last : match.start()], lead, core, trail)
        last = match.end()
