"""`{route: ROUTER, to: {NAME: …}, otherwise: …}`: each question on the way that a router chooses for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.pipeline.components import Built
from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.pipeline.environment import waits
from ragbraid.pipeline.forms.branch import Branch, agree
from ragbraid.pipeline.forms.calls import ComponentStep
from ragbraid.pipeline.forms.form import BODY, Form, block, mapping
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Block, Step, Value
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.signature import Setting, signature_of
from ragbraid.pipeline.tree import Map, Node, describe
from ragbraid.route.intent import Intent
from ragbraid.route.protocol import OTHERWISE, Router

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher

_ROUTER = Setting("route", Router, None, Router)


@dataclass(frozen=True, slots=True)
class Routed:
    """A step that names each question's route, and a branch by that name."""

    id: str
    named: ComponentStep
    branch: Branch
    output: Value

    def inside(self) -> tuple[Step, ...]:
        return (self.named, *self.branch.inside())

    def called(self) -> tuple[str, ...]:
        return ()

    def plan(self, planner: Planner, prefix: str) -> Operations:
        return [*self.named.plan(planner, prefix), *self.branch.plan(planner, prefix)]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        grapher.note(self.named.output, key)
        return self.branch.drawn(grapher, key)


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The routed step of a node."""
    checker.naming.keys(node, ("route", "to", "otherwise", "question", "id", "as"), "a route")
    identity = checker.naming.identity(node, "route", environment)
    router = _router(node.items["route"], environment, checker)
    signature = signature_of(Intent)
    arguments = checker.bind.inputs(signature.inputs or (), node, identity, node.place, environment)
    ways = _ways(node, router, environment, checker)
    otherwise = None
    if OTHERWISE in node.items:
        otherwise = block(node, OTHERWISE, environment, checker, "a route", called=OTHERWISE)
    else:
        said = "a route wants `otherwise`: where a question goes that no route is for"
        checker.problems.add(node.where("route"), said)
    if ways is None or otherwise is None or not agree(node, ways, otherwise, environment, checker):
        environment.unknown = True
        return None
    output = Value(identity, otherwise.output.type, node.place)
    environment.store(identity, output, checker.naming.role(node, environment))
    if router is None or router.value is None or arguments is None:
        return None
    name = Value(f"{identity}'s route", signature.output, node.place, read=True)
    named = ComponentStep(identity, Intent(router.value), signature, arguments, name)
    return Routed(identity, named, Branch(identity, name, ways, otherwise, output), output)


def _router(node: Node, environment: Environment, checker: FlowChecker) -> Built | None:
    found = checker.components.refer(node, _ROUTER, "route")
    if found is None or found.value is None:
        environment.unknown = True
    return found


def _ways(
    node: Map, router: Built | None, environment: Environment, checker: FlowChecker
) -> dict[str | bool, Block] | None:
    """The block of each route; None where one is wrong."""
    given = node.items.get("to")
    if given is None or not isinstance(given, Map) or not given.items:
        if given is None or not waits(given):
            place = node.where("route") if given is None else given.place
            said = "a route wants `to`: a mapping of the router's routes to steps"
            checker.problems.add(place, said if given is None else f"{said}, not {describe(given)}")
        return None
    table = getattr(router.value, "table", None) if router is not None else None
    known = None if table is None else list(table.routes)
    ways: dict[str | bool, Block] = {}
    for name in given.items:
        if name == OTHERWISE:
            checker.problems.add(given.where(name), "`otherwise` stands beside `to`, not in it")
        elif known is not None and name not in known:
            checker.problems.add(given.where(name), f"the router has no route {name!r}{meant(name, known)}")
        found = block(given, name, environment, checker, "a route", called=name)
        if found is not None:
            ways[name] = found
    if missing := [repr(each) for each in known or () if each not in given.items]:
        checker.problems.add(given.place, f"`to` doesn't say where {listed(missing)} leads")
    return ways if len(ways) == len(given.items) else None


def _schema() -> list[dict[str, Any]]:
    router = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/component"}]}
    ways = {"type": "object", "minProperties": 1, "additionalProperties": BODY}
    asked = {"$ref": "#/$defs/input"}
    keys = {"route": router, "to": ways, "otherwise": BODY, "question": asked}
    return [mapping(("route", "to", "otherwise"), keys)]


ROUTE = Form("route", check, _schema)
