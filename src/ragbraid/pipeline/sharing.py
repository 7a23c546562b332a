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
from ragbraid.pipeline.operations import Call, Plan, SlotArgument, Stages
from ragbraid.pipeline.requests import inputs_of
from ragbraid.pipeline.run import Runner
from ragbraid.pipeline.schedule import Attempt, schedule
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
        self.recipe = Recipes.of(runner.plan, self._calls, base).slots[runner.plan.output]
        """Equal where two flows give the same for the same inputs, also in another process."""

    def run(self, memo: Memo) -> Any:
        """What the flow gives for the memo's inputs. Raises its error."""
        plan, run = self._runner.plan, self._begin()
        run.memo = memo.rows
        state = self._runner.state([inputs_of(plan, memo.inputs)])
        for turn in schedule(plan.stages, state, run):
            if isinstance(turn, Attempt):
                self._runner.attempt(turn)
                continue
            stage, view, within = turn
            for call in stage.calls:
                if view.alive:
                    self._step(call, view, within, memo)
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


class Recipes:
    """What each slot holds, as a digest of how it comes about."""

    def __init__(self, slots: dict[int, str], calls: dict[Call, str] | None, base: Path) -> None:
        self.slots = slots
        self._calls = calls
        self._base = base
        self._within = ""

    @classmethod
    def of(cls, plan: Plan, calls: dict[Call, str] | None, base: Path) -> Recipes:
        """Those of a plan's slots; notes in `calls` each step whose output may be shared."""
        found = cls({}, calls, base)
        found.slots.update((slot, found.value(value)) for slot, value in enumerate(plan.initial))
        found.slots.update((slot, found.hashed("input", name)) for name, slot in plan.inputs.items())
        found.walk(plan.stages)
        return found

    def walk(self, stages: Stages) -> None:
        """Note the recipe of each slot that these stages write."""
        for stage in stages:
            for call in stage.calls:
                self.slots[call.output] = self._call(call)
            for each in stage.others:
                self.slots[each.output] = each.recipe(self)

    def inside(self, stages: Stages, *changing: int) -> Recipes:
        """Those of a sub-plan that is run several times, some slots changing: none of it is shared."""
        inner = Recipes({**self.slots, **dict.fromkeys(changing, "changing")}, None, self._base)
        inner._within = self._within
        inner.walk(stages)
        return inner

    def of_plan(self, plan: Plan) -> str:
        """The recipe of what another plan gives for inputs of its own: none of its steps is shared."""
        return Recipes.of(plan, None, self._base).slots[plan.output]

    def narrowed(self, stages: Stages, to: Any) -> None:
        """Note those of a sub-plan that sees less: what it does is another thing than the same without."""
        outer, self._within = self._within, self.hashed(self._within, self.value(to))
        self.walk(stages)
        self._within = outer

    def value(self, value: Any) -> str:
        """The recipe of a value that stands in the file."""
        return self.hashed("value", digest([value], self._base))

    def hashed(self, *parts: str) -> str:
        """One recipe of several parts."""
        return sha256(json.dumps(parts).encode()).hexdigest()

    def argument(self, argument: SlotArgument) -> str:
        """The recipe of an argument."""
        if isinstance(argument, Constant):
            return self.value(argument.value)
        if isinstance(argument, tuple):
            return self.hashed("gather", *(self.slots[each] for each in argument))
        return self.slots[argument]

    def _call(self, call: Call) -> str:
        told = (self.argument(each) for each in call.arguments)
        within = (self._within,) if self._within else ()
        recipe = self.hashed("call", call.step, digest([call.component], self._base), *told, *within)
        if self._calls is not None:
            self._calls[call] = recipe
        return recipe
