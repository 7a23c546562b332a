"""The flows of a file, each checked once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ragbraid.pipeline.components import Components
from ragbraid.pipeline.diagnostics import Place, Problems, meant
from ragbraid.pipeline.environment import waits
from ragbraid.pipeline.flow_form import steps_of
from ragbraid.pipeline.flows import FlowChecker
from ragbraid.pipeline.ingest_flow import IngestChecker
from ragbraid.pipeline.model import (
    Flow,
    FlowInput,
    IngestSteps,
    Step,
    Value,
    standard_inputs,
    walked,
)
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.settings import validate
from ragbraid.pipeline.signature import MISSING, Setting
from ragbraid.pipeline.tree import NAME, NAME_RULE, List, Map, Node, Scalar, describe
from ragbraid.pipeline.typecheck import DECLARABLE, assignable, type_name
from ragbraid.types import Answer, Hit

FIXED: Mapping[str, Any] = {"search": list[Hit], "ask": Answer, "chat": Answer}
"""Flows whose output has a fixed type, and which take the standard inputs."""


MAX_STEPS = 1_000


class Book:
    """Finds, checks and keeps the flows of a file."""

    def __init__(
        self, root: Map, components: Components, problems: Problems, fields: Mapping[str, str]
    ) -> None:
        self._problems = problems
        self._nodes: dict[str, tuple[Node, Place]] = {
            name: (root.items[name], root.where(name)) for name in FIXED if name in root.items
        }
        self._ingest = root.items.get("ingest")
        self._checker = FlowChecker(components, self, problems, fields)
        self._components = components
        self._done: dict[str, Flow | None] = {}
        self._sizes: dict[str, int] = {}
        self._open: list[str] = []
        self._add_named(root.items.get("flows"))
        for name in components.names:
            if name in self._nodes:
                said = f"a component and a flow are both called {name!r}; rename one"
                problems.add(components.where(name), said)

    def _add_named(self, node: Node | None) -> None:
        if node is None:
            return
        if not isinstance(node, Map):
            self._problems.add(node.place, f"`flows` wants a mapping, not {describe(node)}")
            return
        for name, each in node.items.items():
            if name in (*FIXED, "ingest"):
                self._problems.add(node.where(name), f"{name!r} has a section of its own; put it there")
            elif not NAME.fullmatch(name):
                self._problems.add(node.where(name), f"a flow's name is {NAME_RULE}, not {name!r}")
            else:
                self._nodes[name] = (each, node.where(name))

    @property
    def names(self) -> list[str]:
        """The flows that a step may call."""
        return list(self._nodes)

    def get(self, name: str, caller: Place) -> Flow | None:
        """A flow, checked; None where it is wrong or calls itself (noted at `caller`)."""
        if name in self._open:
            circle = " → ".join([*self._open[self._open.index(name) :], name])
            self._problems.add(caller, f"flows call each other in a circle: {circle}")
            return None
        if name not in self._done:
            self._open.append(name)
            self._done[name] = self._check(name, *self._nodes[name])
            self._open.pop()
        return self._done[name]

    def all(self) -> dict[str, Flow]:
        """Every flow but ingest that is right."""
        found = {name: self.get(name, place) for name, (_, place) in self._nodes.items()}
        return {name: flow for name, flow in found.items() if flow is not None}

    def _check(self, name: str, node: Node, place: Place) -> Flow | None:
        steps_node, inputs, output_node = self._parts(name, node)
        if steps_node is None:
            return None
        environment = Environment(inputs)
        steps = self._checker.steps(steps_node.items, environment)
        output = (
            self._output(output_node, environment) if output_node else steps[-1].output if steps else None
        )
        if output is not None:
            output.read = True
            self._checker.unread(steps, environment)
        if output is None or len(steps) < len(steps_node.items):
            return None
        wanted = FIXED.get(name)
        if wanted is not None and not assignable(output.type, wanted):
            self._problems.add(
                output_node.place if output_node else steps[-1].output.place,
                f"{name} ends in {type_name(wanted)}, and {output.name!r} gives {type_name(output.type)}",
            )
            return None
        self._sizes[name] = size = self._size(steps)
        if size > MAX_STEPS:
            said = f"{name!r} comes to over {MAX_STEPS:,} steps with the flows that it calls"
            self._problems.add(place, said)
            return None
        return Flow(name, inputs, tuple(steps), output)

    def _size(self, steps: Iterable[Step]) -> int:
        """How many steps these are when the flows that they call are written out."""
        return sum(1 + sum(self._sizes[name] for name in each.called()) for each in walked(steps))

    def _parts(self, name: str, node: Node) -> tuple[List | None, dict[str, FlowInput], Node | None]:
        inputs = standard_inputs(node.place)
        output = node.items.get("output") if isinstance(node, Map) else None
        if isinstance(node, Map) and "inputs" in node.items:
            if name in FIXED:
                said = f"{name} has fixed inputs: question, k and history"
                self._problems.add(node.where("inputs"), said)
            else:
                inputs = self._inputs(node.items["inputs"])
        return steps_of(node, f"the flow {name!r}", self._problems), inputs, output

    def _inputs(self, node: Node) -> dict[str, FlowInput]:
        if not isinstance(node, Map):
            self._problems.add(
                node.place, f"`inputs` wants a mapping of names to types, not {describe(node)}"
            )
            return {}
        return {
            name: found for name, each in node.items.items() if (found := self._input(name, each)) is not None
        }

    def _input(self, name: str, node: Node) -> FlowInput | None:
        type_node: Node | None = node
        default: Any = MISSING
        if isinstance(node, Map):
            type_node = node.items.get("type")
            for key in node.items:
                if key not in ("type", "default"):
                    self._problems.add(
                        node.where(key), f"an input has no {key!r}{meant(key, ('type', 'default'))}"
                    )
        named = type_node.value if isinstance(type_node, Scalar) else None
        if named not in DECLARABLE:
            if type_node is not None and waits(type_node):
                return FlowInput(Value(name, Any, node.place))
            place = (type_node or node).place
            near = meant(str(named), DECLARABLE) or f"; the types are {', '.join(DECLARABLE)}"
            self._problems.add(place, f"input {name!r} wants a type, not {describe(type_node or node)}{near}")
            return FlowInput(Value(name, Any, place))
        annotation = DECLARABLE[named]
        if isinstance(node, Map) and "default" in node.items:
            from pathlib import Path

            values = validate(
                [Setting(name, annotation, MISSING)], {name: node.items["default"]}, Path(), self._problems
            )
            default = values[name] if values else None
        return FlowInput(Value(name, annotation, node.place), default)

    def _output(self, node: Node, environment: Environment) -> Value | None:
        name = node.value if isinstance(node, Scalar) else None
        value = environment.find(name) if isinstance(name, str) else None
        if value is None and not environment.may_give(str(name)) and not waits(node):
            near = meant(str(name), environment.values)
            self._problems.add(node.place, f"`output` wants the name of a value, not {describe(node)}{near}")
        return value

    def ingest(self) -> IngestSteps | None:
        """The ingest flow in its parts; None where there is none or it is wrong."""
        if self._ingest is None:
            return None
        return IngestChecker(self._components, self, self._checker, self._problems).check(self._ingest)
