"""Boxes of a drawing never touch, whatever the graph."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.pipeline.drawing.layout import lay_out

GAP, LANE = 10.0, 6.0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """Boxes with widths, and arrows from earlier ones to later ones."""
    widths = draw(st.lists(st.floats(10, 200), min_size=1, max_size=12))
    names = [str(number) for number in range(len(widths))]
    pairs = [(a, b) for a in names for b in names if int(a) < int(b)]
    arrows = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []
    return dict(zip(names, widths, strict=True)), arrows


@given(graphs())
def test_layers_keep_their_distance_and_arrows_lead_down(
    graph: tuple[dict[str, float], list[tuple[str, str]]],
) -> None:
    widths, arrows = graph
    layout = lay_out(widths, arrows, GAP, LANE)
    levels = {id(each): level for level, layer in enumerate(layout.layers) for each in layer}
    assert sorted(each.key for layer in layout.layers for each in layer if each.key) == sorted(widths)
    for layer in layout.layers:
        assert layer
        for left, right in pairwise(layer):
            assert right.x - right.width / 2 - (left.x + left.width / 2) >= GAP - 1e-6
        assert layer[0].x - layer[0].width / 2 >= -1e-6
        assert layer[-1].x + layer[-1].width / 2 <= layout.width + 1e-6
    assert set(layout.arrows) == set(arrows)
    for (source, target), way in layout.arrows.items():
        assert (way[0].key, way[-1].key) == (source, target)
        assert all(levels[id(lower)] == levels[id(upper)] + 1 for upper, lower in pairwise(way))


def test_a_row_of_steps_is_straight() -> None:
    layout = lay_out({"a": 30, "b": 90, "c": 50}, [("a", "b"), ("b", "c")], GAP, LANE)
    assert {round(each.x, 6) for layer in layout.layers for each in layer} == {45.0}


def test_arrows_cross_only_where_they_must() -> None:
    arrows = [("a", "d"), ("b", "c")]  # in the order of their boxes they would cross
    layout = lay_out(dict.fromkeys("abcd", 40.0), arrows, GAP, LANE)
    upper, lower = ({each.key: each.x for each in layer} for layer in layout.layers)
    assert (upper["a"] < upper["b"]) == (lower["d"] < lower["c"])
