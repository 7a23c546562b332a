"""The graph as an SVG that stands alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from ragbraid.pipeline.drawing.placed import GAP, INSIDE, LETTER, LINE, Arrow, Box, placed, size
from ragbraid.pipeline.drawing.words import label, refers
from ragbraid.pipeline.graph import FlowGraph, Graph, Node

FRAME, WIDEST, LONGEST = 18, 1000, 44
"""Room inside a frame, the width at which frames go on below, the letters of a line."""

_STYLE = """\
  text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2933 }
  .title { font-weight: bold; fill: #52606d }
  .name { font-weight: bold }
  .note { fill: #616e7c }
  .frame { fill: #f7f9fb; stroke: #cbd2d9 }
  .box { fill: #ffffff; stroke: #486581 }
  .input { fill: #e3f8ff; stroke: #2186eb }
  .component { fill: #fffbea; stroke: #de911d }
  .branch, .loop, .map, .agent { fill: #f5f0ff; stroke: #724bb7 }
  .flow, .index { fill: #e6f6ec; stroke: #27794f }
  .arrow { fill: none; stroke: #52606d; stroke-width: 1.3; marker-end: url(#tip) }"""


@dataclass(slots=True)
class _Drawing:
    """Pieces of SVG, and how much room they take."""

    width: float = 0.0
    height: float = 0.0
    pieces: list[str] = field(default_factory=list)


def svg(graph: Graph) -> str:
    """A frame of components and one for each flow, each laid out from top to bottom."""
    names = graph.names()
    drawings = [_flow(each, names) for each in graph.flows]
    if graph.components:
        drawings.insert(0, _components(graph.components, names))
    body, width, height = _arranged(drawings)
    title = escape(graph.name)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
            f"<title>{title}</title>",
            f"<style>\n{_STYLE}\n</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0.5 L8 4 L0 7.5 z" fill="#52606d"/></marker></defs>',
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            *body,
            "</svg>\n",
        ]
    )


def _arranged(drawings: list[_Drawing]) -> tuple[list[str], float, float]:
    """The drawings in rows from left to right, and the size of the whole."""
    body: list[str] = []
    x = y = tallest = right = 0.0
    for each in drawings:
        if x and x + each.width > WIDEST:
            x, y, tallest = 0.0, y + tallest + GAP, 0.0
        body += [f'<g transform="translate({x + GAP:.1f} {y + GAP:.1f})">', *each.pieces, "</g>"]
        x += each.width + GAP
        right, tallest = max(right, x), max(tallest, each.height)
    return body, right + GAP, y + tallest + 2 * GAP


def _framed(title: str, inner: _Drawing) -> _Drawing:
    width = max(inner.width, len(title) * LETTER) + 2 * FRAME
    height = inner.height + 2 * FRAME + LINE
    shift = (width - inner.width) / 2
    return _Drawing(
        width,
        height,
        [
            f'<rect class="frame" width="{width:.1f}" height="{height:.1f}" rx="8"/>',
            f'<text class="title" x="{FRAME}" y="{FRAME + 6}">{escape(title)}</text>',
            f'<g transform="translate({shift:.1f} {FRAME + LINE})">',
            *inner.pieces,
            "</g>",
        ],
    )


def _components(nodes: tuple[Node, ...], names: dict[str, str]) -> _Drawing:
    lines = {each.key: _lines(each, names) for each in nodes}
    inner = _Drawing(max(size(each, lines[each.key])[0] for each in nodes))
    for node in nodes:
        _, height = size(node, lines[node.key])
        middle = inner.height + height / 2
        inner.pieces += _box(Box(node, lines[node.key], inner.width / 2, middle, inner.width, height))
        inner.height += height + GAP
    inner.height -= GAP
    return _framed("components", inner)


def _flow(flow: FlowGraph, names: dict[str, str]) -> _Drawing:
    drawn = placed(flow, {each.key: _lines(each, names) for each in flow.nodes()})
    arrows = [piece for each in drawn.arrows for piece in _arrow(each)]
    boxes = [piece for each in drawn.boxes for piece in _box(each)]
    inner = _Drawing(drawn.width, drawn.height, [*arrows, *boxes])
    return _framed(f"{flow.name} → {flow.gives}" if flow.gives else flow.name, inner)


def _lines(node: Node, names: dict[str, str]) -> list[str]:
    name, *notes = [*label(node), *refers(node, names)]
    return [each if len(each) <= LONGEST else f"{each[: LONGEST - 1]}…" for each in (name, *notes)]


def _box(box: Box) -> Iterator[str]:
    node, x, y, width, height = box.node, box.x, box.y, box.width, box.height
    round_ = height / 2 if node.form == "input" else 5
    kind = f"box {node.form}"
    yield (
        f'<rect class="{kind}" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}" rx="{round_:.1f}"/>'
    )
    for number, line in enumerate(box.lines):
        baseline = y - height / 2 + INSIDE / 2 + number * LINE + 12
        place = f'x="{x:.1f}" y="{baseline:.1f}" text-anchor="middle"'
        yield f'<text class="{"note" if number else "name"}" {place}>{escape(line)}</text>'


def _arrow(arrow: Arrow) -> Iterator[str]:
    yield f'<path class="arrow" d="{arrow.path}"/>'
    if arrow.said:
        x, y = arrow.x + 4, arrow.y - 10
        yield f'<text class="note" x="{x:.1f}" y="{y:.1f}">{escape(arrow.said)}</text>'
