"""Metadata as jsonb, and filters as SQL over it that decide exactly as Python does.

In `fields` a date is `{"$us": microseconds}` alone and a decimal all of its digits, so that jsonb's equality
and order are those of `ragbraid.index.filter`. What SQL can't decide (case folding, U+0000, which no jsonb
holds) leaves a superset, and Python decides about its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ragbraid.index.comparisons import kind
from ragbraid.index.filter import Among, Compare, Empty, Node, Present, Test
from ragbraid.index.filter_compiler import FilterCompiler
from ragbraid.index.metadata import dump

_ORDER = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_SCALAR = ("number", "string", "boolean", "null", "date")


@dataclass(frozen=True, slots=True)
class Where:
    """A condition with its parameters; `exact` where it holds for no row that Python would refuse."""

    sql: str = "true"
    parameters: tuple[Any, ...] = ()
    exact: bool = True


def fields(metadata: str) -> str | None:
    """Metadata in stored form as the text of a jsonb; None for what jsonb can't hold."""
    return None if "\\u0000" in metadata and _has_nul(json.loads(metadata)) else _text(json.loads(metadata))


def compile_filter(node: Node, alias: str) -> Where:
    """A parsed filter over a table's columns `fields` (never null there) and `source`."""
    compiler = _Compiler(alias)
    sql, exact = compiler.compile(node)
    return Where(sql, tuple(compiler.parameters), exact)


class _Compiler(FilterCompiler):
    def __init__(self, alias: str) -> None:
        super().__init__()
        self._fields, self._source = f"{alias}.fields", f"{alias}.source"

    def test(self, node: Test) -> tuple[str, bool]:
        if not _sayable(node.path):
            return "true", False
        match node:
            case Among(path, values) if not _has_nul(list(values)):
                return self._among(path, values), True
            case Compare(path, name, operand) if name != "$itext" and not _has_nul(operand):
                return self._compared(path, name, operand), True
            case Present(path):
                return f"({self._value(path)} IS NOT NULL)", True
            case Empty(path):
                value = self._value(path)
                return f"""(COALESCE({value}, 'null') IN ('null', '""', '[]', '{{}}'))""", True
        return "true", False

    def _among(self, path: str, values: tuple[Any, ...]) -> str:
        if path != "source" and "." not in path and all(kind(each) in _SCALAR for each in values):
            # A list contains its elements, and this one condition is what the GIN index answers.
            forms = [form for each in values for form in ({path: each}, {path: [each]})]
            self.parameters.append([*map(_text, forms)])
            return f"({self._fields} @> ANY (%s::jsonb[]))"

        def test(value: str) -> str:
            self.parameters.append([*map(_text, values)])
            return f"{value} = ANY (%s::jsonb[])"

        return self._tested(path, test)

    def _compared(self, path: str, name: str, operand: Any) -> str:
        def test(value: str) -> str:
            if kind(operand) == "string":
                self.parameters.append(operand)
                text = f"({value} #>> '{{}}')"
                relation = (
                    f"strpos({text}, %s) > 0" if name == "$text" else f'{text} COLLATE "C" {_ORDER[name]} %s'
                )
                return f"(jsonb_typeof({value}) = 'string' AND {relation})"
            self.parameters.append(_text(operand["$us"] if kind(operand) == "date" else operand))
            compared = f"({value} -> '$us')" if kind(operand) == "date" else value
            relation = f"{compared} {_ORDER[name]} %s::jsonb"
            return f"(jsonb_typeof({compared}) = 'number' AND {relation})"

        return self._tested(path, test)

    def _tested(self, path: str, test: Callable[[str], str]) -> str:
        """A test of the value and, where it is a list, of its elements."""
        value = self._value(path)
        whole = test(value)
        array = f"CASE jsonb_typeof({value}) WHEN 'array' THEN {value} ELSE '[]' END"
        elements = f"EXISTS (SELECT 1 FROM jsonb_array_elements({array}) AS e(v) WHERE {test('e.v')})"
        return f"(COALESCE({whole}, false) OR {elements})"

    def _value(self, path: str) -> str:
        if path == "source":
            return f"COALESCE({self._fields} -> 'source', to_jsonb({self._source}))"
        whole = f"{self._fields} -> {_literal(path)}"
        if "." not in path:
            return f"({whole})"
        inner = " -> ".join(map(_literal, path.split(".")))
        return f"COALESCE({whole}, {self._fields} -> {inner})"


def _literal(text: str) -> str:
    """A string as it stands in SQL that psycopg fills in."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace("%", "%%") + "'"


def _sayable(path: str) -> bool:
    return "\0" not in path and all(part[:1] != "$" for part in path.split("."))


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(map(_has_nul, value))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return format(Decimal(value), "f")
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, dict):
        if kind(value) == "date":
            return f'{{"$us":{value["$us"]}}}'
        return "{" + ",".join(f"{dump(key)}:{_text(each)}" for key, each in value.items()) + "}"
    return dump(value)
