"""Queries with operators: phrases, fields, what must be there, what must not, alternatives.

No text is a syntax error. What isn't an operator where it stands (a quotation mark that nothing closes, an
AND with nothing before it, a colon after a word that names no field) is read as the plain text that it most
likely is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, cast

Field: TypeAlias = Literal["text", "title", "heading"]
"""Where a phrase is looked for: a chunk's text, its document's title, or its headings."""


@dataclass(frozen=True, slots=True)
class Words:
    """Plain text: the more of its words, the better."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words of this text, in a row."""

    text: str
    field: Field = "text"


@dataclass(frozen=True, slots=True)
class Group:
    """All of `must` and none of `must_not`; where there is no `must`, one of `should` at least.

    One with nothing but `must_not` finds nothing.
    """

    must: tuple[Node, ...] = ()
    should: tuple[Node, ...] = ()
    must_not: tuple[Node, ...] = ()


Node: TypeAlias = Words | Phrase | Group


def parse(text: str) -> Group:
    """What a text asks for. Raises nothing, whatever the text is."""
    tokens = [_Token.of(each) for each in _TOKEN.finditer(text.translate(_CURLY))]
    return _Parser([each for each in tokens if each.kind]).group(0)


_MOST_NESTED = 20
_CURLY = str.maketrans("“”„", '"""')
# A sign, a bracket or a quotation mark is an operator where a word could begin, and `12" x 3"` has none.
_TOKEN = re.compile(
    r"""(?<![^\s(])(?P<sign>[+-])(?=[\w("])
    | (?<![^\s(+-])(?P<open>\()
    | (?P<close>\))
    | (?<![^\s(+-])(?:(?P<of>title|heading):)?"(?P<phrase>[^"]*)"(?![^\s)])
    | (?:(?<![^\s(+-])(?P<in>title|heading):(?=\w))?(?P<word>[^\s()]+)
    | .""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    """`word`, `phrase`, or the operator itself; empty for what is passed over."""
    text: str = ""
    field: Field | None = None

    @classmethod
    def of(cls, match: re.Match[str]) -> _Token:
        field = cast("Field | None", (match["of"] or match["in"] or "").lower() or None)
        if match["phrase"] is not None:
            return cls("phrase", match["phrase"], field)
        if match["word"] is not None:
            operator = field is None and match["word"] in ("AND", "OR", "NOT")
            return cls(match["word"] if operator else "word", match["word"], field)
        return cls(match["sign"] or match["open"] or match["close"] or "")


class _Part(NamedTuple):
    """An operand with its sign. What isn't `bound` is plain text, whose words needn't all be there."""

    node: Node
    bound: bool
    excluded: bool = False


class _Parser:
    """Recursive descent; signs bind most tightly, then AND, then OR."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def group(self, depth: int) -> Group:
        parts, words = [], []
        while (kind := self._kind()) and not (kind == ")" and depth):
            part = self._joined("OR", lambda: self._joined("AND", lambda: self._signed(depth), depth), depth)
            if part.bound or part.excluded:
                parts.append(part)
            elif isinstance(part.node, Phrase):
                words.append(part.node.text)
            elif isinstance(part.node, Group):
                words += [each.text for each in part.node.should if isinstance(each, Words)]
        self._at += 1
        plain = (Words(" ".join(words)),) if words else ()
        return Group(_nodes(parts), plain, _nodes(parts, excluded=True))

    def _joined(self, word: str, operand: Callable[[], _Part], depth: int) -> _Part:
        parts = [operand()]
        while self._kind() == word and self._begins(1, depth):
            self._at += 1
            parts.append(operand())
        if len(parts) == 1:
            return parts[0]
        found, excluded = _nodes(parts), _nodes(parts, excluded=True)
        must, should = (found, ()) if word == "AND" else ((), found)
        return _Part(Group(must, should, excluded), bound=True)

    def _signed(self, depth: int) -> _Part:
        signs = set()
        while (kind := self._kind()) in ("+", "-") or (kind == "NOT" and self._begins(1, depth)):
            signs.add(kind)
            self._at += 1
        node, bound = self._operand(depth)
        return _Part(node, bound or "+" in signs, bool(signs & {"-", "NOT"}))

    def _operand(self, depth: int) -> tuple[Node, bool]:
        if self._at >= len(self._tokens):
            return Words(""), False
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "(" and depth < _MOST_NESTED:
            inner = self.group(depth + 1)
            return inner, bool(inner.must or inner.must_not)
        return Phrase(token.text, token.field or "text"), token.kind == "phrase" or token.field is not None

    def _kind(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at].kind if at < len(self._tokens) else ""

    def _begins(self, ahead: int, depth: int) -> bool:
        """Whether something to look for may begin there."""
        kind = self._kind(ahead)
        return bool(kind) and not (kind == ")" and depth) and kind not in ("AND", "OR")


def _nodes(parts: list[_Part], excluded: bool = False) -> tuple[Node, ...]:
    return tuple(each.node for each in parts if each.excluded is excluded)
