"""What there is to say about a type of component, read off its signature and docstring."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from ragbraid import registry
from ragbraid.embed.protocol import Embedder, SparseEmbedder
from ragbraid.errors import FOREIGN, InputError
from ragbraid.generate.protocol import Generator
from ragbraid.index.protocol import Index
from ragbraid.load.protocol import Loader
from ragbraid.pipeline.diagnostics import meant
from ragbraid.pipeline.signature import MISSING, Input, Setting, Signature, SignatureError, signature_of
from ragbraid.pipeline.typecheck import alternatives, assignable, implements, plain, type_name
from ragbraid.pipeline.written import as_written
from ragbraid.route.protocol import Router
from ragbraid.secret import Secret
from ragbraid.types import Answer, Chunk, Hit, ModelName

PROTOCOLS = {
    "loader": Loader,
    "embedder": Embedder,
    "sparse embedder": SparseEmbedder,
    "index": Index,
    "generator": Generator,
    "router": Router,
}
"""Kinds that are known by their methods; the others are known by what their call takes and gives."""

_NAMES = {ModelName: "model", Secret: "secret text", Path: "path", str: "text"}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


@dataclass(frozen=True, slots=True)
class Option:
    """A setting. `default` is as a file would have it, None where there is none."""

    name: str
    type: str
    limits: str
    required: bool
    default: str | None
    refers: bool
    """It is the id of a component, or a component written in place."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An input of a step. `batch`: all questions of a run at once."""

    name: str
    type: str
    required: bool
    batch: bool


@dataclass(frozen=True, slots=True)
class Description:
    """A type of component. `missing` says in a sentence why it can't be used yet, and what mends it."""

    name: str
    kind: str
    summary: str = ""
    doc: str = ""
    settings: tuple[Option, ...] = ()
    inputs: tuple[Taken, ...] = ()
    gives: str | None = None
    missing: str | None = None
    example: str = ""


def describe(name: str) -> Description:
    """The type of that name. Raises `InputError` where there is none.

    One that can't be imported is described by the reason.
    """
    try:
        signature = signature_of(registry.find(name))
    except SignatureError as error:
        return Description(name, "unknown", missing=f"It isn't a component: {error}.")
    except ModuleNotFoundError as error:
        return Description(name, "unknown", missing=_absent(error))
    except FOREIGN as error:  # whatever a plug-in raises while it is imported
        if name not in (known := registry.names()):
            near = meant(name, known)
            raise InputError(
                f"There is no component type {name!r}{near or '.'}", "`ragbraid components` lists them all."
            ) from None
        return Description(name, "unknown", missing=f"It can't be imported: {type(error).__name__}: {error}")
    return Description(
        name,
        kind_of(signature),
        _first_sentence(signature.summary),
        inspect.getdoc(signature.target) or "" if signature.summary else "",
        tuple(_option(each) for each in signature.settings),
        tuple(_taken(each) for each in signature.inputs or ()),
        None if signature.inputs is None else type_name(signature.output),
        _missing(name),
        _example(name, signature),
    )


def every() -> list[Description]:
    """All known types, sorted by name."""
    return [describe(each) for each in registry.names()]


def kind_of(signature: Signature) -> str:
    """The kind of a component: by its methods, or by what its call takes and gives."""
    for kind, protocol in PROTOCOLS.items():
        if implements(signature.runtime, protocol):
            return kind
    if signature.inputs is None:
        return "component"
    if assignable(signature.output, Answer):
        return "answerer"
    if assignable(signature.output, list[Chunk]):
        return "splitter"
    if assignable(signature.output, list[Hit]):
        ranks = any(each.name == "hits" for each in signature.inputs)
        return "reranker" if ranks else "retriever"
    if signature.inputs and signature.inputs[0].name == "question" and signature.output in (str, list[str]):
        return "transform"
    return "step"


def _missing(name: str) -> str | None:
    lacking = [each for each in registry.NEEDS.get(name, ()) if find_spec(each) is None]
    extra = registry.EXTRAS.get(name, "local")
    return f"It needs {', '.join(lacking)}: pip install 'ragbraid[{extra}]'." if lacking else None


def _absent(error: ModuleNotFoundError) -> str:
    package = (error.name or "").partition(".")[0]
    return f"It needs {package}: pip install {package.replace('_', '-')}."


def _first_sentence(text: str) -> str:
    first, stop, _ = text.partition(". ")
    return f"{first}." if stop else first


def _option(setting: Setting) -> Option:
    known = setting.default is not MISSING and setting.default is not None
    return Option(
        setting.name,
        _type(setting.annotation),
        ", ".join(dict.fromkeys(_limits(setting.annotation))),
        setting.required,
        as_written(setting.default, Path()) if known else None,
        setting.protocol is not None,
    )


def _taken(given: Input) -> Taken:
    return Taken(given.name, type_name(given.annotation), given.default is MISSING, given.batch)


def _type(annotation: Any) -> str:
    """A setting's type as a file's author thinks of it."""
    arms = [each for each in alternatives(_inner(annotation)) if each is not type(None)]
    if len(arms) > 1:
        return " or ".join(_type(each) for each in arms)
    arm = _inner(arms[0])
    if get_origin(arm) in (tuple, list):
        return f"list of {_type(get_args(arm)[0])}"
    return _NAMES.get(arm) or type_name(arm)


def _inner(annotation: Any) -> Any:
    return annotation if annotation is ModelName else _unannotated(annotation)


def _unannotated(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation if annotation is ModelName else plain(annotation)


def _limits(annotation: Any) -> Iterator[str]:
    for mark in getattr(annotation, "__metadata__", ()):
        yield from (f"{word} {getattr(mark, key)}" for key, word in _BOUNDS.items() if hasattr(mark, key))
    for arm in alternatives(_unannotated(annotation)):
        if arm is not annotation and hasattr(arm, "__metadata__"):
            yield from _limits(arm)


def _example(name: str, signature: Signature) -> str:
    """How it is written with what it can't do without."""
    required = [each for each in signature.settings if each.required]
    given = ", ".join(f"{each.name}: {each.name if each.protocol else '…'}" for each in required)
    return f"{{type: {name}, {given}}}" if given else f"{{type: {name}}}"
