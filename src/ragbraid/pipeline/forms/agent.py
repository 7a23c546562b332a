"""`{agent: GENERATOR, tools: [STEP, …], at_most: N, deadline: S}`: a generator chooses which steps to call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from ragbraid.generate.protocol import Generator
from ragbraid.generate.tool_calls import ToolSpec
from ragbraid.generate.tool_choice import ToolChoice
from ragbraid.pipeline.environment import Unresolved, waits
from ragbraid.pipeline.forms.calls import ComponentStep
from ragbraid.pipeline.forms.form import SECONDS, STEP, Form, bound, mapping, seconds, whole
from ragbraid.pipeline.forms.gathering import Gathering, Tool
from ragbraid.pipeline.graph import Link
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Step, Value
from ragbraid.pipeline.operations import Call, staged
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.signature import MISSING, Setting, signature_of
from ragbraid.pipeline.tree import List, Map, Node, Scalar, describe
from ragbraid.pipeline.typecheck import element_of, plain
from ragbraid.types import Hit

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher

MOST = 50
_TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_REFERENCE = Setting("agent", Generator, MISSING, Generator)


@dataclass(frozen=True, slots=True)
class AgentStep:
    """Steps that a generator calls as it likes, at most `at_most` times and `deadline` seconds.

    `arguments` are the values that its call of a tool gives, by tool and name. It gives the hits that they found.
    """

    id: str
    choice: ComponentStep
    tools: tuple[Step, ...]
    arguments: Mapping[str, Mapping[str, Value]]
    question: Value
    at_most: int
    deadline: float
    call_deadline: float | None
    output: Value

    def inside(self) -> tuple[Step, ...]:
        return (self.choice, *self.tools)

    def called(self) -> tuple[str, ...]:
        return ()

    def plan(self, planner: Planner, prefix: str) -> Operations:
        inner = f"{prefix}{self.id}."
        question, used = planner.slot(self.question), planner.fresh()
        chosen = planner.slot(self.choice.output)
        choice = Call(
            f"{inner}choose", self.choice.component, self.choice.signature, (question, used), chosen
        )
        tools = {
            each.id: Tool(
                spec,
                staged(each.plan(planner, inner)),
                {name: planner.slot(value) for name, value in self.arguments[each.id].items()},
                planner.slot(each.output),
            )
            for each, spec in zip(self.tools, self.choice.component.tools, strict=True)
        }
        bounds = self.at_most, self.deadline, self.call_deadline
        output = planner.slot(self.output)
        return [Gathering(prefix + self.id, question, used, staged([choice]), chosen, tools, *bounds, output)]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        for values in self.arguments.values():
            for value in values.values():
                grapher.note(value, key)
        question = {"question": self.question}
        node = grapher.component(key, self, self.choice.component, question, {})
        settings = {"at_most": str(self.at_most), "deadline": f"{self.deadline:g}"}
        if self.call_deadline is not None:
            settings["call_deadline"] = f"{self.call_deadline:g}"
        tools = tuple(
            replace(each, reads=tuple(link for link in each.reads if link.to != key))
            for each in grapher.steps(self.tools, f"{key}/tools")
        )
        reads = (*node.reads, *(Link("tool", each.key) for each in tools))
        blocks = {"tools": tools}
        return replace(node, form="agent", type="", reads=reads, settings=settings, blocks=blocks)


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The step of a node."""
    known = ("agent", "tools", "describe", "at_most", "deadline", "call_deadline", "id", "as")
    checker.naming.keys(node, known, "an agent")
    identity = checker.naming.identity(node, "agent", environment)
    at_most = bound(
        node, "agent", MOST, "an agent wants a bound: `at_most`, the most calls it may make", checker
    )
    deadline = seconds(node, checker)
    if "deadline" not in node.items:
        said = "an agent wants a second bound: `deadline`, the seconds it may take"
        checker.problems.add(node.where("agent"), said)
    call_deadline = seconds(node, checker, "call_deadline")
    generator = checker.components.refer(node.items["agent"], _REFERENCE, "a step")
    question = checker.bind.condition(
        Scalar(node.items["agent"].place, "question"), "an agent", str, "a question", environment
    )
    tools = _tools(node, environment, checker)
    output = Value(identity, list[Hit], node.place)
    environment.store(identity, output, checker.naming.role(node, environment))
    if tools is None or generator is None or generator.value is None:
        return None
    if question is None or at_most is None or deadline is None:
        return None
    described = _described(node, [each.id for each, _ in tools], checker)
    specs = tuple(_spec(each, values, described.get(each.id)) for each, values in tools)
    choice = ToolChoice(generator.value, specs)
    chosen = Value(f"{identity}.choose", Any, node.place, read=True)
    component = ComponentStep("choose", choice, signature_of(ToolChoice), (), chosen)
    arguments = {each.id: values for each, values in tools}
    steps = tuple(each for each, _ in tools)
    bounds = at_most, deadline, call_deadline
    return AgentStep(identity, component, steps, arguments, question, *bounds, output)


