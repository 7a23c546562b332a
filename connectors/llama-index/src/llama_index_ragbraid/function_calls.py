"""LlamaIndex's tools as a model is told of them, and what it says as calls of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection

from ragbraid.errors import InputError
from ragbraid.generate.tool_calls import ToolSpec, read_calls, read_reply

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool


def specs_of(tools: Sequence[BaseTool]) -> list[ToolSpec]:
    """The tools as a model is told of them."""
    return [
        ToolSpec(each.metadata.get_name(), each.metadata.description, each.metadata.get_parameters_dict())
        for each in tools
    ]


def chosen(tools: Sequence[ToolSpec], required: bool, choice: Any) -> tuple[list[ToolSpec], bool]:
    """The tools that may be called, and whether one has to be.

    `choice` is "auto", "none", "required" or a tool's name. Raises `InputError` for any other.
    """
    if choice in (None, "auto", "required", "any"):
        return list(tools), required or choice in ("required", "any")
    if choice == "none":
        return [], False
    named = [each for each in tools if each.name == choice]
    if not named:
        raise InputError(f"`tool_choice` is {choice!r}, and there is no such tool.")
    return named, True


def message_of(text: str, tools: Sequence[ToolSpec]) -> ChatMessage:
    """What a model that knows of these tools said: its text, and its calls as blocks."""
    said, calls = read_calls(text, tools) if tools else (text, [])
    if tools and not calls and (reply := read_reply(said)) is not None:
        said = reply
    blocks: list[Any] = [TextBlock(text=said)] if said or not calls else []
    blocks += [
        ToolCallBlock(
            tool_call_id=f"call_{uuid.uuid4().hex}", tool_name=each.name, tool_kwargs=dict(each.arguments)
        )
        for each in calls
    ]
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)


def selections(response: ChatResponse, demanded: bool) -> list[ToolSelection]:
    """The calls in a reply. Raises `ValueError` where there is none, and one was demanded."""
    found = [
        ToolSelection(tool_id=each.tool_call_id or "", tool_name=each.tool_name, tool_kwargs=arguments(each))
        for each in response.message.blocks
        if isinstance(each, ToolCallBlock)
    ]
    if demanded and not found:
        raise ValueError("The model called no tool; `tool_required=True` makes sure that it does.")
    return found


def arguments(call: ToolCallBlock) -> dict[str, Any]:
    """The arguments of a call, which other models tell as JSON. Raises `InputError` for what is none."""
    given = call.tool_kwargs
    try:
        told = json.loads(given or "{}") if isinstance(given, str) else given
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise InputError(f"A call of {call.tool_name!r} has arguments that are no JSON object.")
    return told
