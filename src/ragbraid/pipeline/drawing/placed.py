"""A flow with a place for each of its boxes and arrows: what an SVG or a page draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ragbraid.pipeline.drawing.layout import Place, lay_out
from ragbraid.pipeline.drawing.words import on_arrow
from ragbraid.pipeline.graph import FlowGraph, Node

LINE, LETTER = 16, 7.3
"""The height of a line of text and the width of a letter, monospaced at 12 pixels."""
INSIDE, GAP, LANE, RISE = 12, 18, 10, 34
"""Room inside a box, between boxes, for an arrow that passes, and between layers."""
_ENTRY = 42
"""Between the arrows into a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node and the lines in its box. All lengths are in pixels, `x` and `y` those of its centre."""

    node: Node
    lines: Sequence[str]
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way as an SVG path, ending at `x` and `y`, and what is said beside it."""

    path: str
    said: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A drawing of this size, from 0."""

    width: float
    height: float
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


def placed(flow: FlowGraph, lines: Mapping[str, Sequence[str]]) -> Placed:
    """Lay a flow out from top to bottom, with these lines in each node's box, by its key."""
    nodes = {each.key: each for each in flow.nodes()}
    said: dict[tuple[str, str], str] = {}
    for node in nodes.values():
        for link in node.reads:
            said.setdefault((link.to, node.key), on_arrow(node, link))
    sizes = {key: size(node, lines[key]) for key, node in nodes.items()}
    layout = lay_out({key: width for key, (width, _) in sizes.items()}, list(said), GAP, LANE)
    boxes: list[Box] = []
    middles: dict[int, tuple[float, float]] = {}
    height = 0.0
    for layer in layout.layers:
        tallest = max(sizes[each.key][1] for each in layer if each.key)
        for each in layer:
            middle = height + tallest / 2
            half = sizes[each.key][1] / 2 if each.key else tallest / 2
            middles[id(each)] = middle - half, middle + half
            if each.key:
                boxes.append(
                    Box(nodes[each.key], lines[each.key], each.x, middle, each.width, sizes[each.key][1])
                )
        height += tallest + RISE
    arrows = [_arrow(way, middles, said[ends]) for ends, way in layout.arrows.items()]
    return Placed(layout.width, height - RISE, boxes, arrows)


def size(node: Node, lines: Sequence[str]) -> tuple[float, float]:
    """Width and height of a box; a branch's has room above it for what its arrows say."""
    least = (len(node.reads) + 1) * _ENTRY if node.form == "branch" else 0
    return max(max(map(len, lines)) * LETTER + 2 * INSIDE, least), len(lines) * LINE + INSIDE


def _arrow(way: list[Place], middles: dict[int, tuple[float, float]], said: str) -> Arrow:
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
    return Arrow(path, said, *points[-1])


def _entry(box: Place, from_: Place) -> float:
    """Where an arrow enters: all of a box's arrows side by side, in the order that they come from."""
    order = sorted(box.above, key=lambda each: each.x)
    share = (order.index(from_) + 1) / (len(order) + 1)
    return box.x + (share - 0.5) * min(box.width, _ENTRY * (len(order) + 1))
