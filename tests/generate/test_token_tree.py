from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.generate.token_tree import TokenTree, causal

TEXTS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), max_size=12)


@given(TEXTS, st.lists(st.booleans(), max_size=6))
def test_a_node_sees_what_is_visible_and_what_leads_to_it(texts: list[list[int]], cached: list[bool]) -> None:
    visible = np.array(cached, np.bool_)
    tree = TokenTree()
    paths = [tree.add(each) for each in texts]
    assert [[tree.tokens[node] for node in path] for path in paths] == texts
    assert len(tree.tokens) == len({tuple(each[: size + 1]) for each in texts for size in range(len(each))})
    seen = tree.mask(visible)[0, 0] == 0
    assert all((row[: len(visible)] == visible).all() for row in seen)
    for path in paths:
        for depth, node in enumerate(path):
            assert tree.depths[node] == depth
            assert {at for at, sees in enumerate(seen[node, len(visible) :]) if sees} == set(
                path[: depth + 1]
            )


@given(st.integers(1, 6), st.lists(st.booleans(), max_size=6))
def test_a_text_sees_what_stands_before(new: int, cached: list[bool]) -> None:
    visible = np.array(cached, np.bool_)
    seen = causal(new, visible)[0, 0] == 0
    assert seen.shape == (new, len(cached) + new)
    for row in range(new):
        assert (seen[row, : len(cached)] == visible).all()
        assert [bool(each) for each in seen[row, len(cached) :]] == [at <= row for at in range(new)]
