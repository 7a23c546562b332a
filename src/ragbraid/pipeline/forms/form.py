"""A form of step: the key that tells it, and how it is checked. Each form has a file of its own here.

That file says all there is to a form: how a node becomes a step, how the step is planned and drawn, and what
its operation does in a run. `registry.py` lists the forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.pipeline.diagnostics import meant
from ragbraid.pipeline.environment import as_number, waits
from ragbraid.pipeline.model import Block, Flow, Step
from ragbraid.pipeline.scope import RESERVED, Environment
from ragbraid.pipeline.tree import List, Map, Node, Scalar, describe

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker

NAME: dict[str, Any] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"}
VARIABLE: dict[str, Any] = {"type": "string", "pattern": r"\$\{"}
NAMED: dict[str, Any] = {"anyOf": [NAME, VARIABLE]}
STEP: dict[str, Any] = {"$ref": "#/$defs/step"}
BODY: dict[str, Any] = {"anyOf": [STEP, {"$ref": "#/$defs/steps"}]}
SECONDS: dict[str, Any] = {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 86_400}, VARIABLE]}
"""Parts of the JSON Schema of a form."""


@dataclass(frozen=True, slots=True)
class Form:
    """`key` tells a step of this form. `check` gives the step of a node, or notes what is wrong with it.

    `schema` are the JSON Schemas of the ways to write it; `type` has none, since each type has its own.
    """

    key: str
    check: Callable[[Map, Environment, FlowChecker], Step | None]
    schema: Callable[[], list[dict[str, Any]]] = list


def mapping(required: tuple[str, ...], properties: dict[str, Any], *, more: Any = False) -> dict[str, Any]:
    """The JSON Schema of a form with these keys; every form may have `id` and `as`."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**properties, "id": NAMED, "as": NAMED},
        "additionalProperties": more,
    }


def whole(least: int, most: int) -> dict[str, Any]:
    """The JSON Schema of a whole number."""
    return {"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, VARIABLE]}


def seconds(node: Map, checker: FlowChecker, key: str = "deadline") -> float | None:
    """The number that a key holds, if any."""
    given = node.items.get(key)
    if given is None or waits(given):
        return None
    if isinstance(given, Scalar) and type(count := as_number(given)) in (int, float) and 0 < count <= 86_400:
        return float(count)
    said = f"{key} wants seconds, more than 0 and at most 86400, not {describe(given)}"
    checker.problems.add(given.place, said)
    return None


def block(
    node: Map,
    key: str,
    environment: Environment,
    checker: FlowChecker,
    form: str,
    called: str | None = None,
) -> Block | None:
    """The steps under a key, which see what is known before them, and are unknown after it.

    A single step without an id is `called` so.
    """
    if key not in node.items:
        checker.problems.add(node.place, f"{form} wants `{key}`")
        return None
    body = node.items[key]
    nodes: list[Node] = body.items if isinstance(body, List) else [body]
    if not nodes:
        checker.problems.add(body.place, f"`{key}` has no steps")
        return None
    inner = environment.child()
    inner.only = called if len(nodes) == 1 and called not in RESERVED else None
    steps = checker.steps(nodes, inner)
    if len(steps) < len(nodes):
        return None
    steps[-1].output.read = True
    checker.unread(steps, inner)
    return Block(tuple(steps), steps[-1].output)


def named_flow(node: Node, key: str, checker: FlowChecker) -> Flow | None:
    """The flow that a key names."""
    if isinstance(node, Scalar) and node.value in checker.book.names:
        return checker.book.get(str(node.value), node.place)
    if waits(node):
        return None
    near = meant(str(node.value), checker.book.names) if isinstance(node, Scalar) else ""
    checker.problems.add(node.place, f"`{key}` wants the name of a flow, not {describe(node)}{near}")
    return None


def bound(node: Map, key: str, most: int, what: str, checker: FlowChecker) -> int | None:
    """The number that `at_most` holds. Without one there is no bound, which is an error: `what` names it."""
    given = node.items.get("at_most")
    if given is None:
        checker.problems.add(node.where(key), what)
    elif waits(given):
        return None
    elif isinstance(given, Scalar) and type(count := as_number(given)) is int and 1 <= count <= most:
        return count
    else:
        checker.problems.add(given.place, f"at_most wants a number from 1 to {most}, not {describe(given)}")
    return None
