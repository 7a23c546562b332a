"""LlamaIndex's messages and settings as a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock

from ragbraid.errors import InputError
from ragbraid.generate.protocol import Constraint, JsonSchema, Quotes, Regex, Request
from ragbraid.types import Message

_PLAIN = ("max_tokens", "temperature", "top_p", "seed")
_NAMES = (*_PLAIN, "stop", "response_format", "regex", "quotes")
_ROLES: dict[MessageRole, Any] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}


def prompt_of(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """Chat messages as a prompt. Raises `InputError` for pictures, sound and files."""
    found = []
    for each in messages:
        if any(not isinstance(block, TextBlock) for block in each.blocks):
            raise InputError("A message holds more than text, and ragbraid's generators read text alone.")
        found.append(Message(_ROLES.get(each.role, "user"), each.content or ""))
    return tuple(found)


def request_of(prompt: tuple[Message, ...] | str, given: Mapping[str, Any]) -> Request:
    """A request with these settings. Raises `InputError` for one that isn't known, or two constraints."""
    for name in given:
        if name not in _NAMES:
            raise InputError(f"There is no setting {name!r} of a request.", f"There are {', '.join(_NAMES)}.")
    settings = {name: given[name] for name in _PLAIN if given.get(name) is not None}
    if stop := given.get("stop"):
        settings["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    makers: dict[str, Callable[[Any], Constraint]] = {
        "response_format": _schema,
        "regex": Regex,
        "quotes": lambda texts: Quotes(tuple(texts)),
    }
    held = [make(given[name]) for name, make in makers.items() if given.get(name) is not None]
    if len(held) > 1:
        raise InputError("An answer can be held to one of response_format, regex and quotes.")
    return Request(prompt, **settings, constraint=held[0] if held else None)


def _schema(given: Any) -> JsonSchema:
    if hasattr(given, "model_json_schema"):
        return JsonSchema(given.model_json_schema())
    if not isinstance(given, Mapping):
        raise InputError(f"`response_format` is a JSON Schema or a pydantic model, not {given!r}.")
    return JsonSchema(given)
