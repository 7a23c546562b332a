"""A pipeline as a notebook shows it: a table of its flows, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, TypeAlias

from ragbraid.pipeline.function import FunctionComponent
from ragbraid.pipeline.model import (
    Argument,
    Branch,
    CheckedPipeline,
    ComponentStep,
    FlowStep,
    Loop,
    Step,
    Value,
)
from ragbraid.pipeline.typecheck import type_name

_Row: TypeAlias = tuple[str, str, str, str]
_HEAD = ("flow", "step", "does", "reads", "gives")


def pipeline_html(checked: CheckedPipeline) -> str:
    """A table of steps: what each is called, does, reads and gives. No setting is shown."""
    rows: list[tuple[str, ...]] = []
    if checked.ingest is not None:
        loaders = [("", _kind(each), "", "list[Document]") for each in checked.ingest.loaders]
        end = (checked.ingest.index_id, _kind(checked.ingest.index), "chunks", "")
        rows += _named("ingest", [*loaders, *_rows(checked.ingest.flow.steps), end])
    for name, flow in checked.flows.items():
        rows += _named(name, _rows(flow.steps))
    table = _row("th", _HEAD) + "".join(_row("td", each) for each in rows)
    return f"<table><caption>{escape(checked.name)}</caption>{table}</table>"


def _named(flow: str, rows: Iterable[_Row]) -> list[tuple[str, ...]]:
    return [("" if number else flow, *row) for number, row in enumerate(rows)]


def _row(tag: str, cells: Iterable[str]) -> str:
    style = "text-align: left; white-space: pre"  # indents the steps of a branch
    return "<tr>" + "".join(f'<{tag} style="{style}">{escape(each)}</{tag}>' for each in cells) + "</tr>"


def _rows(steps: Iterable[Step], indent: str = "") -> Iterator[_Row]:
    for each in steps:
        output = type_name(each.output.type)
        match each:
            case ComponentStep():
                yield indent + each.id, _kind(each.component), _reads(each.arguments), output
            case FlowStep():
                yield indent + each.id, f"the flow {each.flow}", _reads(each.arguments.values()), output
            case Loop():
                does = f"the flow {each.flow}, at most {each.at_most} times"
                yield indent + each.id, does, _reads(each.arguments.values()), output
                yield from _rows([each.until], f"{indent}  until ")
            case Branch():
                yield indent + each.id, f"if {each.condition.name}", each.otherwise.output.name, output
                yield from _rows(each.then.steps, f"{indent}  then ")
                yield from _rows(each.otherwise.steps, f"{indent}  else ")


def _kind(component: Any) -> str:
    target = component.function if isinstance(component, FunctionComponent) else type(component)
    return str(target.__name__)


def _reads(arguments: Iterable[Argument]) -> str:
    names: dict[str, None] = {}
    for each in arguments:
        values = each if isinstance(each, tuple) else (each,)
        names.update({value.name: None for value in values if isinstance(value, Value)})
    return ", ".join(names)
