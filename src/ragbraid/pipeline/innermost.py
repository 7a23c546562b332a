"""Which part of a mapping doesn't fit, where a validator reports every arm of every union in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, get_args

from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.pipeline.tree import Map, Node, child, describe
from ragbraid.pipeline.typecheck import plain
from ragbraid.secret import Secret

_Way: TypeAlias = list[tuple[int | str, Node]]
"""The keys and places that lead to a node, each with what it leads to."""

_WORDS = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping",
    "dataclass": "a mapping",
}


def innermost(errors: Sequence[Any], node: Node, annotation: Any) -> tuple[Node, str] | None:
    """The node that is wrong deepest inside a mapping, and what is said of it; None where `node` itself is.

    Of a union's arms the one that a value was meant for gets farthest into it.
    """
    ways = [_way(node, each["loc"]) for each in errors]
    way = max(ways, key=len)
    if not way or not isinstance(node, Map):
        return None
    wrong = [each for each, other in zip(errors, ways, strict=True) if other == way]
    inner = way[-1][1]
    if wrong[0]["type"] == "unexpected_keyword_argument":
        *outer, (key, _) = way
        fields = list(dict.fromkeys(_fields(annotation)))
        near = meant(str(key), fields) or f"; it has {listed(fields)}"
        return inner, f"{_written(outer)} has no {key!r}{near}".lstrip()
    wanted = dict.fromkeys(filter(None, map(_wanted, wrong)))
    if "a number" in wanted:
        wanted.pop("a whole number", None)
    if not wanted:
        message = wrong[0]["msg"]
        return inner, f"{_written(way)}: {message[:1].lower()}{message[1:]}"
    shown = "" if Secret in _parts(annotation) else f", not {describe(inner)}"
    return inner, f"{_written(way)} wants {' or '.join(wanted)}{shown}"


def _way(node: Node, location: Sequence[int | str]) -> _Way:
    """The keys and places of a location that lead into a node; the rest of it names arms of unions."""
    way: _Way = []
    for key in location:
        if (inner := child(node, key)) is not None:
            node = inner
            way.append((key, node))
    return way


def _wanted(error: Mapping[str, Any]) -> str | None:
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"])
    return _WORDS.get(error["type"].removesuffix("_type"))


def _written(way: _Way) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key, _ in way).removeprefix(".")


def _fields(annotation: Any) -> Iterator[str]:
    """The settings of every dataclass that an annotation speaks of."""
    for part in _parts(annotation):
        if dataclasses.is_dataclass(part):
            yield from (each.name for each in dataclasses.fields(part) if each.init)


def _parts(annotation: Any) -> Iterator[Any]:
    annotation = plain(annotation)
    yield annotation
    for each in get_args(annotation):
        yield from _parts(each)
