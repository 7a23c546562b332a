"""Calls of tools by a generator that knows nothing of them: told in words, held to a JSON schema, read back.

The model says one JSON object: `{"tool": NAME, "arguments": {…}}`, or, where it needn't call any tool,
`{"reply": TEXT}`. The schema leaves it nothing else to say, so that small models call tools, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragbraid.errors import GenerationError
from ragbraid.generate.protocol import JsonSchema


_REPLY = re.compile(r'\s*\{\s*"reply"\s*:\s*"')
_HALF_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$")
"""An escape that a string was cut off in; the pairs before it are whole."""


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call; `parameters` is the JSON schema of its arguments, an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a model makes."""

    name: str
    arguments: Mapping[str, Any]


def instructions(tools: Sequence[Tool], *, required: bool) -> str:
    """What a model is told of the tools, for the system's message."""
    lines = [f"- {each.name}: {each.description} Arguments: {json.dumps(each.parameters)}" for each in tools]
    reply = "" if required else ' Without any tool, write {"reply": TEXT}.'
    return (
        "You can call these tools:\n" + "\n".join(lines) + "\nTo call one, write a JSON object: "
        f'{{"tool": NAME, "arguments": {{...}}}}.{reply}'
    )


def constraint(tools: Sequence[Tool], *, required: bool) -> JsonSchema:
    """What the model is held to: a call of one of the tools or, where none is required, a reply."""
    shared: dict[str, Any] = {}
    arms: list[dict[str, Any]] = []
    for tool in tools:
        parameters = dict(tool.parameters)
        shared |= parameters.pop("$defs", {})
        parameters.setdefault("type", "object")
        arms.append(_object(tool={"const": tool.name}, arguments=parameters))
    if not required:
        arms.append(_object(reply={"type": "string"}))
    one = arms[0] if len(arms) == 1 else {"anyOf": arms}
    return JsonSchema({**one, "$defs": shared} if shared else one)


def read(text: str) -> Call | str:
    """The call that a model made, or its reply, as far as it came. Raises `GenerationError` for neither."""
    try:
        said = _parsed(text)
        if "reply" in said:
            return str(said["reply"])
        return Call(str(said["tool"]), dict(said["arguments"]))
    except (ValueError, TypeError, KeyError):
        shown = text if len(text) <= 80 else f"{text[:79]}…"
        raise GenerationError(
            f"The model's call of a tool isn't whole: {shown!r}.", "Give it more max_tokens."
        ) from None


def written(call: Call) -> str:
    """A call as the model said it, for a history."""
    return json.dumps({"tool": call.name, "arguments": dict(call.arguments)}, ensure_ascii=False)


def _parsed(text: str) -> Any:
    """The object that a text is; a reply that was cut off counts as far as it came."""
    try:
        return json.loads(text)
    except ValueError:
        if not _REPLY.match(text):
            raise
        return json.loads(_HALF_ESCAPE.sub(r"\1", text) + '"}')


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
