"""The tools of an agent: steps, some of whose inputs their caller gives, and how a model is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from ragbraid.generate.tool_calls import ToolSpec
from ragbraid.pipeline.diagnostics import Place
from ragbraid.pipeline.environment import waits
from ragbraid.pipeline.forms.calls import ComponentStep
from ragbraid.pipeline.model import Step, Value
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.tree import List, Map, Scalar, describe
from ragbraid.pipeline.typecheck import element_of, plain

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker

_TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class _Caller:
    """Gives what a tool is to be called with: `values` has what it was asked for."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.values: dict[str, Value] = {}

    def __call__(self, name: str, wanted: Any, place: Place) -> Value | None:
        """The question, and what no earlier step gives; None for what no JSON can hold."""
        known = name != "question" and self._environment.find(name) is not None
        if known or parameter(wanted) is None:
            return None
        return self.values.setdefault(name, Value(name, wanted, place))


def tools_of(
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
        inner.caller = caller = _Caller(environment)
        (step,) = checker.steps([each], inner) or (None,)
        if step is not None:
            step.output.read = True
            found.append((step, caller.values))
    return found if len(found) == len(given.items) else None


def parameter(annotation: Any) -> dict[str, Any] | None:
    """The JSON Schema of an argument of this type; None where JSON has none."""
    annotation = plain(annotation)
    if get_origin(annotation) is Literal:
        return {"enum": list(get_args(annotation))}
    if get_origin(annotation) is list:
        items = parameter(element_of(annotation))
        return None if items is None else {"type": "array", "items": items}
    return {"type": _TYPES[annotation]} if annotation in _TYPES else None


def spec_of(step: Step, values: Mapping[str, Value], described: str | None) -> ToolSpec:
    """A tool as a model is told of it: in the file's words, else its own."""
    properties = {name: parameter(each.type) for name, each in values.items()}
    schema = {"type": "object", "properties": properties, "required": list(values)}
    summary = step.signature.summary if isinstance(step, ComponentStep) else ""
    about = described or summary or f"Runs {step.id} and gives what it finds."
    return ToolSpec(step.id, about, {**schema, "additionalProperties": False})


def described(node: Map, tools: list[str], checker: FlowChecker) -> dict[str, str]:
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
