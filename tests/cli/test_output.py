"""Documents are data: nothing in them reaches a terminal as a command, or breaks JSON."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.cli import options, output
from ragbraid.cli.places import place
from ragbraid.errors import InputError
from ragbraid.types import Hit


@given(st.text())
def test_control_characters_never_reach_the_terminal(text: str) -> None:
    shown = output.printable(text)
    assert len(shown) == len(text)
    assert all(each in "\n\t" or ord(each) >= 0x20 for each in shown)
    assert not any(0x7F <= ord(each) < 0xA0 for each in shown)


@given(st.text())
def test_what_is_to_be_one_line_is_one(text: str) -> None:
    shown = output.one_line(text)
    assert len(shown) == len(text)
    assert len(f"{shown}.".splitlines()) == 1
    assert "\t" not in shown


def test_a_place_is_on_one_line() -> None:
    hit = Hit("id", "a\n[2] b.md", 0, 4, "goat", page=3)
    assert place(hit) == "a\ufffd[2] b.md, page 3, characters 0–4"


def test_json_keeps_every_character(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "Größe \x1b[31m {braces} <|im_start|> 漢字"}
    output.print_json(value)
    assert json.loads(capsys.readouterr().out) == value


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_is_json_on_a_terminal_that_lacks_its_characters(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, written = {"text": "Größe ÿ 漢字 🎈"}, io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding, errors="backslashreplace"))
    output.print_json(value)
    assert json.loads(written.getvalue().decode(encoding)) == value


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (9_949, "9.9 kB"),
        (9_960, "10 kB"), (999_499, "999 kB"), (999_999, "1.0 MB"), (90_900_000, "91 MB"),
        (12_100_000_000, "12 GB"), (5 * 10**15, "5000 TB"),
    ],
)  # fmt: skip
def test_sizes_are_told_in_one_way(count: int, told: str) -> None:
    assert output.size(count) == told


def test_a_filter_is_a_json_object() -> None:
    assert options.parse_filter('{"lang": "en"}') == {"lang": "en"}
    assert options.parse_filter(None) is None
    for wrong in ("[1]", "{lang: en}", ""):
        with pytest.raises(InputError, match="--filter"):
            options.parse_filter(wrong)
