"""What a source file defines: functions, classes, methods, each with its place and its qualified name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ragbraid.split.grammars import GRAMMARS, Grammar, parse

_DEEPEST = 20
_NAME_FIELDS = ("name", "declarator", "type", "property")
_BLOCKS = ("block", "body", "compound_statement", "declaration_list", "switch_body", "_list")
_LONGEST = 200
"""Characters of a name."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition from the comments and decorators above it to its end, and those inside it.

    Offsets count characters; `node` is the syntax node.
    """

    start: int
    end: int
    symbol: str
    inner: tuple[Definition, ...]
    node: Any


class Source:
    """A source file's definitions and statements."""

    def __init__(self, text: str, start: int, language: str) -> None:
        self._grammar = GRAMMARS[language]
        self._data = text[start:].encode("utf-8", "surrogatepass")
        self._start = start
        self._ascii = text.isascii()
        self._root = parse(language, self._data)

    def definitions(self) -> list[Definition] | None:
        """What the file defines, in order; None where it can't be parsed in a reasonable time."""
        if self._root is None:
            return None
        found = [*_walk(self._root, self._grammar, "", 0)]
        places = self._characters(_offsets(found))
        return [_placed(each, places) for each in found]

    def statements(self, definition: Definition) -> list[tuple[int, int]]:
        """Where statements inside a definition start, each with how deep it is nested, in order."""
        found = [*_statements(definition.node)]
        places = self._characters(offset for offset, _ in found)
        return sorted({places[offset]: depth for offset, depth in reversed(found)}.items())

    def _characters(self, offsets: Iterable[int]) -> dict[int, int]:
        """Offsets in bytes → offsets in characters of the document."""
        if self._ascii:
            return {each: self._start + each for each in offsets}
        places: dict[int, int] = {}
        before, at = 0, self._start
        for each in sorted({*offsets}):
            at += len(self._data[before:each].decode("utf-8", "surrogatepass"))
            places[each] = at
            before = each
        return places


def _walk(scope: Any, grammar: Grammar, above: str, depth: int) -> Iterator[Definition]:
    """The definitions right inside a node; their offsets count bytes."""
    lead: Any = None
    before: Any = None
    for node in scope.children:
        if _leads(node) and (before is None or _last_row(before) < node.start_point[0]):
            lead = lead if lead is not None and _adjoin(before, node) else node
        else:
            start = lead if lead is not None and _adjoin(before, node) else node
            yield from _defined(node, start.start_byte, grammar, above, depth)
            lead = None
        before = node


def _defined(node: Any, start: int, grammar: Grammar, above: str, depth: int) -> Iterator[Definition]:
    if node.type in grammar.open and depth < _DEEPEST:
        yield from _walk(node, grammar, above, depth + 1)
        return
    core = _unwrapped(node, grammar)
    name = "" if core is None else _name(core) or _name(node)
    if core is None or not name:
        return
    symbol = f"{above}{grammar.joiner}{name}" if above else name
    inner: tuple[Definition, ...] = ()
    if core.type in grammar.scopes and depth < _DEEPEST:
        body = core.child_by_field_name("body") or core
        inner = tuple(_walk(body, grammar, symbol, depth + 1))
    yield Definition(start, node.end_byte, symbol, inner, core)


def _unwrapped(node: Any, grammar: Grammar) -> Any:
    """The definition itself, without what is written around it; None where there is none."""
    for _ in range(_DEEPEST):
        if node.type in grammar.plain or node.type in grammar.scopes:
            return node if _defines(node) else None
        if node.type not in grammar.wrappers:
            return None
        known = grammar.plain | grammar.scopes | grammar.wrappers
        node = next((each for each in node.named_children if each.type in known), None)
        if node is None:
            return None
    return None


def _defines(node: Any) -> bool:
    """A variable defines something where it is a function; a C type where it has a body."""
    if node.type in ("lexical_declaration", "variable_declaration"):
        values = [each.child_by_field_name("value") for each in node.named_children]
        return any(each is not None and _is_function(each) for each in values)
    if node.type in ("field_definition", "public_field_definition"):
        value = node.child_by_field_name("value")
        return value is not None and _is_function(value)
    if node.type.endswith("_specifier"):
        return node.child_by_field_name("body") is not None
    return True


def _is_function(node: Any) -> bool:
    return "function" in node.type or node.type == "class"


def _name(node: Any) -> str:
    """What a definition is called; empty where it has no name."""
    if node.type == "impl_item":
        trait, own = (_text(node.child_by_field_name(each)) for each in ("trait", "type"))
        return f"<{own} as {trait}>" if trait else own
    if node.type == "method_declaration" and (receiver := node.child_by_field_name("receiver")) is not None:
        kind = _first(receiver, ("type_identifier",))
        own = _text(node.child_by_field_name("name"))
        return f"{_text(kind)}.{own}" if kind is not None else own
    if node.type in ("type_declaration", "lexical_declaration", "variable_declaration"):
        node = next((each for each in node.named_children if each.child_by_field_name("name")), node)
    for _ in range(_DEEPEST):
        found = next(filter(None, map(node.child_by_field_name, _NAME_FIELDS)), None)
        if found is None and node.type == "reference_declarator":
            found = next(iter(node.named_children), None)
        if found is None or node.type.endswith(("identifier", "_name")):
            break
        node = found
    else:
        return ""
    return _text(node) if "identifier" in node.type or node.type.endswith("name") else ""


def _first(node: Any, types: tuple[str, ...]) -> Any:
    queue = [node]
    while queue:
        each = queue.pop(0)
        if each.type in types:
            return each
        queue += each.named_children
    return None


def _text(node: Any) -> str:
    return "" if node is None else " ".join(node.text.decode("utf-8", "replace").split())[:_LONGEST]


def _leads(node: Any) -> bool:
    """Whether a node belongs to the definition below it: a comment, an attribute, a decorator."""
    return "comment" in node.type or node.type in ("attribute_item", "decorator")


def _adjoin(above: Any, node: Any) -> bool:
    """Whether there is no blank line between two nodes."""
    return bool(above is not None and node.start_point[0] - _last_row(above) <= 1)


def _last_row(node: Any) -> int:
    """The line that a node ends in; that of a comment may hold its line end."""
    row, column = node.end_point
    return int(row - 1 if column == 0 and row > node.start_point[0] else row)


def _statements(node: Any) -> Iterator[tuple[int, int]]:
    """Starts in bytes of statements, those of blocks in blocks too; a comment stays with what it is above."""
    stack = [(node, 0)]
    while stack:
        node, depth = stack.pop()
        is_block = node.type.endswith(_BLOCKS)
        before: Any = None
        for each in node.named_children:
            if is_block and not (before is not None and _leads(before) and _adjoin(before, each)):
                yield each.start_byte, depth
            before = each
            stack.append((each, depth + is_block))


def _offsets(found: Iterable[Definition]) -> Iterator[int]:
    for each in found:
        yield from (each.start, each.end)
        yield from _offsets(each.inner)


def _placed(definition: Definition, places: dict[int, int]) -> Definition:
    inner = tuple(_placed(each, places) for each in definition.inner)
    start, end = places[definition.start], places[definition.end]
    return Definition(start, end, definition.symbol, inner, definition.node)
