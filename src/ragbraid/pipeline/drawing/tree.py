"""The graph as a tree for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ragbraid.pipeline.drawing.words import refers, settings, uses, what
from ragbraid.pipeline.graph import FlowGraph, Graph, Node

_LEAST = 24
"""The fewest columns that details are wrapped to beside their step; with less they stand below it."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line before it is aligned: the guides before it, those before its further lines, its columns."""

    guide: str
    further: str
    name: str
    flow: str = ""
    details: str = ""


def tree(graph: Graph, width: int = 80) -> str:
    """The pipeline as a tree, at most `width` columns where words allow."""
    names = graph.names()
    title = f"{graph.name}: {graph.description}" if graph.description else graph.name
    parts = ["\n".join(_words(title, width))]
    if graph.components:
        parts.append("\n".join(["components", *_aligned(_rows(graph.components, names), width)]))
    for flow in graph.flows:
        lines = _aligned(_rows(flow.steps, names), width)
        parts.append("\n".join([_head(flow), *lines]))
    return "\n\n".join(parts)


def _head(flow: FlowGraph) -> str:
    inputs = ", ".join(each.name for each in flow.inputs)
    return f"{flow.name}  {inputs} → {flow.gives or flow.steps[-1].name}"


def _rows(nodes: Sequence[Node], names: dict[str, str], before: str = "") -> Iterator[_Row]:
    for number, node in enumerate(nodes, 1):
        last = number == len(nodes)
        inner = before + ("   " if last else "│  ")
        below = inner + ("│  " if node.blocks else "   ")
        guide = before + ("└─ " if last else "├─ ")
        yield _Row(guide, below, node.name, _reading(node, names), _details(node, names))
        for count, (block, steps) in enumerate(node.blocks.items(), 1):
            end = count == len(node.blocks)
            yield _Row(inner + ("└─ " if end else "├─ "), "", block)
            yield from _rows(steps, names, inner + ("   " if end else "│  "))


def _reading(node: Node, names: dict[str, str]) -> str:
    if node.form == "component":
        return node.type
    read = [each for each in node.reads if node.form != "branch" or each.name == "when"]
    sources = ", ".join(dict.fromkeys(names[each.to] for each in read))
    return f"{sources} → {node.gives}" if node.gives else sources


def _details(node: Node, names: dict[str, str]) -> str:
    type_known = node.form == "component" or uses(node)
    return ", ".join([*([] if type_known else what(node)), *refers(node, names), *settings(node)])


def _words(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def _aligned(rows: Iterable[_Row], width: int) -> Iterator[str]:
    rows = list(rows)
    first = max(len(each.guide) + len(each.name) for each in rows) + 2
    second = first + max(len(each.flow) for each in rows) + 2
    for row in rows:
        line = (row.guide + row.name).ljust(first) + row.flow
        if not row.details:
            yield line.rstrip()
        elif width - second >= _LEAST:
            head, *rest = _words(row.details, width - second) or [""]
            yield line.ljust(second) + head
            yield from (row.further.ljust(second) + each for each in rest)
        else:
            yield line.rstrip()
            room = max(width - len(row.further) - 2, _LEAST)
            for each in _words(row.details, room):
                yield f"{row.further}  {each}"
