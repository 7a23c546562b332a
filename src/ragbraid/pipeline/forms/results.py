"""What an agent's tools gave: as the model is told of it, and as the one value that it comes to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ragbraid.answer.join import Join, summed
from ragbraid.context import Context
from ragbraid.generate.tool_calls import ToolCall
from ragbraid.types import Answer, Hit, Usage

LONGEST = 900
"""How many characters of a result the model is told: small models have small windows."""
_PASSAGES = 5
_NOTHING = "nothing was found"


def shown(value: Any) -> str:
    """What the model is told of a result."""
    if isinstance(value, Answer):
        return value.text[:LONGEST]
    if hits := hits_of(value):
        told = hits[:_PASSAGES]
        room = LONGEST // len(told)
        return "\n".join(f"[{number}] {each.text[:room]}" for number, each in enumerate(told, 1))
    return _text(value)[:LONGEST] or _NOTHING


def hits_of(value: Any) -> list[Hit]:
    """The hits among what a tool gave."""
    if isinstance(value, Answer):
        return list(value.hits)
    return [each for each in value if isinstance(each, Hit)] if isinstance(value, list | tuple) else []


def united(values: Iterable[Any]) -> list[Hit]:
    """The hits of all results, each once, in the order in which they were found."""
    found: dict[str, Hit] = {}
    for value in values:
        for hit in hits_of(value):
            found.setdefault(hit.id, hit)
    return list(found.values())


def answered(
    question: str, results: Sequence[tuple[ToolCall, Any]], choosing: Usage, context: Context
) -> Answer:
    """One answer of all results; where any of them is one, those that abstain are left out.

    What answers another question than the one that was asked stands below it. What a tool gives that is no
    answer is told as it is, with confidence 1: the tool's word. The usage is that of the answers and of the
    choices between them.
    """
    given = [(call, _answer(value)) for call, value in results]
    usage = summed([choosing, *(each.usage for _, each in given)])
    held: dict[str, tuple[ToolCall, Answer]] = {}
    for call, each in given:
        if not each.abstained:
            held.setdefault(each.text, (call, each))
    if not held:
        refused = (each for _, each in given if each.text)
        return replace(next(refused, Answer("No tool gave an answer to this.", abstained=True)), usage=usage)
    questions, answers = [_asked(call) for call, _ in held.values()], [each for _, each in held.values()]
    joined = Join()(questions, answers, context)
    (call, _), *others = held.values()
    own = call.arguments.get("question", question)
    if not others and " ".join(own.casefold().split()) != " ".join(question.casefold().split()):
        joined = replace(joined, text=f"{questions[0]}\n{joined.text}")
    return replace(joined, usage=usage)


def _answer(value: Any) -> Answer:
    if isinstance(value, Answer):
        return value
    text = _text(value)
    return Answer(text, confidence=1.0) if text else Answer("", abstained=True)


def _text(value: Any) -> str:
    if value is None or value in ("", [], ()):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _asked(call: ToolCall) -> str:
    """A call in words, above its answer: the question that it asks, or the tool with its arguments."""
    if isinstance(asked := call.arguments.get("question"), str):
        return asked
    told = ", ".join(str(each) for each in call.arguments.values())
    return f"{call.name}: {told}" if told else f"{call.name}:"
