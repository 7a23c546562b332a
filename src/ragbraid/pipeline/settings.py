"""A component's settings: nodes of a file → validated Python values, strictly by the signature."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, get_args, get_origin

from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.environment import Unresolved, as_number, veiled
from ragbraid.pipeline.find import tidied
from ragbraid.pipeline.innermost import innermost
from ragbraid.pipeline.signature import Setting
from ragbraid.pipeline.tree import List, Map, Node, Scalar, child, describe, scalars
from ragbraid.pipeline.typecheck import alternatives, plain, type_name
from ragbraid.pipeline.validator import json_validator
from ragbraid.secret import Secret
from ragbraid.types import ModelName


def validate(
    settings: Sequence[Setting], nodes: Mapping[str, Node], base: Path, problems: Problems
) -> dict[str, Any] | None:
    """The values of `nodes`; None where one is wrong (noted) or waits for the environment.

    Of what isn't given, there are the paths alone: a default counts from the same folder as what is written.
    """
    given = {each.name: nodes[each.name] for each in settings if each.name in nodes}
    known = {name: node for name, node in given.items() if not _waits(node)}
    values = _checked([each for each in settings if each.name in known], known, problems)
    if values is None or len(known) < len(given):
        return None
    by_name = {each.name: each for each in settings}
    placed = {name: _place_paths(value, by_name[name], given[name], base) for name, value in values.items()}
    omitted = [each for each in settings if each.name not in given and isinstance(each.default, Path)]
    return {**placed, **{each.name: _placed(each.default, base) for each in omitted}}


def as_python(node: Node) -> Any:
    """A tree as plain Python values."""
    match node:
        case Scalar(value=value):
            return value
        case List(items=items):
            return [as_python(each) for each in items]
        case Map(items=entries):
            return {key: as_python(each) for key, each in entries.items()}


def _waits(node: Node) -> bool:
    return any(isinstance(each.value, Unresolved) for each in scalars(node))


def _checked(
    settings: Sequence[Setting], nodes: Mapping[str, Node], problems: Problems
) -> dict[str, Any] | None:
    if not settings:
        return {}
    if _unfit(nodes, problems):
        return None
    from pydantic_core import ValidationError

    values: dict[str, Any] = {}
    for setting in settings:
        node = nodes[setting.name]
        text = json.dumps(_bent(node, setting.annotation), default=_text)
        try:
            values[setting.name] = json_validator(setting.annotation)(text)
        except ValidationError as error:
            at, said = _misfit(error.errors(include_url=False), setting, node)
            problems.add(at.place, f"{setting.name}: {said}")
        except Exception as error:  # whatever a component's own validators raise
            shown = "" if Secret in alternatives(plain(setting.annotation)) else f": {error}"
            problems.add(node.place, f"{setting.name}: {type(error).__name__}{veiled(shown, node)}")
    return values if len(values) == len(settings) else None


def _unfit(nodes: Mapping[str, Node], problems: Problems) -> bool:
    """Whether a value can't be a setting at all: an override's Python object, or half a character."""
    before = len(problems)
    for name, node in nodes.items():
        for each in scalars(node):
            if not isinstance(each.value, str | int | float | Secret | PurePath | None):
                problems.add(each.place, f"{name}: a {type(each.value).__name__} can't be a setting")
            elif isinstance(each.value, str) and not each.value.isascii() and _halved(each.value):
                problems.add(each.place, f"{name}: this text can't be written in UTF-8")
    return len(problems) > before


def _halved(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _text(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _bent(node: Node, annotation: Any) -> Any:
    """A node as plain values; what the environment gave stays text where text is wanted."""
    arms = [plain(each) for each in alternatives(plain(annotation))]
    if isinstance(node, Scalar) and node.text is not None:
        return _from_environment(node, arms)
    element = next((get_args(each)[0] for each in arms if get_origin(each) in (list, tuple)), Any)
    return [_bent(each, element) for each in node.items] if isinstance(node, List) else as_python(node)


def _from_environment(node: Scalar, arms: Sequence[Any]) -> Any:
    number = any(each in (int, float, bool) for each in arms)
    if not any(each in (str, Path, Secret) for each in arms):
        return as_number(node) if number else node.value
    empty = node.value is None and type(None) in arms
    return node.value if number or empty else node.text


def node_at(node: Node, location: Sequence[int | str]) -> Node:
    """The node that these keys and places lead to, or the last one on the way."""
    for key in location:
        if (inner := child(node, key)) is None:
            break
        node = inner
    return node


def _misfit(errors: Sequence[Any], setting: Setting, node: Node) -> tuple[Node, str]:
    """Which node is wrong, and what is said of it."""
    inside = innermost(errors, node, setting.annotation)
    if inside is not None:
        return inside[0], veiled(inside[1], node)
    at = node_at(node, errors[0]["loc"])  # a union reports each arm; one is enough to say
    return at, _sentence(errors[0], setting, at)


def _sentence(found: Any, setting: Setting, node: Node) -> str:
    kind, context = found["type"], found.get("ctx", {})
    bounds = {
        "greater_than_equal": ("at least", "ge"),
        "greater_than": ("more than", "gt"),
        "less_than_equal": ("at most", "le"),
        "less_than": ("less than", "lt"),
    }
    if Secret in alternatives(plain(setting.annotation)):
        return "wants text in quotes"  # and doesn't show what it was given
    if kind in bounds:
        words, key = bounds[kind]
        return f"wants {words} {context[key]}, not {describe(node)}"
    if kind == "finite_number":
        return f"wants a finite number, not {describe(node)}"
    if kind == "needs_python_object":
        return f"wants {_wanted(setting.annotation)}, which a file can't hold"
    if kind == "literal_error" or kind.endswith(("_type", "_parsing", "_from_float")):
        return f"wants {_wanted(setting.annotation)}, not {describe(node)}"
    message = veiled(str(found["msg"]), node)
    return message[:1].lower() + message[1:]


def _wanted(annotation: Any) -> str:
    # A file knows lists alone.
    return type_name(annotation).replace("tuple[", "list[").replace(", ...]", "]")


def _place_paths(value: Any, setting: Setting, node: Node, base: Path) -> Any:
    given = next((each.given for each in scalars(node)), False)
    root = Path.cwd() if given else base
    if isinstance(value, Path):
        return _placed(value, root)
    if isinstance(value, tuple):
        return tuple(_place_paths(each, setting, node, base) for each in value)
    if isinstance(value, str) and _names_model(setting.annotation) and value.startswith((".", "~", "/")):
        return str(_placed(Path(value), root))
    return value


def _placed(path: Path, root: Path) -> Path:
    return tidied(root / path.expanduser())


def _names_model(annotation: Any) -> bool:
    arms = alternatives(plain(annotation) if annotation is not ModelName else annotation)
    return any(each is ModelName or ModelName in get_args(each) for each in arms)
