"""`generation_kwargs` as a request's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragbraid.errors import InputError
from ragbraid.generate.protocol import Constraint, JsonSchema, Quotes, Regex
from ragbraid.generate.tool_calls import ToolSpec, call_schema

_PLAIN = ("max_tokens", "temperature", "top_p", "seed")
_NAMES = (*_PLAIN, "stop", "response_format", "regex", "quotes", "tool_choice")


def settings_of(given: Mapping[str, Any], tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """What a `Request` is made with. Raises `InputError` for what isn't known.

    `response_format` is a JSON Schema, bare or as OpenAI writes it; `regex` is matched as a whole; `quotes`
    are texts, of which the answer is a run of words; `tool_choice` "required", or a tool's name, makes sure
    of a call.
    """
    for name in given:
        if name not in _NAMES:
            raise InputError(f"There is no generation setting {name!r}.", f"There are {', '.join(_NAMES)}.")
    settings = {name: given[name] for name in _PLAIN if given.get(name) is not None}
    stop = given.get("stop")
    if stop:
        settings["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    constraint = _constraint(given, tools)
    return settings if constraint is None else {**settings, "constraint": constraint}


def _constraint(given: Mapping[str, Any], tools: Sequence[ToolSpec]) -> Constraint | None:
    found: list[Constraint] = []
    if (schema := given.get("response_format")) is not None:
        found.append(JsonSchema(_schema(schema)))
    if (pattern := given.get("regex")) is not None:
        found.append(Regex(pattern))
    if (texts := given.get("quotes")) is not None:
        found.append(Quotes(tuple(texts)))
    choice = given.get("tool_choice")
    if choice not in (None, "auto", "none"):
        chosen = [each for each in tools if choice in ("required", each.name)]
        if not chosen:
            raise InputError(f"`tool_choice` is {choice!r}, and there is no such tool.")
        found.append(call_schema(chosen))
    if len(found) > 1:
        raise InputError("An answer can be held to one of response_format, regex, quotes and tool_choice.")
    return found[0] if found else None


def _schema(given: Any) -> Mapping[str, Any]:
    if hasattr(given, "model_json_schema"):
        schema: Mapping[str, Any] = given.model_json_schema()
        return schema
    if not isinstance(given, Mapping):
        raise InputError(f"`response_format` is a JSON Schema or a pydantic model, not {given!r}.")
    if given.get("type") == "json_schema" and isinstance(given.get("json_schema"), Mapping):
        inner: Mapping[str, Any] = given["json_schema"].get("schema", given["json_schema"])
        return inner
    return {"type": "object"} if given.get("type") == "json_object" else given
