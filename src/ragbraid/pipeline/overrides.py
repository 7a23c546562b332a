"""Overrides of a file by id: `components.index.path`, `search.maxsim.candidates`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragbraid.errors import InputError, PipelineFileError
from ragbraid.pipeline.diagnostics import Place, Problems, meant
from ragbraid.pipeline.parse import parse_value
from ragbraid.pipeline.settings import as_python
from ragbraid.pipeline.tree import List, Map, Node, Scalar, from_value

FLOWS = ("ingest", "search", "ask", "chat")


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
        entries = _entries(node, flow=depth >= 1)
        if name not in entries:
            problems.add(place, f"{inside} has no {name!r}{meant(name, entries)}")
            return None
        node, inside = entries[name], repr(name)
    if isinstance(node, Map):
        return node
    problems.add(place, f"{inside} has no settings of its own; set them where it is defined")
    return None


def _entries(node: Node, *, flow: bool) -> dict[str, Node]:
    if isinstance(node, Map):
        steps = node.items.get("steps")
        return _entries(steps, flow=True) if flow and isinstance(steps, List) else dict(node.items)
    if not isinstance(node, List):
        return {}
    found: dict[str, Node] = {}
    for each in node.items:
        name = _step_id(each)
        if name is not None:
            found.setdefault(name, each)
        for key in ("then", "else"):
            if isinstance(each, Map) and key in each.items:
                found.update(
                    {k: v for k, v in _entries(each.items[key], flow=True).items() if k not in found}
                )
    return found


def _step_id(node: Node) -> str | None:
    if isinstance(node, Scalar):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, Map):
        for key in ("id", "type", "use"):
            given = node.items.get(key)
            if isinstance(given, Scalar) and isinstance(given.value, str):
                return given.value.rpartition(":")[2].rpartition("/")[2]
    return None
