"""A checked flow → a flat plan: numbered slots for values, and operations in stages.

Flows that a flow calls are written out in place. What a stage holds depends on earlier stages alone, so
its calls may run side by side. All of it is worked out once; a run only moves values between slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ragbraid.pipeline.model import (
    Argument,
    Block,
    Branch,
    ComponentStep,
    Constant,
    Flow,
    FlowStep,
    Loop,
    Step,
    Value,
)
from ragbraid.pipeline.signature import MISSING, Signature
from ragbraid.pipeline.typecheck import assignable
from ragbraid.types import Hit

SlotArgument: TypeAlias = "int | Constant | tuple[int, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A component's call: reads its arguments' slots, writes `output`."""

    step: str
    component: Any
    signature: Signature
    arguments: tuple[SlotArgument, ...]
    output: int


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The first k hits of a slot: a request's `k` is the length of the result."""

    hits: int
    k: int
    output: int


@dataclass(frozen=True, slots=True, eq=False)
class Gather:
    """A list of the values of several slots."""

    slots: tuple[int, ...]
    output: int


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of two sub-plans for each question, by a boolean slot."""

    condition: int
    then: Stages
    then_output: int
    otherwise: Stages
    otherwise_output: int
    output: int


@dataclass(frozen=True, slots=True, eq=False)
class Rounds:
    """A sub-plan again and again for the questions whose `until` doesn't hold yet."""

    start: int
    carried: int
    body: Stages
    body_output: int
    until: int
    at_most: int
    output: int


Operation: TypeAlias = "Call | Cut | Gather | Choice | Rounds"


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Operations that depend on earlier stages alone. `threads`: two or more of its calls are worth one."""

    calls: tuple[Call, ...]
    others: tuple[Operation, ...]
    threads: bool


Stages: TypeAlias = tuple[Stage, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A flow, ready to run. `last` is the call that gives the output, where a single call does."""

    flow: str
    inputs: Mapping[str, int]
    required: frozenset[str]
    """The inputs that have no default."""
    initial: tuple[Any, ...]
    """What each slot holds when a run begins: a constant, an input's default, else None."""
    stages: Stages
    output: int
    last: Call | None
    kept: tuple[int, ...] = ()
    """Slots of further values that the caller wants to read."""

    def calls(self) -> Iterable[Call]:
        """Every call in it, those of sub-plans too."""
        return _calls(self.stages)


def plan(flow: Flow, flows: Mapping[str, Flow], keep: Sequence[Value] = ()) -> Plan:
    """Plan a flow; `flows` has those that it calls, `keep` further values that the caller will read."""
    planner = _Planner(flows)
    inputs = {name: planner.slot(each.value) for name, each in flow.inputs.items()}
    operations = planner.steps(flow.steps, "")
    output = planner.cut(flow, operations, planner.slot(flow.output))
    defaults = {name: each.default for name, each in flow.inputs.items() if each.default is not MISSING}
    initial: list[Any] = [None] * planner.count
    for slot, value in (*planner.constants, *((inputs[name], value) for name, value in defaults.items())):
        initial[slot] = value
    last = next((each for each in operations if isinstance(each, Call) and each.output == output), None)
    return Plan(
        flow.name,
        inputs,
        frozenset(inputs.keys() - defaults.keys()),
        tuple(initial),
        _stages(operations),
        output,
        last,
        tuple(planner.slot(each) for each in keep),
    )


