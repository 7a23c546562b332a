"""`{agent: GENERATOR, tools: [STEP, …], at_most: N, deadline: S}`: a generator chooses what is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ragbraid.generate.protocol import Generator
from ragbraid.generate.tool_choice import ToolChoice
from ragbraid.pipeline.environment import waits
from ragbraid.pipeline.forms.calls import ComponentStep
from ragbraid.pipeline.forms.form import SECONDS, STEP, Form, bound, mapping, seconds, whole
from ragbraid.pipeline.forms.gathering import Bounds, Gathering, Tool
from ragbraid.pipeline.forms.tools import described, spec_of, tools_of
from ragbraid.pipeline.graph import Link
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Step, Value
from ragbraid.pipeline.operations import Call, staged
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.signature import MISSING, Setting, signature_of
from ragbraid.pipeline.tree import Map, Scalar, describe
from ragbraid.pipeline.typecheck import role_of, type_name
from ragbraid.types import Answer, Hit

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher

MOST = 50
_KEYS = (
    *("agent", "tools", "describe", "question", "at_most", "deadline", "call_deadline", "made_up"),
    *("id", "as"),
)
_REFERENCE = Setting("agent", Generator, MISSING, Generator)


@dataclass(frozen=True, slots=True)
class AgentStep:
    """Steps that a generator calls as it likes, within bounds.

    `arguments` are the values that its call of a tool gives, by tool and name. It gives the hits that its
    tools found where all of them give hits, else one answer.
    """

    id: str
    choice: ComponentStep
    tools: tuple[Step, ...]
    arguments: Mapping[str, Mapping[str, Value]]
    question: Value
    bounds: Bounds
    made_up: bool
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
        tools: dict[str, Tool] = {}
        for each, spec in zip(self.tools, self.choice.component.tools, strict=True):
            # Known before a called flow is written out, whose slots are its own.
            arguments = {name: planner.slot(value) for name, value in self.arguments[each.id].items()}
            stages = staged(each.plan(planner, inner))
            tools[each.id] = Tool(spec, stages, arguments, planner.slot(each.output))
        output = planner.slot(self.output)
        choosing = question, used, staged([choice]), chosen
        how = self.bounds, self.made_up, role_of(self.output.type) == "hits"
        return [Gathering(prefix + self.id, *choosing, tools, *how, output)]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        for values in self.arguments.values():
            for value in values.values():
                grapher.note(value, key)
        question = {"question": self.question}
        node = grapher.component(key, self, self.choice.component, question, {})
        bounds = self.bounds
        settings = {"at_most": str(bounds.at_most), "deadline": f"{bounds.deadline:g}"}
        if bounds.call_deadline is not None:
            settings["call_deadline"] = f"{bounds.call_deadline:g}"
        tools = tuple(
            replace(each, reads=tuple(link for link in each.reads if link.to != key))
            for each in grapher.steps(self.tools, f"{key}/tools")
        )
        reads = (*node.reads, *(Link("tool", each.key) for each in tools))
        blocks = {"tools": tools}
        return replace(node, form="agent", type="", reads=reads, settings=settings, blocks=blocks)


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The step of a node."""
    checker.naming.keys(node, _KEYS, "an agent")
    identity = checker.naming.identity(node, "agent", environment)
    bounds = _bounds(node, checker)
    generator = checker.components.refer(node.items["agent"], _REFERENCE, "a step")
    asked = node.items.get("question", Scalar(node.items["agent"].place, "question"))
    question = checker.bind.condition(asked, "question", str, "a text", environment)
    made_up = _made_up(node, checker)
    tools = tools_of(node, environment, checker)
    descriptions = {} if tools is None else described(node, [each.id for each, _ in tools], checker)
    given = None if tools is None else _given(node, [each for each, _ in tools], checker)
    if tools is None or given is None:
        environment.unknown = True
        return None
    output = Value(identity, given, node.place)
    environment.store(identity, output, checker.naming.role(node, environment))
    if generator is None or generator.value is None or question is None or bounds is None:
        return None
    specs = tuple(spec_of(each, values, descriptions.get(each.id)) for each, values in tools)
    choice = ToolChoice(generator.value, specs)
    chosen = Value(f"{identity}.choose", Any, node.place, read=True)
    component = ComponentStep("choose", choice, signature_of(ToolChoice), (), chosen)
    arguments = {each.id: values for each, values in tools}
    steps = tuple(each for each, _ in tools)
    return AgentStep(identity, component, steps, arguments, question, bounds, made_up, output)


def _bounds(node: Map, checker: FlowChecker) -> Bounds | None:
    wanting = "an agent wants a bound: `at_most`, the most calls it may make"
    at_most = bound(node, "agent", MOST, wanting, checker)
    deadline, each = seconds(node, checker), seconds(node, checker, "call_deadline")
    if "deadline" not in node.items:
        said = "an agent wants a second bound: `deadline`, the seconds it may take"
        checker.problems.add(node.where("agent"), said)
    return None if at_most is None or deadline is None else Bounds(at_most, deadline, each)


def _made_up(node: Map, checker: FlowChecker) -> bool:
    given = node.items.get("made_up")
    if given is None or waits(given):
        return False
    if isinstance(given, Scalar) and isinstance(given.value, bool):
        return given.value
    checker.problems.add(given.place, f"made_up wants true or false, not {describe(given)}")
    return False


def _given(node: Map, tools: Sequence[Step], checker: FlowChecker) -> Any:
    """What the agent gives: hits where every tool does, an answer where none does; None where they differ."""
    hits = [each for each in tools if role_of(each.output.type) == "hits"]
    if not hits:
        return Answer
    if len(hits) == len(tools):
        return list[Hit]
    other = next(each for each in tools if each not in hits)
    said = (
        f"an agent's tools all give hits, or none does: {hits[0].id!r} gives hits, and {other.id!r} "
        f"{type_name(other.output.type)}; a flow that ends in a step that answers is no tool of hits"
    )
    checker.problems.add(node.items["tools"].place, said)
    return None


def _schema() -> list[dict[str, Any]]:
    generator = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/component"}]}
    keys = {
        "agent": generator,
        "tools": {"type": "array", "minItems": 1, "items": STEP},
        "describe": {"type": "object", "additionalProperties": {"type": "string"}},
        "at_most": whole(1, MOST),
        "deadline": SECONDS,
        "call_deadline": SECONDS,
        "question": {"type": "string"},
        "made_up": {"type": "boolean"},
    }
    return [mapping(("agent", "tools", "at_most", "deadline"), keys)]


AGENT = Form("agent", check, _schema)
