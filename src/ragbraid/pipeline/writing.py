"""A checked pipeline → the text of its file.

What an override changed is in it, what the environment gave stays `${NAME}`; comments and anchors are gone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml

from ragbraid.code import Code
from ragbraid.errors import InputError
from ragbraid.pipeline.components import Built, Components
from ragbraid.pipeline.environment import escaped
from ragbraid.pipeline.forms.bodies import BODIES
from ragbraid.pipeline.function import setting_of
from ragbraid.pipeline.model import CheckedPipeline
from ragbraid.pipeline.parse import resolve
from ragbraid.pipeline.settings import as_python
from ragbraid.pipeline.signature import Setting
from ragbraid.pipeline.tree import List, Map, Node, Scalar, from_value, scalars
from ragbraid.secret import Secret
from ragbraid.types import ModelName

_WIDTH = 96
_BODIES = ("steps", *BODIES)
_BREAKS = re.compile("[\r\x85\u2028\u2029]")
"""Line breaks that YAML reads as `\\n` where they aren't escaped."""
_UGLY = re.compile("^[ \n]| (\n|$)|\t")
"""What a text of several lines can't have where it stands below a `|`."""


def to_yaml(checked: CheckedPipeline) -> str:
    """The text of a file that says the same, for the folder that the pipeline is based on.

    Raises `InputError` where it holds a secret, or code that no file could name.
    """
    assert checked.written is not None, "a checked pipeline knows what it was read from"
    root, components = checked.written
    out = Map(root.place)
    for key, value in {"ragbraid": root.items["ragbraid"], "name": _name(checked), **root.items}.items():
        out.put(key, value if key.startswith("x-") else _Rewriter(components).node(value), root.where(key))
    events = [yaml.StreamStartEvent(), yaml.DocumentStartEvent(explicit=False), *_events(out, 0)]
    events += [yaml.DocumentEndEvent(explicit=False), yaml.StreamEndEvent()]
    text: str = yaml.emit(events, Dumper=_Dumper, allow_unicode=True, width=math.inf)
    return text


def spec_of(checked: CheckedPipeline, component: Any) -> dict[str, Any]:
    """A component of a checked pipeline as a file in any folder writes it: `{"type": …}`.

    The components that it refers to stand in place, and paths are absolute; what the environment gave stays
    `${NAME}`, save in paths. Raises `InputError` where it holds a secret, or code that no file could name.
    """
    assert checked.written is not None, "a checked pipeline knows what it was read from"
    components = checked.written[1]
    node, built = components.definition(component)
    assert built.signature is not None, "what was made has a signature"
    _demand_nameable(node)
    spec: dict[str, Any] = {"type": built.type}
    rewriter = _Rewriter(components)
    for setting in built.signature.settings:
        held = setting_of(component, setting.name)
        if setting.protocol is not None and held is not None:
            spec[setting.name] = (
                [spec_of(checked, each) for each in held] if setting.many else spec_of(checked, held)
            )
        elif isinstance(held, Path):
            spec[setting.name] = as_python(_as_written(Scalar(node.place, held.as_posix(), given=True)))
        elif setting.name in node.items:
            spec[setting.name] = as_python(rewriter.setting(setting, node.items[setting.name], built))
    return spec


def _name(checked: CheckedPipeline) -> Scalar:
    """A pipeline without a `name` has its file's, which another file needn't have."""
    assert checked.written is not None
    return Scalar(checked.written[0].place, checked.name, given=True)


class _Rewriter:
    """Nodes as a file has them: variables by name, overrides as if they had stood there."""

    def __init__(self, components: Components) -> None:
        self._components = components

    def node(self, node: Node) -> Node:
        match node:
            case Scalar():
                return _as_written(node)
            case List(place, items):
                return List(place, [self.node(each) for each in items])
            case Map(place, items):
                built = self._components.made(node)
                _demand_nameable(node)
                return Map(place, {key: self._entry(key, each, built) for key, each in items.items()})

    def _entry(self, key: str, node: Node, built: Built | None) -> Node:
        setting = built.signature.setting(key) if built and built.signature else None
        if built is None or setting is None:
            return self.node(node)
        given = any(each.given for each in scalars(node))
        return self.setting(setting, node, built, placed=given)

    def setting(self, setting: Setting, node: Node, built: Built, *, placed: bool = True) -> Node:
        """The value of a component's setting; with `placed`, paths are as they were found to be."""
        if _mentions(setting.annotation, Secret):
            _demand_variable(node, setting, built)
        if placed and _mentions(setting.annotation, Path, ModelName):
            node = from_value(_posix(setting_of(built.value, setting.name)), node.place)
        return self.node(node)