class _Planner:
    def __init__(self, flows: Mapping[str, Flow]) -> None:
        self._flows = flows
        self._slots: dict[Value, int] = {}
        self.count = 0
        self.constants: list[tuple[int, Any]] = []

    def fresh(self) -> int:
        self.count += 1
        return self.count - 1

    def slot(self, value: Value) -> int:
        if value not in self._slots:
            self._slots[value] = self.fresh()
        return self._slots[value]

    def steps(self, steps: Sequence[Step], prefix: str) -> list[Operation]:
        return [operation for each in steps for operation in self.step(each, prefix)]

    def step(self, step: Step, prefix: str) -> list[Operation]:
        match step:
            case ComponentStep():
                arguments = tuple(self.argument(each) for each in step.arguments)
                output = self.slot(step.output)
                return [Call(prefix + step.id, step.component, step.signature, arguments, output)]
            case FlowStep():
                operations, output = self.inlined(step.flow, step.arguments, f"{prefix}{step.id}.")
                self._slots[step.output] = output
                return operations
            case Branch():
                return [self.choice(step, prefix)]
            case Loop():
                return self.rounds(step, prefix)

    def argument(self, argument: Argument) -> SlotArgument:
        match argument:
            case Value():
                return self.slot(argument)
            case tuple():
                return tuple(self.slot(each) for each in argument)
            case _:
                return argument

    def inlined(
        self, name: str, arguments: Mapping[str, Argument], prefix: str
    ) -> tuple[list[Operation], int]:
        """The operations of a called flow, its values in slots of this call's own."""
        flow = self._flows[name]
        outer, self._slots = self._slots, dict(self._slots)
        operations: list[Operation] = []
        for key, argument in arguments.items():
            self._slots[flow.inputs[key].value] = self.passed(argument, operations)
        for value in _values_of(flow.steps):
            self._slots.pop(value, None)  # a second call of the flow must not meet the first one's slots
        operations += self.steps(flow.steps, prefix)
        output = self.cut(flow, operations, self.slot(flow.output))
        self._slots = outer
        return operations, output

    def passed(self, argument: Argument, operations: list[Operation]) -> int:
        found = self.argument(argument)
        if isinstance(found, int):
            return found
        output = self.fresh()
        if isinstance(found, tuple):
            operations.append(Gather(found, output))
        else:
            self.constants.append((output, found.value))
        return output

    def cut(self, flow: Flow, operations: list[Operation], output: int) -> int:
        k = flow.inputs.get("k")
        if k is None or not assignable(flow.output.type, list[Hit]):
            return output
        operations.append(Cut(output, self.slot(k.value), self.fresh()))
        return self.count - 1

    def choice(self, step: Branch, prefix: str) -> Choice:
        then, then_output = self.block(step.then, prefix)
        otherwise, otherwise_output = self.block(step.otherwise, prefix)
        return Choice(
            self.slot(step.condition), then, then_output, otherwise, otherwise_output, self.slot(step.output)
        )

    def block(self, block: Block, prefix: str) -> tuple[Stages, int]:
        return _stages(self.steps(block.steps, prefix)), self.slot(block.output)

    def rounds(self, step: Loop, prefix: str) -> list[Operation]:
        before: list[Operation] = []
        start = self.passed(step.arguments[step.carried], before)
        carried = Value(step.carried, Any, step.output.place)
        carried_slot = self.slot(carried)  # known before the flow is written out, whose slots are its own
        arguments = {**step.arguments, step.carried: carried}
        body, body_output = self.inlined(step.flow, arguments, f"{prefix}{step.id}.")
        # The step that says whether to go on reads the round's output by the name of the loop itself.
        outer, self._slots = self._slots, {**self._slots, step.output: body_output}
        body += self.step(step.until, prefix)
        until = self.slot(step.until.output)
        self._slots = outer
        output = self.slot(step.output)
        return [*before, Rounds(start, carried_slot, _stages(body), body_output, until, step.at_most, output)]


def _values_of(steps: Sequence[Step]) -> Iterable[Value]:
    for each in steps:
        yield each.output
        if isinstance(each, Branch):
            yield from _values_of((*each.then.steps, *each.otherwise.steps))
        elif isinstance(each, Loop):
            yield from _values_of((each.until,))


def _stages(operations: Sequence[Operation]) -> Stages:
    """Group operations by the longest way to them, each level one stage."""
    level_of: dict[int, int] = {}
    levels: list[list[Operation]] = []
    for each in operations:
        level = max((level_of[slot] + 1 for slot in reads(each) if slot in level_of), default=0)
        level_of[each.output] = level
        while len(levels) <= level:
            levels.append([])
        levels[level].append(each)
    return tuple(_stage(each) for each in levels)


def _stage(operations: Sequence[Operation]) -> Stage:
    calls = tuple(each for each in operations if isinstance(each, Call))
    others = tuple(each for each in operations if not isinstance(each, Call))
    return Stage(calls, others, sum(each.signature.flag("blocking", False) for each in calls) > 1)


def reads(operation: Operation) -> set[int]:
    """The slots that an operation reads from outside of itself."""
    match operation:
        case Call(arguments=arguments):
            return {
                slot
                for each in arguments
                if not isinstance(each, Constant)
                for slot in ((each,) if isinstance(each, int) else each)
            }
        case Cut(hits=hits, k=k):
            return {hits, k}
        case Gather(slots=slots):
            return set(slots)
        case Choice():
            outputs = {operation.then_output, operation.otherwise_output}
            return {operation.condition, *outputs, *_inner(operation.then), *_inner(operation.otherwise)}
        case Rounds():
            return {operation.start, *_inner(operation.body)}


def _inner(stages: Stages) -> set[int]:
    return {slot for stage in stages for each in (*stage.calls, *stage.others) for slot in reads(each)}


def _calls(stages: Stages) -> Iterable[Call]:
    for stage in stages:
        yield from stage.calls
        for each in stage.others:
            for inner in inner_stages(each):
                yield from _calls(inner)


def inner_stages(operation: Operation) -> Sequence[Stages]:
    """The sub-plans of an operation."""
    match operation:
        case Choice():
            return operation.then, operation.otherwise
        case Rounds():
            return (operation.body,)
    return ()
