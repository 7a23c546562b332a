"""The steps that call something: a component made in place, or one or a flow by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.pipeline.components import Built
from ragbraid.pipeline.diagnostics import LIKENESS, Place, meant
from ragbraid.pipeline.environment import Unresolved
from ragbraid.pipeline.forms.form import Form, mapping
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Argument, Step, Value
from ragbraid.pipeline.operations import Call
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.signature import Signature
from ragbraid.pipeline.tree import Map, Node, Scalar, describe
from ragbraid.text.near import nearest

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher


@dataclass(frozen=True, slots=True)
class ComponentStep:
    """A call of a component; `arguments` in the order of its inputs."""

    id: str
    component: Any
    signature: Signature
    arguments: tuple[Argument, ...]
    output: Value

    def inside(self) -> tuple[Step, ...]:
        return ()

    def called(self) -> tuple[str, ...]:
        return ()

    def plan(self, planner: Planner, prefix: str) -> Operations:
        arguments = tuple(planner.argument(each) for each in self.arguments)
        output = planner.slot(self.output)
        return [Call(prefix + self.id, self.component, self.signature, arguments, output)]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        inputs = self.signature.inputs or ()
        arguments = dict(zip((each.name for each in inputs), self.arguments, strict=True))
        defaults = {each.name: each.default for each in inputs}
        return grapher.component(key, self, self.component, arguments, defaults)


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A call of another flow."""

    id: str
    flow: str
    arguments: Mapping[str, Argument]
    output: Value

    def inside(self) -> tuple[Step, ...]:
        return ()

    def called(self) -> tuple[str, ...]:
        return (self.flow,)

    def plan(self, planner: Planner, prefix: str) -> Operations:
        operations, output = planner.inlined(self.flow, self.arguments, f"{prefix}{self.id}.")
        planner.stored(self.output, output)
        return operations

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        return grapher.call(key, self, "flow", self.flow, self.arguments)


def inline(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """`{type: NAME, …}`."""
    built = checker.components.build(node, besides=("id", "as"))
    return component(built, node, built.type, environment, checker)


def used(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """`{use: NAME, …}`."""
    target = node.items["use"]
    if not isinstance(target, Scalar) or not isinstance(target.value, str):
        said = f"`use` wants the name of a component or flow, not {describe(target)}"
        checker.fail(target.place, said, environment)
        return None
    return named(target.value, target, node, environment, checker)


def named(
    name: str, node: Node, options: Map | None, environment: Environment, checker: FlowChecker
) -> Step | None:
    """A name alone, or what `use` names, with its options."""
    if isinstance(name, Unresolved):
        environment.unknown = True
        return None
    if name in checker.book.names:
        return _call(name, node, options or Map(node.place), environment, checker)
    built = checker.components.get(name)
    if built is None:
        known = [*checker.components.names, *checker.book.names]
        checker.problems.add(node.place, f"there is no component or flow {name!r}{meant(name, known)}")
        checker.untold(options or Map(node.place), name, nearest(name, known, LIKENESS), environment)
        return None
    if options is not None and built.signature is not None:
        checker.naming.options(options, [each.name for each in built.signature.inputs or ()], name)
    return component(built, options or Map(node.place), name, environment, checker, node.place)


def component(
    built: Built,
    node: Map,
    name: str,
    environment: Environment,
    checker: FlowChecker,
    at: Place | None = None,
) -> Step | None:
    """The step that calls a component, its inputs bound."""
    place = at or node.place
    if not built.type:
        environment.unknown = True
        return None
    if built.signature is None:
        checker.untold(node, name, "" if at else built.near, environment)
        return None
    identity = checker.naming.identity(node, name, environment)
    checker.bind.touch(node, built.signature, environment)
    if built.signature.inputs is None:
        said = f"{name!r} can't be a step, since it takes no input; refer to it by name"
        checker.fail(place, said, environment)
        return None
    arguments = checker.bind.inputs(built.signature.inputs, node, name, place, environment)
    output = Value(identity, built.signature.output, place)
    environment.store(identity, output, checker.naming.role(node, environment))
    if arguments is None:
        return None
    return ComponentStep(identity, built.value, built.signature, arguments, output)


def _call(name: str, node: Node, options: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    flow = checker.book.get(name, node.place)
    if flow is None:
        checker.untold(options, name, "", environment)
        return None
    identity = checker.naming.identity(options, name, environment)
    checker.naming.options(options, list(flow.inputs), name)
    arguments = checker.bind.flow(flow.inputs, options, name, node.place, environment)
    output = Value(identity, flow.output.type, node.place)
    environment.store(identity, output, checker.naming.role(options, environment))
    return None if arguments is None else FlowStep(identity, name, arguments, output)


def _use_schema() -> list[dict[str, Any]]:
    return [mapping(("use",), {"use": {"type": "string"}}, more={"$ref": "#/$defs/input"})]


TYPE = Form("type", inline)
USE = Form("use", used, _use_schema)
