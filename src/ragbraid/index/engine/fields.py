"""Metadata as names that an engine can look up, and filters as conditions over them.

Each value at each path has a name of its own, made so that two are the same exactly where the filter language
finds the values equal. What names can't decide (orders, parts of strings) Python decides about rows that they
narrowed down.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ragbraid.index.comparisons import kind
from ragbraid.index.engine.protocol import Condition, In, NotIn
from ragbraid.index.filter import Among, And, Node, Not, Or, Present, candidates, holds


def named(*parts: str) -> str:
    """The name of some texts: the first 16 bytes of their BLAKE2b, in hexadecimal."""
    text = "".join(f"{len(each)}:{each}" for each in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def stored(source: str, metadata: str) -> dict[str, Any]:
    """A chunk's metadata as filters see it."""
    return {"source": source, **json.loads(metadata)}


def names(source: str, metadata: str) -> list[str]:
    """The names of all that a filter might ask to be equal or there."""
    seen = stored(source, metadata)
    found: dict[str, None] = {}
    for path in _paths(seen, ""):
        if holds(Present(path), seen):
            found[named(path)] = None
            found.update(dict.fromkeys(_valued(path, each) for each in candidates(seen, path)))
    return [*found]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A filter as conditions; `exact` where they hold for no row that Python would refuse."""

    conditions: tuple[Condition, ...]
    exact: bool = True


def narrowed(node: Node) -> Narrowed:
    """The conditions that hold for every row that a filter selects."""
    match node:
        case And(nodes):
            parts = [narrowed(each) for each in nodes]
            joined = tuple(each for part in parts for each in part.conditions)
            return Narrowed(joined, all(part.exact for part in parts))
        case Among(path, values):
            return Narrowed((In("fields", [_valued(path, each) for each in values]),))
        case Present(path):
            return Narrowed((In("fields", [named(path)]),))
        case Not(Among() | Present() as inner):
            unwanted = [value for each in narrowed(inner).conditions for value in _values(each)]
            return Narrowed((NotIn("fields", unwanted),) if unwanted else ())
        case Or(nodes):
            parts = [narrowed(each) for each in nodes]
            if all(part.exact and [type(each) for each in part.conditions] == [In] for part in parts):
                some = [value for part in parts for each in part.conditions for value in _values(each)]
                return Narrowed((In("fields", some),))
    return Narrowed((), exact=False)


def _values(condition: Condition) -> list[str | int]:
    return [*condition.values] if isinstance(condition, In | NotIn) else []


def _paths(value: Mapping[str, Any], above: str) -> Iterator[str]:
    for key, each in value.items():
        yield above + key
        if kind(each) == "object":
            yield from _paths(each, f"{above}{key}.")


def _valued(path: str, value: Any) -> str:
    return named(path, _form(value))


def _form(value: Any) -> str:
    """A text that is the same for values that are equal, and for no others."""
    match kind(value):
        case "number":
            return f"number {int(value)}" if value == int(value) else f"number {value!r}"
        case "date":
            return f"date {value['$us']}"
        case "list":
            return "list " + "".join(f"{len(form)}:{form}" for form in map(_form, value))
        case "object":
            forms = sorted((key, _form(each)) for key, each in value.items())
            return "object " + "".join(f"{len(key)}:{key}{len(form)}:{form}" for key, form in forms)
    return f"{kind(value)} {value}"
