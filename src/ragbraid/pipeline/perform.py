"""One call for all questions of a run: gather arguments, call, store values or each question's error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from ragbraid.context import Context
from ragbraid.errors import RagbraidError, StepError, Stopped
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.plan import Call
from ragbraid.pipeline.state import State
from ragbraid.pipeline.targets import Target
from ragbraid.pipeline.typecheck import role_of
from ragbraid.types import Batch, Span


class Task:
    """A planned call with what performing it needs worked out."""

    __slots__ = ("_batches", "_lock", "_renamed", "batched", "blocking", "call", "context", "target")

    def __init__(self, call: Call, engine: Engine) -> None:
        signature = call.signature
        self.call = call
        self.target = Target(engine, call.component, call.step)
        self.batched = tuple(each.batch for each in signature.inputs or ())
        self._batches = any(self.batched)
        self.context = signature.context
        self.blocking = signature.flag("blocking", False)
        self._lock = self.target.opened.lock
        self._renamed = _renamed(call)

    def perform(self, state: State, run: Run) -> Span:
        """Call the component for every question that is alive, and write its output slot."""
        began = perf_counter()
        context = Context(run.cancellation, self.call.step) if self.context is not None else None
        try:
            target = self.target.bind(run)
            if self._lock is None:
                self._all(target, state, context)
            else:
                with self._lock:
                    self._all(target, state, context)
        except RagbraidError:
            raise
        except Exception as error:
            raise self.failure(error) from error
        return run.finished(self.call.step, began, context)

    def _all(self, target: Callable[..., Any], state: State, context: Context | None) -> None:
        for indexes, arguments in self.attempts(state, context):
            try:
                self.store(state, indexes, target(*arguments))
            except Stopped:
                raise
            except Exception as error:
                self.fail(state, indexes, error)

    def attempts(self, state: State, context: Context | None) -> list[tuple[list[int], list[Any]]]:
        """The calls to make: which questions each is for, and its arguments."""
        wanted = self.call.arguments
        if not self._batches:
            found = [([index], state.arguments(wanted, index)) for index in state.alive]
        else:
            found = [(indexes, self._batch(state, indexes)) for indexes in self._groups(state)]
        if self.context is not None:
            for _, arguments in found:
                arguments.insert(self.context, context)
        return found

    def store(self, state: State, indexes: Sequence[int], value: Any) -> None:
        """Write what a call gave into the output slot, each question's error among its errors."""
        output = state.slots[self.call.output]
        if not self._batches:
            output[indexes[0]] = self.named(value)
            return
        if len(value) != len(indexes):
            raise StepError(
                f"The step {self.call.step!r} gave {len(value)} values for {len(indexes)} questions.",
                "A component with Batch parameters returns one value for each question.",
            )
        for index, each in zip(indexes, value, strict=True):
            if isinstance(each, Exception):
                self.fail(state, [index], each)
            else:
                output[index] = self.named(each)

    def fail(self, state: State, indexes: Sequence[int], error: Exception) -> None:
        """Note a call's failure for its questions; one that ends the whole run is raised."""
        if isinstance(error, Stopped):
            raise error
        for index in indexes:
            state.fail(index, self.failure(error))

    def _batch(self, state: State, indexes: Sequence[int]) -> list[Any]:
        rows = [state.arguments(self.call.arguments, index) for index in indexes]
        return [
            Batch(row[position] for row in rows) if batched else rows[0][position]
            for position, batched in enumerate(self.batched)
        ]

    def _groups(self, state: State) -> list[list[int]]:
        """Questions that may share a call: those whose inputs that aren't batched are equal."""
        if len(state.alive) <= 1 or all(self.batched):
            return [list(state.alive)] if state.alive else []
        groups: list[tuple[list[Any], list[int]]] = []
        for index in state.alive:
            row = state.arguments(self.call.arguments, index)
            shared = [each for each, batched in zip(row, self.batched, strict=True) if not batched]
            for known, members in groups:
                if known == shared:
                    members.append(index)
                    break
            else:
                groups.append((shared, [index]))
        return [members for _, members in groups]

    def failure(self, error: Exception) -> RagbraidError:
        """A component's exception as an error that names the step."""
        if isinstance(error, RagbraidError):
            return error
        wrapped = StepError(f"The step {self.call.step!r} failed with {type(error).__name__}: {error}")
        wrapped.__cause__ = error
        return wrapped

    def named(self, value: Any) -> Any:
        """A step's output with its scores under the step's own id, where that isn't its type."""
        if self._renamed is None or not isinstance(value, list):
            return value
        type_name, identity = self._renamed
        return [
            dataclasses.replace(
                hit,
                scores={identity if key == type_name else key: score for key, score in hit.scores.items()},
            )
            if type_name in hit.scores
            else hit
            for hit in value
        ]


def _renamed(call: Call) -> tuple[str, str] | None:
    if role_of(call.signature.output) != "hits":
        return None
    identity = call.step.rpartition(".")[2]
    type_name = str(getattr(call.signature.target, "__name__", ""))
    spelled = "".join(f"-{each.lower()}" if each.isupper() else each for each in type_name).lstrip("-")
    return None if spelled == identity else (spelled, identity)
