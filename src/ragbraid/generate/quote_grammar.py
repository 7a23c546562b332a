"""A grammar whose sentences are the runs of whole words of given texts.

A word is what stands between white space; a character of Chinese or Japanese is a word of its own. A run
may leave out brackets, quotation marks and stops before its first word and after its last.
"""

from __future__ import annotations

import re

from ragbraid.errors import GenerationError
from ragbraid.generate.protocol import Quotes
from ragbraid.text.quotable import Word, quotable

# What a grammar can't hold ends a run, as if the text ended there.
_BREAK = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quote_grammar(quotes: Quotes) -> str:
    """The grammar in GBNF. Raises `ValueError` where there is nothing that could be said."""
    rules: list[str] = []
    starts: list[str] = [] if quotes.abstention is None else [_literal(quotes.abstention)]
    for text in dict.fromkeys(quotes.texts):
        for part in _BREAK.split(text):
            words = list(quotable(part))
            for at, word in enumerate(words):
                name = f"w{len(rules)}"
                rules.append(f"{name} ::= {_run(words[at : at + quotes.max_words])}")
                starts.append(f"{_literal(word.lead)}? {name}" if word.lead else name)
    if not starts:
        raise ValueError("there is no word that could be quoted")
    return "\n".join([f"root ::= {' | '.join(starts)}", *rules])


def grammar_of(quotes: Quotes) -> str:
    """`quote_grammar`, raising `GenerationError` where there is nothing that could be said."""
    try:
        return quote_grammar(quotes)
    except ValueError as error:
        raise GenerationError(f"The answer can't be held to quotes: {error}.") from error


def is_quote(text: str, quotes: Quotes) -> bool:
    """Whether the grammar has this sentence; the abstention isn't asked for."""
    return bool(text) and any(
        _runs_through(part, text, quotes.max_words)
        for source in quotes.texts
        for part in _BREAK.split(source)
        if text in part
    )


def _runs_through(part: str, text: str, max_words: int) -> bool:
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    at = 0
    for number, word in enumerate(quotable(part)):
        lead = at + len(word.gap)
        core = lead + len(word.lead)
        done = core + len(word.core)
        at = done + len(word.trail)
        starts |= {lead: number, core: number}
        ends |= {done: number, at: number}
    found = part.find(text)
    while found >= 0:
        first, last = starts.get(found), ends.get(found + len(text))
        if first is not None and last is not None and last - first < max_words:
            return True
        found = part.find(text, found + 1)
    return False


def _run(words: list[Word]) -> str:
    """The first word, then optionally the second, then optionally the third, and so on."""
    pieces = [_literal(words[0].core)]
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word.trail:
            pieces.append(_literal(word.trail))
        if following is not None:
            pieces.append(_literal(following.gap + following.lead + following.core))
    return " (".join(pieces) + ")?" * (len(pieces) - 1)


def _literal(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(each, each) for each in text) + '"'
