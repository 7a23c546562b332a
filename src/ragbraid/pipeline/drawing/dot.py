"""The graph in DOT, Graphviz's language."""

from __future__ import annotations

from collections.abc import Iterator

from ragbraid.pipeline.drawing.words import label, on_arrow
from ragbraid.pipeline.graph import Form, Graph

_SHAPES: dict[Form, str] = {
    "input": "oval",
    "component": "cylinder",
    "branch": "diamond",
    "loop": "box3d",
    "map": "box3d",
    "agent": "diamond",
    "flow": "box3d",
}


def dot(graph: Graph) -> str:
    """A digraph: a cluster for each flow, solid arrows for values, dotted lines for components."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield f"digraph {_quoted([graph.name])} {{"
    yield '  node [shape=box, fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif"];'
    for number, (title, nodes) in enumerate(graph.groups(), 1):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_quoted([title])};"
        for node in nodes:
            shape = f", shape={_SHAPES[node.form]}" if node.form in _SHAPES else ""
            yield f"    {_quoted([node.key])} [label={_quoted(label(node))}{shape}];"
        yield "  }"
    for node in (node for _, nodes in graph.groups() for node in nodes):
        for link in node.reads:
            said = f" [label={_quoted([text])}]" if (text := on_arrow(node, link)) else ""
            yield f"  {_quoted([link.to])} -> {_quoted([node.key])}{said};"
        for link in node.refers:
            yield f"  {_quoted([node.key])} -> {_quoted([link.to])} [style=dotted, arrowhead=none];"
    yield "}"


def _quoted(lines: list[str]) -> str:
    text = "\\n".join(each.replace("\\", "\\\\").replace('"', '\\"') for each in lines)
    return f'"{text}"'
