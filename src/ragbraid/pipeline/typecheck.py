"""Which values fit where: assignability of annotations, their names, and the role of an output."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ragbraid.types import Answer, Batch, Chunk, Document, Hit, Message

ROLES: dict[Any, str] = {
    list[Document]: "documents",
    list[Chunk]: "chunks",
    list[Hit]: "hits",
    list[Message]: "history",
    Answer: "answer",
    str: "question",
}
"""The name under which a step's output is stored besides its id, by the output's type."""

DECLARABLE: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list[str]": list[str],
    "list[int]": list[int],
    "hits": list[Hit],
    "documents": list[Document],
    "chunks": list[Chunk],
    "history": list[Message],
    "answer": Answer,
    "any": Any,
}
"""The types that a flow's `inputs` may declare, by their name in a file."""

_ABSTRACT_SEQUENCES = (collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)


def is_protocol(annotation: Any) -> bool:
    """Whether an annotation is a protocol, so that a parameter of it refers to a component."""
    return bool(getattr(annotation, "_is_protocol", False)) and isinstance(annotation, type)


def members(protocol: type) -> set[str]:
    """The methods that a protocol asks for. Attributes aren't among them: a runtime may set its own late."""
    return {
        name
        for base in protocol.__mro__
        if getattr(base, "_is_protocol", False) and base is not typing.Protocol
        for name, value in vars(base).items()
        if inspect.isfunction(value) and (not name.startswith("_") or name == "__call__")
    }


def lacking(runtime: Any, protocol: type) -> list[str]:
    """The methods of a protocol that a class (or a function) doesn't have, sorted."""
    return sorted(name for name in members(protocol) if not _has(runtime, name))


def implements(runtime: Any, protocol: type) -> bool:
    """Whether a class (or a function) has every method that a protocol asks for."""
    return not lacking(runtime, protocol)


def gives_like(output: Any, protocol: type) -> bool:
    """Whether a component's call gives what a protocol's does, as far as both say so."""
    if "__call__" not in members(protocol):
        return True
    wanted = typing.get_type_hints(protocol.__call__).get("return")
    roles = [role_of(unbatched(each)) for each in (output, wanted)]
    return None in roles or roles[0] == roles[1]


def _has(runtime: Any, name: str) -> bool:
    # Every class has a `__call__` by its metaclass, so asking the class itself tells nothing.
    if name == "__call__" and isinstance(runtime, type):
        return any(name in vars(base) for base in runtime.__mro__)
    return hasattr(runtime, name)


def unbatched(annotation: Any) -> Any:
    """X of `Batch[X]`; any other annotation as it is."""
    return get_args(annotation)[0] if get_origin(annotation) is Batch else annotation


def plain(annotation: Any) -> Any:
    """An annotation without `Annotated` and `NewType` around it."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        else:
            return annotation


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The arms of a union; of anything else, itself."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def assignable(source: Any, target: Any) -> bool:
    """Whether a value of type `source` may go where `target` is wanted."""
    source, target = plain(source), plain(target)
    if source is Any or target is Any or target is object or source == target:
        return True
    if len(arms := alternatives(source)) > 1:
        return all(assignable(each, target) for each in arms)
    if len(arms := alternatives(target)) > 1:
        return any(assignable(source, each) for each in arms)
    return _one_to_one(source, target)


def _one_to_one(source: Any, target: Any) -> bool:
    if get_origin(target) is Literal:
        return get_origin(source) is Literal and set(get_args(source)) <= set(get_args(target))
    if get_origin(source) is Literal:
        return all(assignable(type(each), target) for each in get_args(source))
    if target is float and source is int:
        return True
    if source is bool and target in (int, float):
        return False
    outer, inner = get_origin(source) or source, get_origin(target) or target
    if not (isinstance(outer, type) and isinstance(inner, type)):
        return False
    if is_protocol(inner):
        return implements(outer, inner)
    return issubclass(outer, inner) and _arguments_fit(source, target)


def _arguments_fit(source: Any, target: Any) -> bool:
    given, wanted = _elements(source), _elements(target)
    if not wanted or not given:
        return True
    return len(given) == len(wanted) and all(map(assignable, given, wanted))


def _elements(annotation: Any) -> tuple[Any, ...]:
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return arguments[:1]
    return arguments


def element_of(annotation: Any) -> Any:
    """X of a list of X, or of anything else that holds one kind of thing; None for what doesn't."""
    for arm in alternatives(plain(annotation)):
        origin = get_origin(arm)
        if isinstance(origin, type) and not issubclass(origin, dict) and get_args(arm):
            return get_args(arm)[0]
    return None


def type_name(annotation: Any) -> str:
    """A type as messages print it: `list[Hit]`, `str or None`."""
    annotation = plain(annotation)
    if len(arms := alternatives(annotation)) > 1:
        return " or ".join(type_name(each) for each in arms)
    if get_origin(annotation) is Literal:
        return " or ".join(map(repr, get_args(annotation)))
    if annotation in (None, type(None)):
        return "None"
    if annotation is Any:
        return "any"
    if arguments := get_args(annotation):
        outer = getattr(get_origin(annotation), "__name__", str(get_origin(annotation)))
        inner = ", ".join("..." if each is Ellipsis else type_name(each) for each in arguments)
        return f"{outer}[{inner}]"
    return getattr(annotation, "__name__", str(annotation))


def role_of(annotation: Any) -> str | None:
    """The role of an output by its type; None where it has none and goes by its step's id alone."""
    annotation = plain(annotation)
    if get_origin(annotation) in (tuple, *_ABSTRACT_SEQUENCES) and get_args(annotation):
        annotation = list[get_args(annotation)[0]]  # type: ignore[misc]  # built at run time
    try:
        return ROLES.get(annotation)
    except TypeError:
        return None
