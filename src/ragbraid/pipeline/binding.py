"""Inputs of a step → the values they read: by name, by what the file says, or by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragbraid.pipeline.components import literal
from ragbraid.pipeline.diagnostics import Place, Problems, meant
from ragbraid.pipeline.environment import Unresolved
from ragbraid.pipeline.model import Argument, Constant, FlowInput, Value
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.settings import validate
from ragbraid.pipeline.signature import MISSING, Input, Setting, Signature
from ragbraid.pipeline.tree import List, Map, Node, Scalar, describe, scalars
from ragbraid.pipeline.typecheck import assignable, element_of, type_name


class Binder:
    """Wires inputs and compares types along every edge."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def inputs(
        self, inputs: Sequence[Input], node: Map, step: str, place: Place, environment: Environment
    ) -> tuple[Argument, ...] | None:
        """An argument for each input of a component, in order; None where one is wrong."""
        bound = [
            self._one(each.name, each.annotation, each.default, node, step, place, environment)
            for each in inputs
        ]
        return (
            None if any(each is None for each in bound) else tuple(each for each in bound if each is not None)
        )

    def flow(
        self, inputs: Mapping[str, FlowInput], node: Map, step: str, place: Place, environment: Environment
    ) -> dict[str, Argument] | None:
        """An argument for each input of a flow, by name; None where one is wrong."""
        bound = {
            name: self._one(name, each.value.type, each.default, node, step, place, environment)
            for name, each in inputs.items()
        }
        if any(each is None for each in bound.values()):
            return None
        return {name: each for name, each in bound.items() if each is not None}

    def condition(
        self, node: Node, key: str, wanted: Any, what: str, environment: Environment
    ) -> Value | None:
        """The value that a key names, of the type that is wanted: `what`, in words."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            self._problems.add(node.place, f"`{key}` wants the name of {what}, not {describe(node)}")
            return None
        value = self._find(node.value, node.place, environment)
        if value is not None and not assignable(value.type, wanted):
            said = f"`{key}` wants {type_name(wanted)}, and {node.value!r} is {type_name(value.type)}"
            self._problems.add(node.place, said)
            return None
        return value

    def touch(self, node: Map, signature: Signature, environment: Environment) -> None:
        """Count what stands under a misspelt input as read, so that one mistake is one message."""
        known = {each.name for each in signature.settings} | {each.name for each in signature.inputs or ()}
        for key, each in node.items.items():
            if key not in known and key not in ("id", "as", "type", "use"):
                _read(each, environment)

    def _one(
        self,
        name: str,
        wanted: Any,
        default: Any,
        node: Map,
        step: str,
        place: Place,
        environment: Environment,
    ) -> Argument | None:
        given = node.items.get(name)
        if given is not None:
            return self._given(name, wanted, given, step, environment)
        if environment.caller is not None and default is MISSING:
            value = environment.caller(name, wanted, place)
            if value is not None:
                return value
        value = environment.find(name)
        if value is not None and default is not MISSING and not assignable(value.type, wanted):
            value = None  # an optional input doesn't insist on a namesake of another type
        if value is not None:
            return self._fits(value, name, wanted, step, place)
        if default is not MISSING:
            return Constant(default)
        if not environment.may_give(name):
            self._problems.add(
                place,
                f"{step!r} wants the input `{name}` ({type_name(wanted)}), and no earlier step gives it",
            )
        return None

    def _given(
        self, name: str, wanted: Any, given: Node, step: str, environment: Environment
    ) -> Argument | None:
        is_literal, _ = literal(given)
        if is_literal and isinstance(given, Map):
            setting = Setting(name, wanted, MISSING)
            values = validate([setting], {name: given.items["value"]}, Path(), self._problems)
            return None if values is None else Constant(values[name])
        if isinstance(given, Scalar) and isinstance(given.value, str):
            value = self._find(given.value, given.place, environment)
            return None if value is None else self._fits(value, name, wanted, step, given.place)
        if isinstance(given, List):
            return self._gathered(name, wanted, given, step, environment)
        self._problems.add(given.place, f"{name} wants a name or {{value: …}}, not {describe(given)}")
        return None

    def _gathered(
        self, name: str, wanted: Any, given: List, step: str, environment: Environment
    ) -> Argument | None:
        element = element_of(wanted)
        if element is None:
            _read(given, environment)
            self._problems.add(
                given.place, f"{name} of {step!r} wants {type_name(wanted)}, not a list of names"
            )
            return None
        if not given.items:
            self._problems.add(given.place, f"{name} of {step!r} wants at least one name")
        found: list[Value] = []
        for each in given.items:
            if not isinstance(each, Scalar) or not isinstance(each.value, str):
                self._problems.add(each.place, f"{name} wants names, not {describe(each)}")
                continue
            value = self._find(each.value, each.place, environment)
            if value is not None and self._fits(value, name, element, step, each.place):
                found.append(value)
        return tuple(found) if found and len(found) == len(given.items) else None

    def _find(self, name: str, place: Place, environment: Environment) -> Value | None:
        value = environment.find(name)
        if value is not None:
            value.read = True
        elif isinstance(name, Unresolved):
            environment.unknown = True
        elif not environment.may_give(name):
            inputs = (f"inputs.{each}" for each in environment.inputs)
            near = meant(name, [*environment.values, *sorted(environment.untold), *inputs])
            self._problems.add(place, f"there is no value {name!r} at this step{near}")
        return value

    def _fits(self, value: Value, name: str, wanted: Any, step: str, place: Place) -> Value | None:
        value.read = True
        if assignable(value.type, wanted):
            return value
        self._problems.add(
            place,
            f"`{name}` of {step!r} wants {type_name(wanted)}, "
            f"and {value.name!r} gives {type_name(value.type)}",
        )
        return None


def _read(node: Node, environment: Environment) -> None:
    for each in scalars(node):
        value = environment.find(each.value) if isinstance(each.value, str) else None
        if value is not None:
            value.read = True
