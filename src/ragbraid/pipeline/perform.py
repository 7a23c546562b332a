"""One call for all questions of a run: gather arguments, call, store values or each question's error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from ragbraid.context import Context
from ragbraid.errors import FOREIGN, RagbraidError, StepError, Stopped, told
from ragbraid.hits import renamed
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.operations import Call, first
from ragbraid.pipeline.state import State
from ragbraid.pipeline.targets import Target
from ragbraid.pipeline.typecheck import implements, role_of
from ragbraid.rerank.protocol import Reranker
from ragbraid.types import Batch


class Task:
    """A planned call with what performing it needs worked out."""

    __slots__ = (
        "_batches",
        "_renamed",
        "_simple",
        "batched",
        "blocking",
        "call",
        "context",
        "lock",
        "reranks",
        "target",
    )

    def __init__(self, call: Call, engine: Engine) -> None:
        signature = call.signature
        self.call = call
        self.target = Target(engine, call.component, call.step)
        self.batched = tuple(each.batch for each in signature.inputs or ())
        self._batches = tuple(place for place, batched in enumerate(self.batched) if batched)
        slots = tuple(each for each in call.arguments if isinstance(each, int))
        self._simple = slots if len(slots) == len(call.arguments) else ()
        self.context = signature.context
        self.blocking = signature.flag("blocking", False)
        self.lock = self.target.opened.lock
        self.reranks = reranks(call)
        self._renamed = _renamed(call)

    def perform(self, state: State, run: Run) -> None:
        """Call the component for every question that is alive, and write its output slot."""
        if run.wishes is not None and self.call.step in run.wishes.without and self.reranks:
            for index in state.alive:
                _, hits, k = state.arguments(self.call.arguments, index)
                state.slots[self.call.output][index] = first(hits, k)
            return
        began = perf_counter()
        context = Context(run.cancellation, self.call.step, run.scope) if self.context is not None else None
        try:
            target = self.target.bind(run)
            if self.lock is None:
                self._all(target, state, context)
            else:
                with self.lock:
                    self._all(target, state, context)
        except Stopped:
            raise
        except FOREIGN as error:  # it can't be opened, or its questions can't be grouped
            self.fail(state, list(state.alive), error)
        run.finished(self.call, began, context, state)

    def perform_alone(self, values: list[Any], run: Run) -> None:
        """`perform` for one question whose slots hold plain values, with no listener to the run.

        Raises the question's error.
        """
        if run.wishes is not None and self.call.step in run.wishes.without and self.reranks:
            _, hits, k = self._picked(values)
            values[self.call.output] = first(hits, k)
            return
        began = perf_counter()
        context = None if self.context is None else Context(run.cancellation, self.call.step, run.scope)
        try:
            target = self.target.bind(run)
            arguments = list(map(values.__getitem__, self._simple)) if self._simple else self._picked(values)
            for place in self._batches:
                arguments[place] = Batch((arguments[place],))
            if context is not None:
                arguments.insert(self.context or 0, context)
            if self.lock is None:
                value = target(*arguments)
            else:
                with self.lock:
                    value = target(*arguments)
            if self._batches:
                if len(value) != 1:
                    self._demand_length(value, 1)
                (value,) = value
                if isinstance(value, Exception):
                    raise value
            values[self.call.output] = value if self._renamed is None else self.named(value)
        except FOREIGN as error:
            failed = self.failure(error)
            raise failed from failed.__cause__
        finally:
            run.record(self.call.step, began, context)

    def _picked(self, values: list[Any]) -> list[Any]:
        return [
            values[each]
            if isinstance(each, int)
            else [values[slot] for slot in each]
            if isinstance(each, tuple)
            else each.value
            for each in self.call.arguments
        ]

    def _demand_length(self, values: Any, questions: int) -> None:
        if len(values) != questions:
            raise StepError(
                f"The step {self.call.step!r} gave {len(values)} values for {questions} questions.",
                "A component with Batch parameters returns one value for each question.",
            )

    def _all(self, target: Callable[..., Any], state: State, context: Context | None) -> None:
        for indexes in self.groups(state):
            try:
                self.store(state, indexes, target(*self.arguments(state, indexes, context)))
            except Stopped:
                raise
            except FOREIGN as error:
                self.fail(state, indexes, error)

    def arguments(self, state: State, indexes: Sequence[int], context: Context | None) -> list[Any]:
        """What a call for these questions is made with."""
        if self._simple:
            arguments = [state.slots[slot][indexes[0]] for slot in self._simple]
        else:
            arguments = state.arguments(self.call.arguments, indexes[0])
        if self._batches:
            arguments = self._batch(state, indexes, arguments)
        if self.context is not None:
            arguments.insert(self.context, context)
        return arguments

    def store(self, state: State, indexes: Sequence[int], value: Any) -> None:
        """Write what a call gave into the output slot, each question's error among its errors."""
        output = state.slots[self.call.output]
        if not self._batches:
            output[indexes[0]] = value if self._renamed is None else self.named(value)
            return
        self._demand_length(value, len(indexes))
        for index, each in zip(indexes, value, strict=True):
            if isinstance(each, Exception):
                self.fail(state, [index], each)
            else:
                output[index] = self.named(each)

    def fail(self, state: State, indexes: Sequence[int], error: BaseException) -> None:
        """Note a call's failure for its questions; one that ends the whole run is raised."""
        if isinstance(error, Stopped):
            raise error
        for index in indexes:
            state.fail(index, self.failure(error))

    def _batch(self, state: State, indexes: Sequence[int], first: list[Any]) -> list[Any]:
        rows = [first, *(state.arguments(self.call.arguments, index) for index in indexes[1:])]
        return [
            Batch(row[position] for row in rows) if batched else rows[0][position]
            for position, batched in enumerate(self.batched)
        ]

    def groups(self, state: State) -> Sequence[Sequence[int]]:
        """The calls to make: with Batch parameters, questions whose other inputs are equal share one."""
        if len(state.alive) <= 1:
            return (state.alive,) if state.alive else ()
        if not self._batches:
            return [(index,) for index in state.alive]
        if all(self.batched):
            return (state.alive,)
        groups: list[tuple[list[Any], list[int]]] = []
        for index in state.alive:
            row = state.arguments(self.call.arguments, index)
            shared = [each for each, batched in zip(row, self.batched, strict=True) if not batched]
            for known, members in groups:
                if equal(known, shared):
                    members.append(index)
                    break
            else:
                groups.append((shared, [index]))
        return [members for _, members in groups]

    def failure(self, error: BaseException) -> RagbraidError:
        """A component's exception as an error that names the step."""
        if isinstance(error, RagbraidError):
            return error
        wrapped = StepError(f"The step {self.call.step!r} failed with {told(error)}")
        wrapped.__cause__ = error
        return wrapped

    def named(self, value: Any) -> Any:
        """A step's output with its scores under the step's own id, where that isn't its type."""
        if self._renamed is None or not isinstance(value, list):
            return value
        return renamed(value, *self._renamed)


def reranks(call: Call) -> bool:
    """Whether a call only puts hits in another order, so that it can be left out."""
    names = [each.name for each in call.signature.inputs or ()]
    return names == ["question", "hits", "k"] and implements(call.signature.runtime, Reranker)


def equal(one: Any, other: Any) -> bool:
    """Whether two values are equal, as far as they say."""
    try:
        return bool(one == other)
    except Exception:  # arrays, for one, don't say whether they are equal
        return False


def _renamed(call: Call) -> tuple[str, str] | None:
    if role_of(call.signature.output) != "hits":
        return None
    identity = call.step.rpartition(".")[2]
    type_name = str(getattr(call.signature.target, "__name__", ""))
    spelled = "".join(f"-{each.lower()}" if each.isupper() else each for each in type_name).lstrip("-")
    return None if spelled == identity else (spelled, identity)
