"""The graph as an SVG that stands alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

from ragbraid.pipeline.drawing.layout import Place, lay_out
from ragbraid.pipeline.drawing.words import label, on_arrow, refers
from ragbraid.pipeline.graph import FlowGraph, Graph, Node

LINE, LETTER = 16, 7.3
"""The height of a line of text and the width of a letter, monospaced at 12 pixels."""
INSIDE, GAP, LANE, RISE = 12, 18, 10, 34
"""Room inside a box, between boxes, for an arrow that passes, and between layers."""
FRAME, WIDEST, LONGEST, ENTRY = 18, 1000, 44, 42
"""Room inside a frame, the width at which frames go on below, the letters of a line, and between arrows."""

_STYLE = """\
  text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2933 }
  .title { font-weight: bold; fill: #52606d }
  .name { font-weight: bold }
  .note { fill: #616e7c }
  .frame { fill: #f7f9fb; stroke: #cbd2d9 }
  .box { fill: #ffffff; stroke: #486581 }
  .input { fill: #e3f8ff; stroke: #2186eb }
  .component { fill: #fffbea; stroke: #de911d }
  .branch, .loop { fill: #f5f0ff; stroke: #724bb7 }
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
    inner = _Drawing(max(_size(each, lines[each.key])[0] for each in nodes))
    for node in nodes:
        _, height = _size(node, lines[node.key])
        inner.pieces += _box(node, lines[node.key], inner.width / 2, inner.height + height / 2, inner.width)
        inner.height += height + GAP
    inner.height -= GAP
    return _framed("components", inner)


def _flow(flow: FlowGraph, names: dict[str, str]) -> _Drawing:
    nodes = {each.key: each for each in flow.nodes()}
    lines = {key: _lines(node, names) for key, node in nodes.items()}
    said: dict[tuple[str, str], str] = {}
    for node in nodes.values():
        for link in node.reads:
            said.setdefault((link.to, node.key), on_arrow(node, link))
    sizes = {key: _size(nodes[key], each) for key, each in lines.items()}
    layout = lay_out({key: width for key, (width, _) in sizes.items()}, list(said), GAP, LANE)
    inner = _Drawing(layout.width)
    middles: dict[int, tuple[float, float]] = {}
    for layer in layout.layers:
        tallest = max(sizes[each.key][1] for each in layer if each.key)
        for each in layer:
            middle = inner.height + tallest / 2
            half = sizes[each.key][1] / 2 if each.key else tallest / 2
            middles[id(each)] = middle - half, middle + half
            if each.key:
                inner.pieces += _box(nodes[each.key], lines[each.key], each.x, middle, each.width)
        inner.height += tallest + RISE
    inner.height -= RISE
    arrows = [piece for ends, way in layout.arrows.items() for piece in _arrow(way, middles, said[ends])]
    inner.pieces = [*arrows, *inner.pieces]
    return _framed(f"{flow.name} → {flow.gives}" if flow.gives else flow.name, inner)


def _lines(node: Node, names: dict[str, str]) -> list[str]:
    name, *notes = [*label(node), *refers(node, names)]
    return [each if len(each) <= LONGEST else f"{each[: LONGEST - 1]}…" for each in (name, *notes)]


def _size(node: Node, lines: list[str]) -> tuple[float, float]:
    """Width and height of a box; a branch's has room above it for what its arrows say."""
    least = (len(node.reads) + 1) * ENTRY if node.form == "branch" else 0
    return max(max(map(len, lines)) * LETTER + 2 * INSIDE, least), len(lines) * LINE + INSIDE


def _box(node: Node, lines: list[str], x: float, y: float, width: float) -> Iterator[str]:
    height = _size(node, lines)[1]
    round_ = height / 2 if node.form == "input" else 5
    kind = f"box {node.form}"
    yield (
        f'<rect class="{kind}" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}" rx="{round_:.1f}"/>'
    )
    for number, line in enumerate(lines):
        baseline = y - height / 2 + INSIDE / 2 + number * LINE + 12
        place = f'x="{x:.1f}" y="{baseline:.1f}" text-anchor="middle"'
        yield f'<text class="{"note" if number else "name"}" {place}>{escape(line)}</text>'


def _arrow(way: list[Place], middles: dict[int, tuple[float, float]], said: str) -> Iterator[str]:
    """From below the first box to above the last one, straight down through every place that it passes."""
    end = way[-1]
    points: list[tuple[float, float]] = [(way[0].x, middles[id(way[0])][1])]
    for each in way[1:-1]:
        points += [(each.x, middles[id(each)][0]), (each.x, middles[id(each)][1])]
    points.append((_entry(end, way[-2]), middles[id(end)][0]))
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (next_x, next_y) in pairwise(points):
        half = (y + next_y) / 2
        path += f" C{x:.1f} {half:.1f} {next_x:.1f} {half:.1f} {next_x:.1f} {next_y:.1f}"
    yield f'<path class="arrow" d="{path}"/>'
    if said:
        x, y = points[-1]
        yield f'<text class="note" x="{x + 4:.1f}" y="{y - 10:.1f}">{escape(said)}</text>'


def _entry(box: Place, from_: Place) -> float:
    """Where an arrow enters: all of a box's arrows side by side, in the order that they come from."""
    order = sorted(box.above, key=lambda each: each.x)
    share = (order.index(from_) + 1) / (len(order) + 1)
    return box.x + (share - 0.5) * min(box.width, ENTRY * (len(order) + 1))
