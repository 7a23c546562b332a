"""A regular expression as a grammar in GBNF, for engines that hold a model to grammars alone."""

from __future__ import annotations

import re
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_CLASSES = {
    codes.CATEGORY_DIGIT: "0-9",
    codes.CATEGORY_WORD: "0-9A-Z_a-z",
    codes.CATEGORY_SPACE: " \\t\\n\\r\\x0B\\x0C",
}
_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_IN_CLASS = {"\\": "\\\\", "]": "\\]", "[": "\\[", "^": "\\x5E", "-": "\\x2D"}
"""Of these GBNF knows some escapes alone."""


def regex_grammar(pattern: str) -> str:
    """The grammar whose sentences match the whole pattern; `\\d`, `\\w` and `\\s` are those of ASCII.

    Raises `ValueError` for what isn't regular or isn't a pattern: back-references, look-around, flags.
    """
    try:
        parsed = parser.parse(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} isn't a regular expression: {error}") from error
    return f"root ::= {_sequence(parsed) or _quoted('')}"


def _sequence(items: Any) -> str:
    return " ".join(filter(None, (_item(*each) for each in items)))


def _item(code: Any, value: Any) -> str:
    match code:
        case codes.LITERAL:
            return _quoted(chr(value))
        case codes.NOT_LITERAL:
            return f"[^{_in_class(chr(value))}]"
        case codes.ANY:
            return "[^\\n]"
        case codes.IN:
            return _class(value)
        case codes.BRANCH:
            return "(" + " | ".join(_sequence(each) or _quoted("") for each in value[1]) + ")"
        case codes.SUBPATTERN if not value[1] and not value[2]:
            return f"({_sequence(value[3]) or _quoted('')})"
        case codes.MAX_REPEAT | codes.MIN_REPEAT:
            least, most, inner = value
            upper = "" if most == codes.MAXREPEAT else str(most)
            return f"({_sequence(inner) or _quoted('')}){{{least},{upper}}}"
        case codes.AT if value in (codes.AT_BEGINNING, codes.AT_END):
            return ""
        case _:
            raise ValueError(f"a grammar can't hold {str(code).lower()}")


def _class(items: Any) -> str:
    negated = items[0][0] is codes.NEGATE
    parts = []
    for code, value in items[1:] if negated else items:
        match code:
            case codes.LITERAL:
                parts.append(_in_class(chr(value)))
            case codes.RANGE:
                parts.append("-".join(_in_class(chr(each)) for each in value))
            case codes.CATEGORY if value in _CLASSES:
                parts.append(_CLASSES[value])
            case _:
                raise ValueError(f"a grammar can't hold {str(value).lower()} within a class")
    return f"[{'^' * negated}{''.join(parts)}]"


def _in_class(character: str) -> str:
    return (_ESCAPED | _IN_CLASS).get(character, character)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(_ESCAPED.get(each, each) for each in escaped) + '"'
