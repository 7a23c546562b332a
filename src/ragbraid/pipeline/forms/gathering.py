"""An agent's rounds in a run: a call is chosen, made within its time, and told; what was found is kept."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ragbraid.generate.tool_calls import ToolCall, ToolSpec
from ragbraid.generate.tool_choice import Used, misfit
from ragbraid.pipeline.operations import Stages, read_inside
from ragbraid.pipeline.schedule import Attempt, Turn
from ragbraid.types import Answer, Hit

if TYPE_CHECKING:
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.sharing import Recipes
    from ragbraid.pipeline.state import State

_SHOWN = 900
"""How many characters of a result are told: small models have small windows."""


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A sub-plan as a tool: the slots of its arguments by name, and that of what it gives."""

    spec: ToolSpec
    stages: Stages
    arguments: Mapping[str, int]
    output: int


@dataclass(slots=True)
class _Course:
    """How it goes with one question."""

    used: list[Used] = field(default_factory=list)
    hits: dict[str, Hit] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    ended: str = "at_most"

    def note(self, call: ToolCall, result: str, **more: Any) -> None:
        self.used.append(Used(call, result))
        self.calls.append({"tool": call.name, "arguments": dict(call.arguments), **more})


@dataclass(frozen=True, slots=True, eq=False)
class Gathering:
    """Choices and calls in turn, until a reply, a bound, or a call that was made before."""

    step: str
    question: int
    used: int
    choice: Stages
    chosen: int
    tools: Mapping[str, Tool]
    at_most: int
    deadline: float
    call_deadline: float | None
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        inside = (slot for each in self.tools.values() for slot in read_inside(each.stages))
        return {self.question, *inside}

    def inner(self) -> Sequence[Stages]:
        return (self.choice, *(each.stages for each in self.tools.values()))

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        began = perf_counter()
        courses = {index: _Course() for index in state.alive}
        going = list(courses)
        for _ in range(self.at_most):
            left = began + self.deadline - perf_counter()
            chosen = yield from self._choose(state, run, going, courses, left)
            going = []
            for name, indexes in self._by_tool(chosen, courses).items():
                left = began + self.deadline - perf_counter()
                yield from self._use(self.tools[name], state, run, indexes, chosen, courses, left)
                going += indexes
            going = sorted(each for each in going if each not in state.errors)
            going += [each for each in chosen if chosen[each] is not None and each not in going
                      and courses[each].ended == "at_most"]  # fmt: skip
            if not going:
                break
        for index, course in courses.items():
            state.slots[self.output][index] = list(course.hits.values())
        told = [{"calls": each.calls, "ended": each.ended} for each in courses.values()]
        run.tell(self.step, began, told[0] if len(told) == 1 else {"questions": told})

    def recipe(self, recipes: Recipes) -> str:
        changing = {slot for each in self.tools.values() for slot in each.arguments.values()}
        inner = recipes.inside(self.choice, self.used)
        told = [inner.slots[self.chosen], str(self.at_most), str(self.deadline), str(self.call_deadline)]
        for tool in self.tools.values():
            told.append(recipes.inside(tool.stages, *changing).slots.get(tool.output, ""))
        return recipes.hashed("agent", recipes.slots[self.question], *told)

    def _choose(
        self, state: State, run: Run, going: list[int], courses: Mapping[int, _Course], left: float
    ) -> Generator[Turn, None, dict[int, ToolCall | None]]:
        """The next call of each question; those whose time is up, or which failed, have none."""
        if left > 0:
            for index in going:
                state.slots[self.used][index] = list(courses[index].used)
            attempt = Attempt(self.choice, state.view(going).detached(), run, left)
            yield attempt
            if attempt.done:
                for index, error in attempt.state.errors.items():
                    state.fail(index, error)
                return {each: attempt.state.slots[self.chosen][each] for each in attempt.state.alive}
        for index in going:
            courses[index].ended = "deadline"
        return {}

    def _by_tool(
        self, chosen: Mapping[int, ToolCall | None], courses: Mapping[int, _Course]
    ) -> dict[str, list[int]]:
        """The questions of each tool that is to be called."""
        found: dict[str, list[int]] = {}
        for index, call in chosen.items():
            course = courses[index]
            if call is None:
                course.ended = "reply"
            elif any(each.call == call for each in course.used):
                course.ended = "no progress"
            elif (wrong := misfit(call.arguments, self.tools[call.name].spec)) is not None:
                course.note(call, f"error: {wrong}", error=wrong)
            else:
                found.setdefault(call.name, []).append(index)
        return found

    def _use(
        self,
        tool: Tool,
        state: State,
        run: Run,
        indexes: list[int],
        chosen: Mapping[int, ToolCall | None],
        courses: Mapping[int, _Course],
        left: float,
    ) -> Generator[Turn, None, None]:
        """Call a tool for the questions that want it, and keep what it finds."""
        began = perf_counter()
        calls = {index: call for index in indexes if (call := chosen[index]) is not None}
        allowed = left if self.call_deadline is None else min(left, self.call_deadline)
        part = state.view(indexes).detached()
        for index, call in calls.items():
            for name, slot in tool.arguments.items():
                part.slots[slot][index] = call.arguments[name]
        attempt = Attempt(tool.stages, part, run, max(allowed, 0.0))
        if allowed > 0:
            yield attempt
        ms = round((perf_counter() - began) * 1000, 3)
        for index, call in calls.items():
            course = courses[index]
            if not attempt.done:
                said = f"it took longer than {max(allowed, 0.0):.3g} s"
                course.note(call, f"error: {said}", error=said, ms=ms)
            elif index in part.errors:
                said = str(part.errors[index])[:_SHOWN]
                course.note(call, f"error: {said}", error=said, ms=ms)
            else:
                value = part.slots[tool.output][index]
                for hit in _hits(value):
                    course.hits.setdefault(hit.id, hit)
                course.note(call, _shown(value), hits=len(_hits(value)), ms=ms)


def _hits(value: Any) -> list[Hit]:
    if isinstance(value, Answer):
        return list(value.hits)
    return [each for each in value if isinstance(each, Hit)] if isinstance(value, list | tuple) else []


def _shown(value: Any) -> str:
    """What the model is told of a result."""
    if isinstance(value, Answer):
        return value.text[:_SHOWN]
    if hits := _hits(value):
        room = max(_SHOWN // len(hits[:5]), 1)
        return "\n".join(f"[{number}] {each.text[:room]}" for number, each in enumerate(hits[:5], 1))
    return "nothing was found" if value == [] else str(value)[:_SHOWN]
