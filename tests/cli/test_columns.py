"""Lines are broken between words, and a command that is to be copied isn't broken at all."""

from __future__ import annotations

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from ragbraid.cli.columns import Flow, below, wrapped

TEXTS = st.text(st.sampled_from("ab .\n-"), max_size=200)


def test_further_lines_are_indented() -> None:
    assert wrapped("- one two three four", 12, 2) == "- one two\n  three four"
    assert wrapped("two three\nfour five six", 10, 2, first=4) == "two\n  three\nfour five\n  six"


def test_a_command_is_never_broken() -> None:
    hint = "The model isn't here. Run `ragbraid models get a-model` or choose another."
    for width in range(20, 80):
        assert "`ragbraid models get a-model`" in wrapped(hint, width, 2)


@given(TEXTS, st.integers(10, 40), st.integers(0, 8))
def test_only_white_space_changes(text: str, width: int, indent: int) -> None:
    broken = wrapped(text, width, indent)
    assert broken.split() == text.split()
    for line in broken.split("\n"):
        assert len(line) <= width or len(line.split()) == 1


@given(TEXTS, st.integers(10, 40), st.integers(1, 7))
def test_a_stream_is_broken_the_same_however_it_comes(text: str, width: int, size: int) -> None:
    assume(max(map(len, text.split()), default=0) <= 30)
    at_once, in_pieces = Flow(width), Flow(width)
    whole = at_once.take(text) + at_once.rest()
    pieces = [in_pieces.take(text[first : first + size]) for first in range(0, len(text), size)]
    assert "".join(pieces) + in_pieces.rest() == whole
    assert re.sub(r"\s", "", whole) == re.sub(r"\s", "", text)
    for line in whole.split("\n"):
        assert len(line) <= width or len(line.split()) == 1


def test_a_word_comes_at_once_where_there_is_room_for_it() -> None:
    assert Flow(80).take("It can't as") == "It can't as"


def test_a_stream_doesnt_wait_for_the_end_of_a_language_without_spaces() -> None:
    flow = Flow(80)
    assert sum(len(flow.take("字")) for _ in range(100)) >= 60


def test_no_terminal_no_breaking() -> None:
    flow = Flow(None)
    assert flow.take("a " * 100) + flow.rest() == "a " * 100


def test_a_value_that_doesnt_fit_beside_its_name_stands_below_it() -> None:
    assert below("path  ", "/a/b and more of it", 24) is None
    assert below("path  ", f"/{'x' * 20} it", 24) == f"path\n  /{'x' * 20}\n  it"
    assert below("path  ", "x" * 30, 24) == f"path\n  {'x' * 22}\n  {'x' * 8}"
    assert below("gpu   ", "missing: run `pip install 'ragbraid[gpu-and-more]'`", 24) is None
