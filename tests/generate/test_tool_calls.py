"""Calls of tools in what a model writes."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from ragbraid.generate.tool_calls import (
    ToolCall,
    ToolSpec,
    call_schema,
    instructions,
    read_calls,
    read_reply,
    written,
)

SEARCH = ToolSpec("search", "Finds.", {"type": "object", "properties": {"q": {"type": "string"}}})
ADD = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
CALL = ToolCall("search", {"q": 'a "barn" {x}'})


@pytest.mark.parametrize("calls", [[CALL], [CALL, ToolCall("add", {"a": 1})]])
def test_calls_come_back_as_they_were_written(calls: list[ToolCall]) -> None:
    text = written(calls)
    assert read_calls(text, [SEARCH, ADD]) == ("", calls)
    assert read_calls(f"I look. {text}", [SEARCH, ADD]) == ("I look.", calls)
    assert read_calls(text.removesuffix("</tool_call>"), [SEARCH, ADD]) == ("", calls)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "",
        "<tool_call>{broken</tool_call>",
        '{"name": "rm", "arguments": {}}',
        '{"name": "add", "arguments": 1}',
        "[]",
        "3",
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read_calls(text, [SEARCH, ADD]) == (text, [])


def test_bare_json_is_a_call_and_the_schema_says_which() -> None:
    assert read_calls('{"name": "add", "arguments": {"a": 1}}', [ADD]) == ("", [ToolCall("add", {"a": 1})])
    assert read_calls('[{"name": "add"}]', [ADD]) == ("", [ToolCall("add", {})])
    assert call_schema([ADD]).schema["properties"]["name"] == {"const": "add"}
    assert len(call_schema([ADD, SEARCH]).schema["anyOf"]) == 2
    assert json.dumps(ADD.parameters) in instructions([ADD])


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ('{"reply": "a\\n b"\n }', "a\n b"),
        ('{"reply": "cut of', "cut of"),
        ('{"reply": "cut \\', "cut "),
        ('{"reply": "cut \\u00', "cut "),
        ('{"reply": "a\\\\', "a\\"),
        ('{"name": "add", "arguments": {}}', None),
        ("no", None),
    ],
)
def test_a_reply_counts_as_far_as_it_came(text: str, reply: str | None) -> None:
    assert read_reply(text) == reply


def test_a_model_may_be_held_to_a_call_or_a_reply() -> None:
    tool = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
    fits = Draft202012Validator(call_schema([tool], reply=True).schema)
    assert fits.is_valid({"name": "add", "arguments": {"a": 1}})
    assert fits.is_valid({"reply": "x"})
    assert not fits.is_valid({"name": "sub", "arguments": {}})
    assert not Draft202012Validator(call_schema([tool]).schema).is_valid({"reply": "x"})
