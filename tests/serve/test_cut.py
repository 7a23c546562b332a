"""Where an answer's text ends for a client that says where."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.serve.openai.cut import Cut

PIECES = st.lists(st.text("aby> \n", max_size=4), max_size=8)
STOPS = st.lists(st.text("aby> \n", min_size=1, max_size=3), max_size=3)


def words(text: str) -> int:
    return len(text.split())


@given(PIECES, STOPS)
def test_pieces_join_to_the_text_before_the_first_stop(pieces: list[str], stops: list[str]) -> None:
    text = "".join(pieces)
    ends = [text.find(each) for each in stops if each in text]
    cut = Cut(stops, None, words)
    assert "".join(map(cut.feed, pieces)) + cut.finish() == text[: min(ends, default=len(text))]


@given(PIECES, st.integers(1, 5))
def test_a_budget_is_kept_in_whole_words(pieces: list[str], budget: int) -> None:
    text = "".join(pieces)
    cut = Cut((), budget, words)
    shown = "".join(map(cut.feed, pieces)) + cut.finish()
    assert text.startswith(shown)
    assert words(shown) <= budget
    assert (cut.reason == "stop") == (words(text) <= budget)


def test_a_stop_string_split_over_pieces_is_never_shown() -> None:
    cut = Cut(["\nQuery>"], None, words)
    assert [cut.feed(each) for each in ("Yes", "\nQuery", "> x")] == ["Yes", "", ""]
    assert (cut.finish(), cut.reason) == ("", "stop")
    cut = Cut(["\nQuery>"], None, words)
    assert [cut.feed(each) for each in ("Yes", "\nQuery", ": x")] == ["Yes", "", "\nQuery: x"]
