"""Calls of tools as a model is told of them, held to them, and read."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from ragbraid.bridge.tool_calls import Call, Tool, constraint, instructions, read, written
from ragbraid.errors import GenerationError

ADD = Tool("add", "Adds.", {"type": "object", "properties": {"a": {"$ref": "#/$defs/N"}}, "required": ["a"],
                            "$defs": {"N": {"type": "integer"}}})  # fmt: skip
NOW = Tool("now", "Tells the time.", {})


def test_what_is_written_is_read_and_fits_the_constraint() -> None:
    call = Call("add", {"a": 2})
    assert read(written(call)) == call
    fits = Draft202012Validator(constraint([ADD, NOW], required=False).schema)
    for said in (
        '{"tool": "add", "arguments": {"a": 1}}',
        '{"tool": "now", "arguments": {}}',
        '{"reply": "x"}',
    ):
        assert fits.is_valid(json.loads(said))
    assert not fits.is_valid({"tool": "add", "arguments": {"a": "x"}})
    assert not fits.is_valid({"tool": "sub", "arguments": {}})
    assert not Draft202012Validator(constraint([ADD], required=True).schema).is_valid({"reply": "x"})
    assert "add: Adds." in instructions([ADD], required=True)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ('{"reply": "a\\n b"\n }', "a\n b"),
        ('{"reply": "cut of', "cut of"),
        ('{"reply": "cut \\', "cut "),
        ('{"reply": "cut \\u00', "cut "),
        ('{"reply": "a\\\\', "a\\"),
    ],
)
def test_a_reply_counts_as_far_as_it_came(text: str, reply: str) -> None:
    assert read(text) == reply


@pytest.mark.parametrize("text", ["", "no", '{"tool": "add", "argum', '{"tool": "add"}', "[1]", "3"])
def test_half_a_call_is_none(text: str) -> None:
    with pytest.raises(GenerationError, match="isn't whole"):
        read(text)