def _posix(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_posix(each) for each in value]
    return value.as_posix() if isinstance(value, Path) else value


def _as_written(node: Scalar) -> Scalar:
    if node.written is not None:
        return Scalar(node.place, node.written, node.plain)
    if isinstance(node.value, Secret):
        raise _secret(str(node.place))
    if isinstance(node.value, Code):
        raise InputError(
            f"{node.value.name} is an object of the running program, so no file can name it.",
            "Write a function that makes it, and in the file {type: langchain, object: module:function}.",
        )
    if node.given and isinstance(node.value, str):
        return Scalar(node.place, escaped(node.value))
    return Scalar(node.place, node.value)


def _demand_variable(node: Node, setting: Setting, built: Built) -> None:
    for each in scalars(node):
        if each.value is not None and "${" not in (each.written or ""):
            raise _secret(f"{setting.name} of {built.type!r}")


def _secret(where: str) -> InputError:
    return InputError(
        f"{where} is a secret, and secrets aren't written to a file.",
        "Give it as a variable of the environment: ${NAME}.",
    )


def _demand_nameable(node: Map) -> None:
    kind = node.items.get("type")
    if isinstance(kind, Scalar) and str(kind.value).startswith("__main__:"):
        raise InputError(
            f"{str(kind.value).partition(':')[2]} is defined in the running script, so no file can name it.",
            "Move it to a module.",
        )


def _mentions(annotation: Any, *kinds: Any) -> bool:
    return annotation in kinds or any(_mentions(each, *kinds) for each in get_args(annotation))


class _Dumper(yaml.SafeDumper):
    """Indents the items of a list below its key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _events(node: Node, depth: int, *, body: bool = False) -> Iterator[yaml.Event]:
    section = depth == 1 and not (
        isinstance(node, Map) and all(isinstance(each, Scalar) for each in node.items.values())
    )
    flow = depth > 0 and not section and not body and _width(node) <= _WIDTH
    match node:
        case Scalar():
            yield _scalar(node)
        case List(items=items):
            yield yaml.SequenceStartEvent(None, None, True, flow_style=flow)
            for each in items:
                yield from _events(each, depth + 1)
            yield yaml.SequenceEndEvent()
        case Map(items=entries):
            yield yaml.MappingStartEvent(None, None, True, flow_style=flow)
            for key, each in entries.items():
                yield _scalar(Scalar(node.place, key))
                yield from _events(each, depth + 1, body=key in _BODIES and isinstance(each, List))
            yield yaml.MappingEndEvent()


def _width(node: Node) -> float:
    """How many characters a node takes on one line; infinite where it wants lines of its own."""
    match node:
        case Scalar(value=value, plain=plain):
            own_line = isinstance(value, str) and ("\n" in value or (plain and "$" in value))
            return math.inf if own_line else len(str(value)) + 2
        case List(items=items):
            return sum(map(_width, items)) + 2
        case Map(items=entries):
            bodies = any(isinstance(entries.get(key), List) for key in _BODIES)
            return math.inf if bodies else sum(len(key) + 2 + _width(each) for key, each in entries.items())


def _scalar(node: Scalar) -> yaml.ScalarEvent:
    value, style = node.value, None
    if isinstance(value, str):
        text = value
        if "$" in text:
            style = None if node.plain else '"'
        elif resolve(text) is not text or text == "<<" or _BREAKS.search(text):
            style = '"'
        elif "\n" in text:
            style = '"' if _UGLY.search(text) else "|"
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, float):
        text = _float(value)
    else:
        text = str(value)
    return yaml.ScalarEvent(None, None, (True, True), text, style=style)


def _float(value: float) -> str:
    if math.isnan(value):
        raise InputError("A pipeline file can't hold a number that is none (nan).")
    return float.__repr__(value) if math.isfinite(value) else f"{'-' if value < 0 else ''}1e999"
