"""LangChain's messages ↔ those of a generator, whose contents are text."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from ragbraid.errors import InputError
from ragbraid.generate.tool_calls import ToolCall, written
from ragbraid.types import Message


def to_messages(messages: Sequence[BaseMessage], instructions: str = "") -> tuple[Message, ...]:
    """A conversation for a generator; `instructions` are added to the system's message, or become it.

    What a tool gave is told as the user's, since few chat templates know of tools. Raises `InputError` for
    what isn't text.
    """
    told = [_message(each) for each in messages]
    if instructions:
        first = told[0] if told and told[0].role == "system" else None
        system = f"{first.content}\n\n{instructions}" if first else instructions
        told[: 1 if first else 0] = [Message("system", system)]
    return tuple(told)


def _message(message: BaseMessage) -> Message:
    text = _text(message)
    match message:
        case SystemMessage():
            return Message("system", text)
        case HumanMessage():
            return Message("user", text)
        case AIMessage():
            calls = written(ToolCall(each["name"], each["args"]) for each in message.tool_calls)
            return Message("assistant", "\n".join(each for each in (text, calls) if each))
        case ToolMessage():
            failed = "failed with" if message.status == "error" else "gave"
            return Message("user", f"The tool {message.name or ''} {failed}: {text}")
        case _ if message.type == "chat" and getattr(message, "role", "") in ("system", "user", "assistant"):
            return Message(message.role, text)  # type: ignore[attr-defined]
    raise InputError(f"A {type(message).__name__} can't be given to a model of ragbraid.", "Use one of text.")


def _text(message: BaseMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    parts: list[str] = []
    for each in message.content:
        if isinstance(each, str):
            parts.append(each)
        elif each.get("type") == "text":
            parts.append(str(each["text"]))
        elif each.get("type") not in ("tool_use", "tool_call"):  # these stand in `tool_calls`, too
            raise InputError(
                f"A model of ragbraid takes text alone, and the message holds {each.get('type')!r}.",
                "Leave it out.",
            )
    return "".join(parts)
