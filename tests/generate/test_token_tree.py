from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.generate.token_tree import TokenTree, causal

TEXTS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), max_size=12)


@given(TEXTS, st.integers(0, 4))
def test_a_node_sees_the_prompt_and_what_leads_to_it(texts: list[list[int]], prompt: int) -> None:
    tree = TokenTree()
    paths = [tree.add(each) for each in texts]
    assert [[tree.tokens[node] for node in path] for path in paths] == texts
    assert len(tree.tokens) == len({tuple(each[: size + 1]) for each in texts for size in range(len(each))})
    seen = tree.mask(prompt)[0, 0] == 0
    assert seen[:, :prompt].all()
    for path in paths:
        for depth, node in enumerate(path):
            assert tree.depths[node] == depth
            assert {at for at, sees in enumerate(seen[node, prompt:]) if sees} == set(path[: depth + 1])


@given(st.integers(1, 6), st.integers(0, 6))
def test_a_text_sees_what_stands_before(new: int, before: int) -> None:
    seen = causal(new, before)[0, 0] == 0
    assert seen.shape == (new, before + new)
    assert all(seen[row, at] == (at <= before + row) for row in range(new) for at in range(before + new))
