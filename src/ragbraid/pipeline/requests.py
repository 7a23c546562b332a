"""What callers ask → values that a plan takes, or a sentence that says what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragbraid.errors import InputError
from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.pipeline.joining import joined
from ragbraid.pipeline.operations import Plan
from ragbraid.text.question import check_question
from ragbraid.types import Filter, Message, Scope

MAX_K = 10_000

MAX_TIMEOUT = 1_000_000
"""Seconds; a wait of the operating system can't be of any length."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a filter that is always added to theirs, and metadata that is stamped on what they ingest."""

    filter: Filter | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def narrowed(first: Caller, second: Caller) -> Caller:
    """Who may do what both may. Raises `FilterError` for a restriction that is no filter."""
    if second.filter is not None:
        from ragbraid.index.filter import parse_filter

        parse_filter(second.filter)
    return Caller(joined(first.filter, second.filter), {**second.metadata, **first.metadata})


def check_k(k: object) -> None:
    """Raise `InputError` for what isn't a number of hits."""
    if type(k) is not int or not 1 <= k <= MAX_K:
        raise InputError(f"k is the number of hits, from 1 to {MAX_K:,}, not {k!r}.")


def history_of(history: Sequence[Message | Mapping[str, Any]] | None) -> list[Message]:
    """Earlier turns as messages. Raises `InputError`."""
    found: list[Message] = []
    for each in history or ():
        if isinstance(each, Message):
            found.append(each)
            continue
        role, content = (each.get("role"), each.get("content")) if isinstance(each, Mapping) else (None, None)
        if role not in ("system", "user", "assistant", "tool") or not isinstance(content, str):
            raise InputError(f"A turn of the history has a role and a content, unlike {each!r}.")
        found.append(Message(role, content))
    return found


def asked(question: Any, history: Any) -> dict[str, Any]:
    """The inputs of a question; a flow that wants no history isn't given any."""
    return {"question": question} if history is None else {"question": question, "history": history}


def timeout_of(timeout: float | None) -> float | None:
    """The seconds allowed, if they are a number. Raises `InputError`."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= MAX_TIMEOUT:
        raise InputError(
            f"A timeout is a number of seconds above 0, at most {MAX_TIMEOUT:,}, not {timeout!r}."
        )
    return float(timeout)


def inputs_of(plan: Plan, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A flow's inputs, each known and none missing. Raises `InputError`."""
    if given.keys() != plan.required and not plan.required <= given.keys() <= plan.inputs.keys():
        raise _unfit(plan, given)
    if "question" in given:
        check_question(given["question"])
    if "k" in given:
        check_k(given["k"])
    return {**given, "history": history_of(given["history"])} if "history" in given else given


def _unfit(plan: Plan, given: Mapping[str, Any]) -> InputError:
    for name in given:
        if name not in plan.inputs:
            return InputError(
                f"The flow {plan.flow!r} has no input {name!r}{meant(name, plan.inputs) or '.'}",
                f"It takes {listed(plan.inputs)}.",
            )
    missing = [name for name in plan.inputs if name in plan.required and name not in given]
    return InputError(f"The flow {plan.flow!r} wants {listed(missing)}.", "Give them by name.")


def scope_of(
    caller: Caller,
    filter: Filter | None,  # noqa: A002
    collection: str | None,
    fields: Mapping[str, str],
) -> Scope:
    """The scope of a request: the caller's restriction and the request's filter. Raises `FilterError`."""
    if collection is not None and (not isinstance(collection, str) or not collection):
        raise InputError(f"A collection is a name, not {collection!r}.")
    if filter is not None:
        from ragbraid.pipeline.fields import check_filter

        check_filter(filter, fields)
    return Scope(collection or "default", joined(caller.filter, filter))
