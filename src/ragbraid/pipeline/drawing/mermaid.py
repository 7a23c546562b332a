"""The graph in Mermaid's language, which GitHub and many editors draw."""

from __future__ import annotations

from collections.abc import Iterator

from ragbraid.pipeline.drawing.words import label, on_arrow
from ragbraid.pipeline.graph import Form, Graph

_SHAPES: dict[Form, tuple[str, str]] = {
    "input": ("([", "])"),
    "component": ("[(", ")]"),
    "branch": ("{{", "}}"),
    "loop": ("[[", "]]"),
    "map": ("[[", "]]"),
    "agent": ("{{", "}}"),
    "flow": ("[[", "]]"),
}


def mermaid(graph: Graph) -> str:
    """A flowchart: a frame for each flow, solid arrows for values, dotted lines for components."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    ids = {key: f"n{number}" for number, key in enumerate(graph.names(), 1)}
    yield "flowchart TB"
    for number, (title, nodes) in enumerate(graph.groups(), 1):
        yield f"  subgraph g{number}[{_quoted([title])}]"
        for node in nodes:
            opening, closing = _SHAPES.get(node.form, ("[", "]"))
            yield f"    {ids[node.key]}{opening}{_quoted(label(node))}{closing}"
        yield "  end"
    for node in (node for _, nodes in graph.groups() for node in nodes):
        for link in node.reads:
            said = f"|{_quoted([text])}|" if (text := on_arrow(node, link)) else ""
            yield f"  {ids[link.to]} -->{said} {ids[node.key]}"
        for link in node.refers:
            yield f"  {ids[node.key]} -.- {ids[link.to]}"


def _quoted(lines: list[str]) -> str:
    escaped = [
        each.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
        for each in lines
    ]
    return f'"{"<br/>".join(escaped)}"'
