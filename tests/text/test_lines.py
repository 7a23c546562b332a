"""Lines of a text, as editors count them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.text.lines import line_at, lines_at

TEXTS = st.text(st.sampled_from("\r\n\rab\x0b\x0c\x1c\x85\u2028\u2029"), max_size=20)


def by_an_editor(text: str, offset: int) -> int:
    return 1 + sum(found.end() <= offset for found in re.finditer(r"\r\n|\r|\n", text))


@given(TEXTS, st.sets(st.integers(0, 20)))
def test_lf_cr_lf_and_cr_end_a_line_and_nothing_else_does(text: str, some: set[int]) -> None:
    for offset in range(len(text) + 1):
        assert line_at(text, offset) == by_an_editor(text, offset)
    offsets = {each for each in some if each <= len(text)}
    assert lines_at(text, offsets) == {each: by_an_editor(text, each) for each in offsets}
