"""A type that is a part of another framework → the component class for it, and the code that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ragbraid.bridge.frameworks import FRAMEWORKS, class_of, framework_of
from ragbraid.code import Code
from ragbraid.errors import RagbraidError
from ragbraid.pipeline.lookup import UnknownTypeError, find_type
from ragbraid.pipeline.tree import Map, Scalar


def find_target(name: str, node: Map, base: Path, allow: Sequence[str]) -> tuple[Any, Code | None]:
    """The component type of a node's `type`; and the object that it stands for, where it is of a framework.

    That is so for `{type: langchain, object: "my_package:make_retriever"}`, and wherever a name stands for an
    object of a framework, or for what makes one. Only the annotation of a function is read: nothing is made.
    Raises `UnknownTypeError` with a message for the user.
    """
    given = node.items.get("object")
    if isinstance(given, Scalar) and isinstance(given.value, Code):  # from a pipeline written in Python
        return find_type(name, base, allow), given.value
    if name not in FRAMEWORKS:
        target = find_type(name, base, allow)
        cls = class_of(target)
        framework = None if cls is None else framework_of(cls)
        if cls is None or framework is None:
            return target, None
        return _component(framework.name, cls), Code(name, target)
    if not isinstance(given, Scalar) or not isinstance(given.value, str):
        raise UnknownTypeError(
            f"{name!r} wants the setting `object`: module:attribute, or the name of an entry point"
        )
    value = find_type(given.value, base, allow)
    cls = class_of(value)
    if cls is None:
        raise UnknownTypeError(f"{given.value!r} doesn't say what it makes; give it a return annotation")
    framework = framework_of(cls)
    if framework is None or framework.name != name:
        raise UnknownTypeError(f"{given.value!r} is a {cls.__name__}, which is no part of {name}")
    return _component(name, cls), Code(given.value, value)


def _component(framework: str, cls: type) -> Any:
    from ragbraid.bridge.parts import component_of

    try:
        return component_of(FRAMEWORKS[framework], cls)
    except RagbraidError as error:
        raise UnknownTypeError(f"{error.message} {error.hint}".strip()) from error
