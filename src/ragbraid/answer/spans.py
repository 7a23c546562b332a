"""Where a short answer may lie: what the quotes say beyond the question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragbraid.text.terms import language_of, terms

_WORD = re.compile(r"\S+")
_ENDS = (",", ";", ":", ".", "!", "?", ")")


def spans(texts: Sequence[str], question: str) -> tuple[str, ...]:
    """The texts, cut behind punctuation and at each word of the question.

    A piece begins with a word that carries meaning or a capital: May, the month, is also a stop word. Where
    no piece is left, the texts as they are.
    """
    language = language_of([question, *texts])
    asked = set(terms(question, language))
    pieces = [piece for text in texts for piece in _pieces(text, asked, language)]
    return tuple(dict.fromkeys(pieces)) or tuple(texts)


def _pieces(text: str, asked: set[str], language: str) -> list[str]:
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for word in _WORD.finditer(text):
        meant = set(terms(word.group(), language))
        told = bool(meant) and meant <= asked
        if begin is not None and told:
            found.append((begin, word.start()))
            begin = None
        elif begin is None and not told and (meant or word.group()[0].isupper()):
            begin = word.start()
        if begin is not None and word.group().endswith(_ENDS):
            found.append((begin, word.end()))
            begin = None
    if begin is not None:
        found.append((begin, len(text)))
    return [piece for a, b in found if terms(piece := text[a:b].strip(), language)]
