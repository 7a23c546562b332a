"""A conversation in OpenAI's shape → a question and what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.signature import MISSING
from ragbraid.serve.failures import Refused
from ragbraid.serve.openai.schema import ChatMessage
from ragbraid.types import Message

_ROLES: dict[str, Literal["system", "user", "assistant", "tool"]] = {
    "developer": "system",
    "function": "tool",
}


def inputs_of(pipeline: Pipeline, flow: str, messages: Sequence[ChatMessage]) -> dict[str, Any]:
    """What a flow that answers is given of a conversation.

    The last message of the user's is the question, every other one the history; a flow that declares other
    inputs of type `history` is given the whole conversation there. Raises `Refused`.
    """
    turns = [_turn(each, place) for place, each in enumerate(messages)]
    asked = max((place for place, each in enumerate(turns) if each.role == "user"), default=None)
    if asked is None:
        raise Refused(
            400, "messages: there is none with the role user, so nothing is asked.", param="messages"
        )
    history = [each for place, each in enumerate(turns) if place != asked]
    given: dict[str, Any] = {}
    for name, wanted in pipeline.flow(flow).inputs.items():
        if name == "question":
            given[name] = turns[asked].content
        elif name == "history":
            given[name] = history
        elif wanted.value.type == list[Message]:
            given[name] = turns
        elif wanted.default is MISSING:
            raise Refused(400, f"The flow {flow!r} wants {name!r}, which no message holds.", param="messages")
    return given


def _turn(message: ChatMessage, place: int) -> Message:
    role = _ROLES.get(message.role, message.role)
    return Message(role, _text(message, place))  # type: ignore[arg-type]  # the others are ragbraid's own


def _text(message: ChatMessage, place: int) -> str:
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    for number, part in enumerate(content):
        if part.type != "text" or part.text is None:
            raise Refused(
                400,
                f"messages.{place}.content.{number}: a pipeline reads text, not {part.type}.",
                code="unsupported_content", param=f"messages.{place}.content.{number}",
            )  # fmt: skip
    return "\n".join(part.text or "" for part in content)