def _tools(
    node: Map, environment: Environment, checker: FlowChecker
) -> list[tuple[Step, dict[str, Value]]] | None:
    """Each tool with the values that its caller gives."""
    given = node.items.get("tools")
    if not isinstance(given, List) or not given.items:
        said = "an agent wants `tools`, a list of steps"
        place = node.where("agent") if given is None else given.place
        checker.problems.add(place, said if given is None else f"{said}, not {describe(given)}")
        return None
    found: list[tuple[Step, dict[str, Value]]] = []
    for each in given.items:
        inner = environment.child()
        values = _asked(each, inner, checker)
        inner.values.update(values)
        (step,) = checker.steps([each], inner) or (None,)
        if step is not None:
            step.output.read = True
            found.append((step, values))
    return found if len(found) == len(given.items) else None


def _asked(node: Node, environment: Environment, checker: FlowChecker) -> dict[str, Value]:
    """The inputs of a tool that its caller gives: what has no default, stands for itself in JSON and isn't given."""
    taken = _inputs(node, checker)
    written = node.items if isinstance(node, Map) else {}
    return {
        name: Value(name, annotation, node.place)
        for name, annotation, default in taken
        if default is MISSING and name not in written and parameter(annotation) is not None
        and (name == "question" or environment.find(name) is None)
    }  # fmt: skip


def _inputs(node: Node, checker: FlowChecker) -> list[tuple[str, Any, Any]]:
    name = node.items.get("use", node) if isinstance(node, Map) else node
    if isinstance(name, Scalar) and isinstance(name.value, str) and not isinstance(name.value, Unresolved):
        if name.value in checker.book.names:
            flow = checker.book.get(name.value, node.place)
            return [] if flow is None else [(k, v.value.type, v.default) for k, v in flow.inputs.items()]
        built = checker.components.get(name.value)
    elif isinstance(node, Map) and "type" in node.items:
        built = checker.components.build(node, besides=("id", "as"))
    else:
        return []
    inputs = built.signature.inputs if built is not None and built.signature is not None else None
    return [(each.name, each.annotation, each.default) for each in inputs or ()]


def parameter(annotation: Any) -> dict[str, Any] | None:
    """The JSON Schema of an argument of this type; None where JSON has none."""
    annotation = plain(annotation)
    if get_origin(annotation) is Literal:
        return {"enum": list(get_args(annotation))}
    if get_origin(annotation) is list:
        items = parameter(element_of(annotation))
        return None if items is None else {"type": "array", "items": items}
    return {"type": _TYPES[annotation]} if annotation in _TYPES else None


def _spec(step: Step, values: Mapping[str, Value], described: str | None) -> ToolSpec:
    properties = {name: parameter(each.type) for name, each in values.items()}
    schema = {"type": "object", "properties": properties, "required": list(values)}
    summary = step.signature.summary if isinstance(step, ComponentStep) else ""
    about = described or summary or f"Runs {step.id} and gives what it finds."
    return ToolSpec(step.id, about, {**schema, "additionalProperties": False})


def _described(node: Map, tools: list[str], checker: FlowChecker) -> dict[str, str]:
    """What the file says of its tools, by their ids."""
    given = node.items.get("describe")
    if given is None or waits(given):
        return {}
    if not isinstance(given, Map):
        said = f"`describe` wants a mapping of tools to texts, not {describe(given)}"
        checker.problems.add(given.place, said)
        return {}
    checker.naming.keys(given, tuple(tools), "an agent's tools: it")
    return {
        name: each.value
        for name, each in given.items.items()
        if isinstance(each, Scalar) and isinstance(each.value, str)
    }


def _schema() -> list[dict[str, Any]]:
    generator = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/component"}]}
    keys = {
        "agent": generator,
        "tools": {"type": "array", "minItems": 1, "items": STEP},
        "describe": {"type": "object", "additionalProperties": {"type": "string"}},
        "at_most": whole(1, MOST),
        "deadline": SECONDS,
        "call_deadline": SECONDS,
    }
    return [mapping(("agent", "tools", "at_most", "deadline"), keys)]


AGENT = Form("agent", check, _schema)
