"""Haystack's chat messages as ragbraid's, and completions as replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haystack.dataclasses import ChatMessage, ChatRole, ToolCall
from haystack.tools.tool import Tool

from ragbraid.errors import InputError
from ragbraid.generate import tool_calls as calling
from ragbraid.generate.protocol import Completion
from ragbraid.types import Message


def prompt_of(messages: Sequence[ChatMessage], tools: Sequence[calling.ToolSpec]) -> tuple[Message, ...]:
    """The messages as a prompt, what tools there are in its system message.

    Raises `InputError` for pictures and files, which no generator here reads.
    """
    found = [_message(each) for each in messages]
    if tools:
        told = calling.instructions(tools)
        if found and found[0].role == "system":
            found[0] = Message("system", f"{found[0].content}\n\n{told}")
        else:
            found.insert(0, Message("system", told))
    return tuple(found)


def specs_of(tools: Sequence[Tool]) -> list[calling.ToolSpec]:
    """Tools as a model is told of them."""
    return [calling.ToolSpec(each.name, each.description, each.parameters) for each in tools]


def reply_of(completion: Completion, tools: Sequence[calling.ToolSpec], model: str) -> ChatMessage:
    """A completion as the assistant's message; calls of tools are numbered."""
    text, calls = calling.read_calls(completion.text, tools) if tools else (completion.text, [])
    usage = completion.usage
    meta: dict[str, Any] = {
        "model": model,
        "index": 0,
        "finish_reason": "tool_calls" if calls else completion.finish_reason,
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        },
    }
    wanted = [
        ToolCall(each.name, dict(each.arguments), id=f"call_{number}") for number, each in enumerate(calls)
    ]
    return ChatMessage.from_assistant(text or (None if wanted else ""), meta=meta, tool_calls=wanted or None)


def _message(message: ChatMessage) -> Message:
    if message.images or message.files:
        raise InputError("A message holds a picture or a file, and ragbraid's generators read text alone.")
    parts = list(message.texts)
    if message.is_from(ChatRole.TOOL):
        parts += [str(each.result) for each in message.tool_call_results]
    elif message.tool_calls:
        named = [calling.ToolCall(each.tool_name, each.arguments) for each in message.tool_calls]
        parts.append(calling.written(named))
    return Message(message.role.value, "\n".join(parts))
