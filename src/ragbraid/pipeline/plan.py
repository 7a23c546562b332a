"""A checked flow → a flat plan: numbered slots for values, and operations in stages.

Flows that a flow calls are written out in place. What a stage holds depends on earlier stages alone, so
its calls may run side by side. All of it is worked out once; a run only moves values between slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from ragbraid.pipeline.model import Argument, Block, Flow, Step, Value, walked
from ragbraid.pipeline.operations import Call, Cut, Gather, Operation, Plan, SlotArgument, Stages, staged
from ragbraid.pipeline.signature import MISSING
from ragbraid.pipeline.typecheck import assignable
from ragbraid.types import Hit

Operations: TypeAlias = "list[Call | Operation]"


def plan(flow: Flow, flows: Mapping[str, Flow], keep: Sequence[Value] = ()) -> Plan:
    """Plan a flow; `flows` has those that it calls, `keep` further values that the caller will read."""
    return planned(flow, flows, keep, "")


def planned(flow: Flow, flows: Mapping[str, Flow], keep: Sequence[Value], prefix: str) -> Plan:
    """`plan` for a flow whose steps are told apart by a prefix, such as that of another flow's step."""
    planner = Planner(flows)
    inputs = {name: planner.slot(each.value) for name, each in flow.inputs.items()}
    operations = planner.steps(flow.steps, prefix)
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
        staged(operations),
        output,
        last,
        tuple(planner.slot(each) for each in keep),
    )


class Planner:
    """Gives values their slots, and steps their operations."""

    def __init__(self, flows: Mapping[str, Flow]) -> None:
        self.flows = flows
        self._slots: dict[Value, int] = {}
        self.count = 0
        self.constants: list[tuple[int, Any]] = []

    def fresh(self) -> int:
        """A new slot."""
        self.count += 1
        return self.count - 1

    def slot(self, value: Value) -> int:
        """The slot of a value."""
        if value not in self._slots:
            self._slots[value] = self.fresh()
        return self._slots[value]

    def stored(self, value: Value, slot: int) -> None:
        """Note that a value stands in a slot that is there already."""
        self._slots[value] = slot

    @contextmanager
    def meaning(self, value: Value, slot: int) -> Iterator[None]:
        """Have a value mean this slot for what is planned inside."""
        outer, self._slots = self._slots, {**self._slots, value: slot}
        try:
            yield
        finally:
            self._slots = outer

    def steps(self, steps: Iterable[Step], prefix: str) -> Operations:
        """The operations of steps, in their order."""
        return [operation for each in steps for operation in each.plan(self, prefix)]

    def block(self, block: Block, prefix: str) -> tuple[Stages, int]:
        """A block's stages, and the slot of its value."""
        return staged(self.steps(block.steps, prefix)), self.slot(block.output)

    def argument(self, argument: Argument) -> SlotArgument:
        """An argument with slots in place of values."""
        match argument:
            case Value():
                return self.slot(argument)
            case tuple():
                return tuple(self.slot(each) for each in argument)
            case _:
                return argument

    def inlined(self, name: str, arguments: Mapping[str, Argument], prefix: str) -> tuple[Operations, int]:
        """The operations of a called flow, its values in slots of this call's own."""
        flow = self.flows[name]
        outer, self._slots = self._slots, dict(self._slots)
        operations: Operations = []
        for key, argument in arguments.items():
            self._slots[flow.inputs[key].value] = self.passed(argument, operations)
        for step in walked(flow.steps):
            self._slots.pop(step.output, None)  # a second call must not meet the first one's slots
        operations += self.steps(flow.steps, prefix)
        output = self.cut(flow, operations, self.slot(flow.output))
        self._slots = outer
        return operations, output

    def passed(self, argument: Argument, operations: Operations) -> int:
        """One slot for an argument; adds the operation that fills it, if it takes one."""
        found = self.argument(argument)
        if isinstance(found, int):
            return found
        output = self.fresh()
        if isinstance(found, tuple):
            operations.append(Gather(found, output))
        else:
            self.constants.append((output, found.value))
        return output

    def cut(self, flow: Flow, operations: Operations, output: int) -> int:
        """The slot of a flow's output; hits are cut to its `k`."""
        k = flow.inputs.get("k")
        if k is None or not assignable(flow.output.type, list[Hit]):
            return output
        operations.append(Cut(output, self.slot(k.value), self.fresh()))
        return self.count - 1
