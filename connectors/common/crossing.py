"""Random hits, and an answer that cites them: what crosses to another framework and back."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ragbraid import Answer, Citation, Hit

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
leaves: Any = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none() | text
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)
metadata = st.dictionaries(text | st.sampled_from(["source", "page", "id"]), values, max_size=4)


@st.composite
def hits(draw: st.DrawFn) -> Hit:
    said, start = draw(text), draw(st.integers(0, 99))
    score = draw(st.floats(-9, 9))
    return Hit(
        draw(text.filter(bool)), draw(text.filter(bool)), start, start + len(said), said, score,
        {"dense": score, "rrf": 0.25}, draw(metadata), draw(st.none() | st.integers(1, 9)), "notes", "00ff",
        draw(st.none() | st.integers(1, 9)),
    )  # fmt: skip


def answer_with(found: list[Hit], said: str) -> Answer:
    """An answer that cites every hit."""
    cited = tuple(Citation(each.source, each.start, each.end, each.text, "00ff", each.page) for each in found)
    return Answer(said, None, None, not found, 0.5, cited, tuple(found))
