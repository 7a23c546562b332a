"""An annotation → pydantic's validator of it, strict.

Common annotations are put into pydantic-core's terms here; importing all of pydantic and building a model
would take five times as long as the rest of a check. Any other annotation goes through pydantic.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from ragbraid.secret import Secret

_PLAIN = {bool: "bool", int: "int", str: "str", type(None): "none", None: "none", Any: "any"}
_BOUNDS = ("ge", "gt", "le", "lt")


@cache
def json_validator(annotation: Any) -> Callable[[str], Any]:
    """A function from JSON text to the value; it raises `pydantic_core.ValidationError`.

    In JSON's mode a list may become a tuple and a string a path, and nothing else may bend.
    """
    from pydantic_core import SchemaValidator

    schema = _schema(annotation)
    if schema is None:
        from pydantic import ConfigDict, TypeAdapter

        config = ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
        return TypeAdapter(annotation, config=config).validate_json
    return SchemaValidator(schema, {"strict": True, "allow_inf_nan": False}).validate_json


def _schema(annotation: Any) -> dict[str, Any] | None:
    """The core schema of an annotation; None for what pydantic itself has to be asked about."""
    if isinstance(annotation, typing.NewType):
        return _schema(annotation.__supertype__)
    if annotation is float:
        return {"type": "float", "allow_inf_nan": False}
    if annotation in (Path, Secret):
        text = {"type": "str"}
        return {
            "type": "function-after",
            "schema": text,
            "function": {"type": "no-info", "function": annotation},
        }
    if isinstance(annotation, type | None) or annotation is Any:
        return {"type": _PLAIN[annotation]} if annotation in _PLAIN else None
    arguments = get_args(annotation)
    match get_origin(annotation):
        case typing.Annotated:
            return _bounded(_schema(arguments[0]), arguments[1:])
        case typing.Literal:
            return {"type": "literal", "expected": list(arguments)}
        case typing.Union | types.UnionType:
            choices = [_schema(each) for each in arguments]
            return None if None in choices else {"type": "union", "choices": choices}
        case _:
            return _collection(get_origin(annotation), arguments)


def _bounded(schema: dict[str, Any] | None, marks: Sequence[Any]) -> dict[str, Any] | None:
    if schema is None or schema["type"] not in ("int", "float"):
        return None
    for mark in marks:
        bound = type(mark).__name__.lower()
        if bound not in _BOUNDS:
            return None
        schema[bound] = getattr(mark, bound)
    return schema


def _collection(outer: Any, arguments: Sequence[Any]) -> dict[str, Any] | None:
    inner = [_schema(each) for each in arguments if each is not Ellipsis]
    if None in inner:
        return None
    if outer is list and len(inner) == 1:
        return {"type": "list", "items_schema": inner[0]}
    if outer is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return {"type": "tuple", "items_schema": inner, "variadic_item_index": 0}
    if outer is dict and len(inner) == 2:
        return {"type": "dict", "keys_schema": inner[0], "values_schema": inner[1]}
    return None
