"""A part of a text within its surroundings, in one string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.text.window import part_of, within


@given(st.text(min_size=1), st.data())
def test_what_was_put_in_comes_out(window: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(window) - 1))
    end = data.draw(st.integers(start + 1, len(window)))
    if (start, end) != (0, len(window)) or "\0" not in window:
        assert part_of(within(window, start, end)) == (window, start, end)


@given(st.text(alphabet="ab\0:0123456789"))
def test_any_text_is_a_part_of_something(text: str) -> None:
    window, start, end = part_of(text)
    assert 0 <= start <= end <= len(window)


@pytest.mark.parametrize("text", ["", "abc", "abc\0", "abc\0" + "1:9", "abc\0" + "2:1", "abc\0x1:2"])
def test_other_texts_are_all_of_their_own(text: str) -> None:
    assert part_of(text) == (text, 0, len(text))
