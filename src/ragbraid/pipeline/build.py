"""A pipeline written in Python: the values of a call → the tree that the check reads.

Strings mean what they mean in a file: names, paths, `${NAME}`.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeAlias, TypedDict

from ragbraid import registry
from ragbraid.code import Code
from ragbraid.pipeline.diagnostics import Place, Problems
from ragbraid.pipeline.parse import MAX_NODES
from ragbraid.pipeline.signature import MISSING, SignatureError, signature_of
from ragbraid.pipeline.syntax import MAX_DEPTH
from ragbraid.pipeline.tree import List, Map, Node, Scalar
from ragbraid.secret import Secret

_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}")


class Configured(Protocol):
    """A component: a dataclass whose fields are its settings."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


Component: TypeAlias = Configured | Callable[..., Any] | Mapping[str, Any]
"""A component as it is written: a value of its class, its class or function alone, or a mapping as in a file,
whose `type` may be any of these."""
Step: TypeAlias = str | Component
Flow: TypeAlias = Sequence[Step] | Mapping[str, Any]


class Sections(TypedDict, total=False):
    """The sections of a pipeline, as in its file."""

    name: str
    description: str
    components: Mapping[str, Component]
    fields: Mapping[str, str]
    ingest: Flow
    search: Flow
    ask: Flow
    chat: Flow
    flows: Mapping[str, Flow]
    serve: Mapping[str, Any]
    eval: Mapping[str, Any]


def ref(name: str) -> Any:
    """The name of a component where another one is a setting: `Dense(index=ref("index"))`.

    It is the name itself, of a type that fits every setting.
    """
    return name


def tree_of(sections: Mapping[str, Any], problems: Problems) -> tuple[Map, tuple[str, ...]]:
    """The tree of a call's sections, and the modules whose code the caller has put into it."""
    writer = _Writer(sections.get("components"), problems)
    root = Map(writer.place("Pipeline.build"))
    root.put("ragbraid", Scalar(root.place, 1), root.place)
    for key, value in sections.items():
        if value is not None:
            root.put(key, writer.section(key, value), writer.place(key))
    return root, tuple(writer.modules)


class _Writer:
    """Turns values into nodes; each has its place in the call."""

    def __init__(self, components: Any, problems: Problems) -> None:
        named = components.items() if isinstance(components, Mapping) else ()
        self._names = {id(each): name for name, each in named if _is_component(each)}
        self._problems = problems
        self._nodes = 0
        self.modules: dict[str, None] = {}

    def place(self, where: str) -> Place:
        self._nodes += 1
        return Place(where, self._nodes)

    def section(self, key: str, value: Any) -> Node:
        if key != "components" or not isinstance(value, Mapping):
            return self.node(value, key, 1)
        node = Map(self.place(key))
        for name, each in value.items():  # what these names stand for is written out here alone
            where = f"{key}.{name}"
            write = self._component if _is_component(each) else self.node
            self._put(node, name, write(each, where, 2), where)
        return node

    def node(self, value: Any, where: str, depth: int) -> Node:
        place = self.place(where)
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            limit = f"nested more than {MAX_DEPTH} levels deep"
            said = limit if depth > MAX_DEPTH else f"more than {MAX_NODES:,} values"
            self._problems.add(Place("Pipeline.build", 1), f"what it is given is {said}")
            return Scalar(place, None)
        if isinstance(value, Secret):
            variable = _VARIABLE.fullmatch(value.reveal())
            return Scalar(place, variable[0] if variable else value)
        if isinstance(value, Code):
            return Scalar(place, value)
        if isinstance(value, PurePath):
            return Scalar(place, value.as_posix())
        if isinstance(value, Mapping):
            return self._mapping(value, where, depth)
        if isinstance(value, list | tuple):
            return List(place, [self.node(each, f"{where}[{n}]", depth + 1) for n, each in enumerate(value)])
        if id(value) in self._names:
            return Scalar(place, self._names[id(value)])
        if _is_component(value) or callable(value):
            return self._component(value, where, depth)
        return Scalar(place, str.__str__(value) if isinstance(value, str) else value)

    def _mapping(self, value: Mapping[Any, Any], where: str, depth: int) -> Node:
        kind = value.get("type")
        rest = {key: each for key, each in value.items() if key != "type"}
        if id(kind) in self._names:
            return self.node({"use": self._names[id(kind)], **rest}, where, depth)
        if _is_component(kind) or callable(kind):
            return self._component(kind, where, depth, rest)
        node = Map(self.place(where))
        for key, each in value.items():
            self._put(node, key, self.node(each, f"{where}.{key}", depth + 1), f"{where}.{key}")
        return node

    def _component(
        self, value: Any, where: str, depth: int, beside: Mapping[Any, Any] = MappingProxyType({})
    ) -> Node:
        """`{type: …}` with the settings of a value that aren't the defaults, and what stands beside it."""
        is_value = _is_component(value)
        target = type(value) if is_value else value
        node = Map(self.place(where))
        self._put(node, "type", Scalar(self.place(where), self._type(target, where)), where)
        settings = _settings(value) if is_value else {}
        for key, each in {**settings, **beside}.items():
            if key in settings and key in beside:
                said = f"{key} is set twice: in the component and beside it"
                self._problems.add(self.place(f"{where}.{key}"), said)
            self._put(node, key, self.node(each, f"{where}.{key}", depth + 1), f"{where}.{key}")
        return node

    def _put(self, node: Map, key: Any, value: Node, where: str) -> None:
        if isinstance(key, str):
            node.put(str.__str__(key), value, self.place(where))
        else:
            self._problems.add(self.place(where), f"a key is text, not {key!r}")

    def _type(self, target: Any, where: str) -> str:
        """What a file calls a class or function."""
        module, name = getattr(target, "__module__", None), getattr(target, "__qualname__", "")
        if name and (known := registry.name_of(target)) is not None:
            return known
        if not name or getattr(sys.modules.get(str(module)), name, None) is not target:
            said = f"{name or repr(target)} doesn't stand at the top of a module, so a file couldn't name it"
            self._problems.add(self.place(where), said)
        self.modules[str(module)] = None
        return f"{module}:{name}"


def _is_component(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _settings(component: Any) -> dict[str, Any]:
    """The settings of a component that differ from its defaults."""
    try:
        settings = signature_of(type(component)).settings
    except SignatureError:
        return {}  # the check says what is wrong with it
    values = {each.name: (getattr(component, each.name), each.default) for each in settings}
    return {
        name: value
        for name, (value, default) in values.items()
        if default is MISSING or type(value) is not type(default) or value != default
    }
