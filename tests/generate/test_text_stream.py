from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.generate.text_stream import StopStrings


def test_part_of_a_stop_string_is_held_back() -> None:
    stops = StopStrings(["\nQuery>"])
    assert [stops.feed(piece) for piece in ("Yes", "\nQuery", "> x")] == ["Yes", "", ""]
    assert stops.stopped
    assert stops.end() == ""


def test_what_was_no_stop_string_is_released() -> None:
    stops = StopStrings(["\nQuery>"])
    assert [stops.feed(piece) for piece in ("Yes", "\nQuery", "s.", "\nQ")] == ["Yes", "", "\nQuerys.", ""]
    assert not stops.stopped
    assert stops.end() == "\nQ"


@given(st.lists(st.text("ab😀", max_size=3)), st.lists(st.text("ab😀", max_size=3), max_size=2))
def test_any_pieces_give_the_text_before_the_first_stop(pieces: list[str], stops: list[str]) -> None:
    stream, text = StopStrings(stops), "".join(pieces)
    said = "".join([*map(stream.feed, pieces), stream.end()])
    assert text.startswith(said)
    assert not any(stop and stop in said for stop in stops)
    found = any(stop and stop in text for stop in stops)
    assert stream.stopped is found
    if not found:
        assert said == text
