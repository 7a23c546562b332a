"""Where the boxes of a flow stand: layers from top to bottom, few crossings, arrows that bend little.

The method is Sugiyama, Tagawa & Toda's (IEEE Transactions on Systems, Man, and Cybernetics, 1981): an
arrow over several layers passes an empty place in each, layers are ordered by barycentres, and places
are as near to their neighbours' centre as the order allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 8


@dataclass(eq=False, slots=True)
class Place:
    """A box, or with no key the empty place that a long arrow passes. `x` is its centre, from 0."""

    key: str
    width: float
    x: float = 0.0
    above: list[Place] = field(default_factory=list)
    below: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """The layers from top to bottom, and each arrow as the places that it passes, both ends included."""

    layers: list[list[Place]]
    arrows: Mapping[tuple[str, str], list[Place]]
    width: float


def lay_out(
    widths: Mapping[str, float], arrows: Sequence[tuple[str, str]], gap: float, lane: float
) -> Layout:
    """Place boxes of these widths, `gap` apart; a passing arrow takes `lane`. Arrows form no circle."""
    levels = _levels(list(widths), arrows)
    layers: list[list[Place]] = [[] for _ in range(max(levels.values(), default=0) + 1)]
    places = {key: Place(key, width) for key, width in widths.items()}
    for key, place in places.items():
        layers[levels[key]].append(place)
    ways: dict[tuple[str, str], list[Place]] = {}
    for source, target in arrows:
        way = [places[source]]
        for level in range(levels[source] + 1, levels[target]):
            way.append(Place("", lane))
            layers[level].append(way[-1])
        way.append(places[target])
        ways[source, target] = way
        for upper, lower in pairwise(way):
            upper.below.append(lower)
            lower.above.append(upper)
    _order(layers)
    _settle(layers, gap)
    left = min((each.x - each.width / 2 for layer in layers for each in layer), default=0)
    for each in (each for layer in layers for each in layer):
        each.x -= left
    width = max((each.x + each.width / 2 for layer in layers for each in layer), default=0)
    return Layout(layers, ways, width)


def _levels(keys: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way from a beginning; beginnings stand right above the first that needs them."""
    levels = dict.fromkeys(keys, 0)
    for _ in keys:
        for source, target in arrows:
            levels[target] = max(levels[target], levels[source] + 1)
    for key in keys:
        targets = [levels[target] for source, target in arrows if source == key]
        if targets and all(target != key for _, target in arrows):
            levels[key] = min(targets) - 1
    return levels


def _order(layers: Sequence[list[Place]]) -> None:
    """Sort each layer by where its neighbours stand, downwards and upwards in turn."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for fixed, layer in pairwise(layers if down else layers[::-1]):
            position = {id(each): number for number, each in enumerate(fixed)}

            def centre(each: Place, position: dict[int, int] = position, down: bool = down) -> float:
                near = [position[id(other)] for other in (each.above if down else each.below)]
                return sum(near) / len(near) if near else len(position) / 2

            layer.sort(key=centre)


def _settle(layers: Sequence[list[Place]], gap: float) -> None:
    """Move each place to the centre of its neighbours, as far as those beside it leave room."""
    for layer in layers:
        _spread(layer, [0.0] * len(layer), gap)
    for sweep in range(2 * SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wished = []
            for each in layer:
                near = [other.x for other in (*each.above, *each.below)]
                wished.append(sum(near) / len(near) if near else each.x)
            _spread(layer, wished, gap)


def _spread(layer: Sequence[Place], wished: Sequence[float], gap: float) -> None:
    """The nearest positions to the wished ones, by squares, that keep order and distance.

    With each place's own offset taken off, that is isotonic regression: pool adjacent violators.
    """
    offsets = [0.0]
    for left, right in pairwise(layer):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + gap)
    pools: list[tuple[float, int]] = []
    for offset, wish in zip(offsets, wished, strict=False):
        total, count = wish - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before, members = pools.pop()
            total, count = total + before, count + members
        pools.append((total, count))
    levels = [total / count for total, count in pools for _ in range(count)]
    for place, offset, level in zip(layer, offsets, levels, strict=False):
        place.x = level + offset
