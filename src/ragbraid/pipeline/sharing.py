"""One question through flows of many pipelines: a step that is the same in several of them is run once.

What a slot holds follows from the flow's inputs and from what was done to them: its recipe. Where two flows
have a slot of equal recipe, the second takes over what the first has worked out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

from ragbraid.errors import RagbraidError
from ragbraid.pipeline.digest import digest
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.model import Constant
from ragbraid.pipeline.plan import Call, Choice, Cut, Gather, Operation, Plan, Rounds, SlotArgument, Stages
from ragbraid.pipeline.requests import inputs_of
from ragbraid.pipeline.run import Runner, schedule
from ragbraid.pipeline.state import State


@dataclass(slots=True)
class Tally:
    """How often steps were run and taken over, and the seconds of processor or waiting of each kind.

    `saved` is what those that were taken over had cost where they were run: at least what was saved, since
    they shared texts' vectors there already.
    """

    run: int = 0
    shared: int = 0
    seconds: float = 0.0
    saved: float = 0.0

    def add(self, other: Tally) -> None:
        """Count what another counted, too."""
        self.run += other.run
        self.shared += other.shared
        self.seconds += other.seconds
        self.saved += other.saved


@dataclass(frozen=True, slots=True)
class _Given:
    """What a step gave, or its error, and the seconds that it took."""

    value: Any
    error: RagbraidError | None
    seconds: float


@dataclass(slots=True)
class Memo:
    """What is known for one set of inputs. It is for one scope, and for one thread at a time."""

    inputs: Mapping[str, Any]
    tally: Tally = field(default_factory=Tally)
    given: dict[str, _Given] = field(default_factory=dict)
    rows: dict[Any, Any] = field(default_factory=dict)
    """Vectors of texts, as `Run.memo` keeps them."""


class SharedFlow:
    """A flow of a pipeline that is run beside flows of others."""

    def __init__(self, runner: Runner, base: Path, begin: Callable[[], Run]) -> None:
        self._runner = runner
        self._begin = begin
        self._calls: dict[Call, str] = {}
        slots = _initial(runner.plan, base)
        _walk(runner.plan.stages, slots, self._calls, base)
        self.recipe = slots[runner.plan.output]
        """Equal where two flows give the same for the same inputs, also in another process."""

    def run(self, memo: Memo) -> Any:
        """What the flow gives for the memo's inputs. Raises its error."""
        plan, run = self._runner.plan, self._begin()
        run.memo = memo.rows
        state = self._runner.state([inputs_of(plan, memo.inputs)])
        for stage, view in schedule(plan.stages, state, run):
            for call in stage.calls:
                if view.alive:
                    self._step(call, view, run, memo)
        value = state.result(plan.output, 0)
        if isinstance(value, RagbraidError):
            raise value
        return value

    def _step(self, call: Call, state: State, run: Run, memo: Memo) -> None:
        recipe = self._calls.get(call)
        known = None if recipe is None else memo.given.get(recipe)
        if known is None:
            began = perf_counter()
            self._runner.tasks[call].perform(state, run)
            known = _Given(state.slots[call.output][0], state.errors.get(0), perf_counter() - began)
            memo.tally.run += 1
            memo.tally.seconds += known.seconds
            if recipe is not None:
                memo.given[recipe] = known
            return
        memo.tally.shared += 1
        memo.tally.saved += known.seconds
        state.slots[call.output][0] = known.value
        if known.error is not None:
            state.fail(0, known.error)


def _initial(plan: Plan, base: Path) -> dict[int, str]:
    """The recipes of inputs and constants."""
    found = {slot: _hashed("value", digest([value], base)) for slot, value in enumerate(plan.initial)}
    return {**found, **{slot: _hashed("input", name) for name, slot in plan.inputs.items()}}


def _walk(stages: Stages, slots: dict[int, str], calls: dict[Call, str] | None, base: Path) -> None:
    """Note the recipe of each slot and, in `calls`, of each step whose output may be shared."""
    for stage in stages:
        for each in (*stage.calls, *stage.others):
            slots[each.output] = _recipe(each, slots, calls, base)
            if isinstance(each, Call) and calls is not None:
                calls[each] = slots[each.output]


def _recipe(operation: Operation, slots: dict[int, str], calls: dict[Call, str] | None, base: Path) -> str:
    match operation:
        case Call(step=step, component=component, arguments=arguments):
            told = (_argument(each, slots, base) for each in arguments)
            return _hashed("call", step, digest([component], base), *told)
        case Cut(hits=hits, k=k):
            return _hashed("cut", slots[hits], slots[k])
        case Gather(slots=several):
            return _hashed("gather", *(slots[each] for each in several))
        case Choice(condition=condition, then_output=then, otherwise_output=otherwise):
            _walk(operation.then, slots, calls, base)
            _walk(operation.otherwise, slots, calls, base)
            return _hashed("choice", slots[condition], slots[then], slots[otherwise])
        case Rounds(start=start, body_output=body, until=until, at_most=at_most):
            # Its steps give something else in each round.
            inner = {**slots, operation.carried: "carried"}
            _walk(operation.body, inner, None, base)
            return _hashed("rounds", slots[start], str(at_most), inner[body], inner[until])


def _argument(argument: SlotArgument, slots: Mapping[int, str], base: Path) -> str:
    if isinstance(argument, Constant):
        return _hashed("value", digest([argument.value], base))
    if isinstance(argument, tuple):
        return _hashed("gather", *(slots[each] for each in argument))
    return slots[argument]


def _hashed(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()
