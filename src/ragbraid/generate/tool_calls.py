"""Calls of tools by models that only write text: told in the prompt, held to a schema, read from the answer.

A call stands between the tags that models such as Hermes, Qwen and SmolLM2 were trained with:
`<tool_call>{"name": …, "arguments": {…}}</tool_call>`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragbraid.generate.protocol import JsonSchema

REPLY = 'Where no tool is needed, answer only: {"reply": "TEXT"}'
"""What a model is told besides, where it is held to `call_schema` and may reply instead."""
_REPLY = re.compile(r'\s*\{\s*"reply"\s*:\s*"')
_HALF_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$")
"""An escape that a string was cut off in; the pairs before it are whole."""
_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.S)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model wants of a tool."""

    name: str
    arguments: Mapping[str, Any]


def instructions(tools: Sequence[ToolSpec], *, held: bool = False) -> str:
    """The text of a system message that tells of the tools, and how one is called.

    A model that is `held` to `call_schema` is told of the bare object that it can say.
    """
    told = "\n".join(
        json.dumps(
            {"name": each.name, "description": each.description, "parameters": each.parameters},
            ensure_ascii=False,
        )
        for each in tools
    )
    call = '{"name": "NAME", "arguments": {…}}'
    form = f"{call}, on one line" if held else f"<tool_call>{call}</tool_call>"
    return f"You may call these tools:\n{told}\nTo call one, answer only: {form}"


def call_schema(tools: Sequence[ToolSpec], *, reply: bool = False) -> JsonSchema:
    """What holds an answer to one call of one of the tools or, with `reply`, to `{"reply": TEXT}`.

    So even a model that was never trained for tools calls one, or none, in the right form.
    """
    one = [
        {
            "type": "object",
            "properties": {"name": {"const": each.name}, "arguments": dict(each.parameters)},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for each in tools
    ]
    if reply:
        said = {"reply": {"type": "string"}}
        one.append(
            {"type": "object", "properties": said, "required": ["reply"], "additionalProperties": False}
        )
    return JsonSchema(one[0] if len(one) == 1 else {"anyOf": one})


def written(calls: Iterable[ToolCall]) -> str:
    """Calls as a model writes them: what an earlier turn of it said."""
    told = ({"name": each.name, "arguments": each.arguments} for each in calls)
    return "\n".join(f"<tool_call>{json.dumps(each, ensure_ascii=False)}</tool_call>" for each in told)


def read_calls(text: str, tools: Sequence[ToolSpec]) -> tuple[str, list[ToolCall]]:
    """An answer without its calls, and the calls of known tools in it; a broken call stays text.

    An answer that is nothing but a call's JSON counts as one.
    """
    names = {each.name for each in tools}
    bare = _calls(text, names)
    if bare:
        return "", bare
    calls: list[ToolCall] = []
    rest, at = [], 0
    for match in _CALL.finditer(text):
        found = _calls(match[1], names)
        rest.append(text[at : match.start() if found else match.end()])
        at = match.end()
        calls += found
    return "".join([*rest, text[at:]]).strip() if calls else text, calls


def read_reply(text: str) -> str | None:
    """The text of a reply under `call_schema`, as far as it came; None for what is none."""
    if not _REPLY.match(text):
        return None
    for whole in (text, _HALF_ESCAPE.sub(r"\1", text) + '"}'):
        try:
            return str(json.loads(whole)["reply"])
        except ValueError:
            continue
    return None


def _calls(text: str, names: set[str]) -> list[ToolCall]:
    try:
        given = json.loads(text)
    except ValueError:
        return []
    every = given if isinstance(given, list) else [given]
    calls = []
    for each in every:
        if not isinstance(each, dict) or each.get("name") not in names:
            return []
        arguments = each.get("arguments", {})
        if not isinstance(arguments, dict):
            return []
        calls.append(ToolCall(each["name"], arguments))
    return calls
