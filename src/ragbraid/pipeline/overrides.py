"""Overrides of a file by id: `components.index.path`, `search.maxsim.candidates`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragbraid.errors import InputError, PipelineFileError
from ragbraid.pipeline.diagnostics import Place, Problems, meant
from ragbraid.pipeline.forms.bodies import TABLES, bodies
from ragbraid.pipeline.forms.registry import FORMS
from ragbraid.pipeline.parse import parse_value
from ragbraid.pipeline.settings import as_python
from ragbraid.pipeline.tree import List, Map, Node, Scalar, from_value


def parse_overrides(texts: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` texts, as a command line gives them → keys and values; a value is read as YAML.

    Raises `InputError` for a text without `=`, and `PipelineFileError` for a value that isn't YAML.
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(
                f"--set {text!r} isn't of the form KEY=VALUE.", "Write --set search.dense.candidates=50."
            )
        problems = Problems()
        node = (
            parse_value(value, f"--set {key.strip()}", problems) if value.strip() else Scalar(Place(""), "")
        )
        if problems or node is None:
            raise PipelineFileError(problems.sorted())
        found[key.strip()] = as_python(node)
    return found


def override(root: Map, values: Mapping[str, Any], problems: Problems) -> None:
    """Put each value in its place in the tree; a key that leads nowhere is noted."""
    for key, value in values.items():
        place = Place(f"--set {key}")
        *way, last = key.split(".")
        target = _walk(root, way, place, problems)
        if target is None:
            continue
        if not way and last not in ("name", "description"):
            problems.add(
                place, "an override names a setting, such as components.index.path or search.dense.candidates"
            )
            continue
        target.put(last, from_value(value, place), place)


def _walk(root: Map, way: Sequence[str], place: Place, problems: Problems) -> Map | None:
    node: Node = root
    inside = "the file"
    for depth, name in enumerate(way):
        # An anchored value stands in several places, and an override is meant for one of them.
        entries = _own_entries(node, flow=depth == (2 if way[0] == "flows" else 1))
        if name not in entries:
            problems.add(place, f"{inside} has no {name!r}{meant(name, entries)}")
            return None
        node, inside = entries[name], repr(name)
    if isinstance(node, Map):
        return node
    problems.add(place, f"{inside} has no settings of its own; set them where it is defined")
    return None


def _own_entries(node: Node, *, flow: bool) -> dict[str, Node]:
    """What stands in a node by name or, in a flow, by step id; each made this node's own first."""
    if isinstance(node, List):
        return _own_steps(node)
    if not isinstance(node, Map):
        return {}
    node.items = {name: _copied(each) for name, each in node.items.items()}
    steps = node.items.get("steps")
    if flow and isinstance(steps, List):
        return {**node.items, **_own_steps(steps)}
    return node.items


def _own_steps(node: Node) -> dict[str, Node]:
    """The steps of a list, and those inside its branches and loops, by id."""
    steps = [node]
    if isinstance(node, List):
        steps = node.items = [_copied(each) for each in node.items]
    found: dict[str, Node] = {}
    for each in steps:
        name = _step_id(each)
        if name is not None:
            found.setdefault(name, each)
        if isinstance(each, Map):
            for key in TABLES:
                if key in each.items:
                    each.items[key] = _copied(each.items[key])
            for inside, key in bodies(each):
                inside.items[key] = inner = _copied(inside.items[key])
                if "route" in each.items and isinstance(inner, Map) and "id" not in inner.items:
                    found.setdefault(key, inner)  # a route's one step is called as the route
                found = {**_own_steps(inner), **found}
    return found


def _copied(node: Node) -> Node:
    match node:
        case Map():
            return Map(node.place, dict(node.items), dict(node.keys))
        case List():
            return List(node.place, list(node.items))
        case _:
            return node


def _step_id(node: Node) -> str | None:
    if isinstance(node, Scalar):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, Map):
        for key in ("id", "type", "use"):
            given = node.items.get(key)
            if isinstance(given, Scalar) and isinstance(given.value, str):
                return given.value.rpartition(":")[2].rpartition("/")[2]
        return next((key for key in FORMS if key in node.items), None)
    return None
