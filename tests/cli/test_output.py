"""Documents are data: nothing in them reaches a terminal as a command, or breaks JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.cli import options, output
from ragbraid.errors import InputError


@given(st.text())
def test_control_characters_never_reach_the_terminal(text: str) -> None:
    shown = output.printable(text)
    assert len(shown) == len(text)
    assert all(each in "\n\t" or ord(each) >= 0x20 for each in shown)
    assert not any(0x7F <= ord(each) < 0xA0 for each in shown)


def test_json_keeps_every_character(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "Größe \x1b[31m {braces} <|im_start|> 漢字"}
    output.print_json(value)
    assert json.loads(capsys.readouterr().out) == value


def test_a_filter_is_a_json_object() -> None:
    assert options.parse_filter('{"lang": "en"}') == {"lang": "en"}
    assert options.parse_filter(None) is None
    for wrong in ("[1]", "{lang: en}", ""):
        with pytest.raises(InputError, match="--filter"):
            options.parse_filter(wrong)
