"""LlamaIndex's messages and settings as a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock, ToolCallBlock

from llama_index_ragbraid.function_calls import arguments
from ragbraid.errors import InputError
from ragbraid.generate.protocol import Constraint, JsonSchema, Quotes, Regex, Request
from ragbraid.generate.tool_calls import REPLY, ToolCall, ToolSpec, call_schema, instructions, written
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
        if any(not isinstance(block, TextBlock | ToolCallBlock) for block in each.blocks):
            raise InputError("A message holds more than text, and ragbraid's generators read text alone.")
        calls = [
            ToolCall(block.tool_name, arguments(block))
            for block in each.blocks
            if isinstance(block, ToolCallBlock)
        ]
        text = "\n".join(part for part in (each.content, written(calls)) if part)
        found.append(Message(_ROLES.get(each.role, "user"), text))
    return tuple(found)


def calling_request(
    messages: Sequence[ChatMessage], given: Mapping[str, Any], tools: Sequence[ToolSpec], required: bool
) -> Request:
    """A request whose answer is a call of one of the tools or, unless one is required, a reply.

    Raises what `request_of` does.
    """
    prompt = prompt_of(messages)
    request = request_of(prompt, given)
    if not tools:
        return request
    if request.constraint is not None:
        raise InputError("An answer can't be held to anything else where tools may be called.")
    told = instructions(tools, held=True) + ("" if required else f"\n{REPLY}")
    if prompt and prompt[0].role == "system":
        prompt = (Message("system", f"{prompt[0].content}\n\n{told}"), *prompt[1:])
    else:
        prompt = (Message("system", told), *prompt)
    return replace(request, prompt=prompt, constraint=call_schema(tools, reply=not required))


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
