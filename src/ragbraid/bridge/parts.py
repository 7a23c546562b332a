"""Objects of other frameworks → components, by the kind that their connector says they are."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ragbraid.bridge.frameworks import FRAMEWORKS, Framework, bridge_to, class_of, framework_of
from ragbraid.code import Code
from ragbraid.errors import InputError

_HOMES = {
    "loader": "ragbraid.bridge.loaders:ForeignLoader",
    "splitter": "ragbraid.bridge.splitters:ForeignSplitter",
    "embedder": "ragbraid.bridge.embedders:ForeignEmbedder",
    "retriever": "ragbraid.bridge.retrievers:ForeignRetriever",
    "reranker": "ragbraid.bridge.rerankers:ForeignReranker",
    "generator": "ragbraid.bridge.generators:ForeignGenerator",
}


def as_component(part: Any, *, name: str = "", **settings: Any) -> Any:
    """An object of LangChain, LlamaIndex or Haystack as a component, to be used in `Pipeline.build`.

    It may be a loader, a splitter, an embedder, a vector store or another retriever, a reranker, or a
    language model; a class or an annotated function that makes one will do. `name` is what messages and an
    index call it, by default its class; `settings` are those of its kind, such as an embedder's `max_tokens`.

    Raises `InputError` for any other object, and `MissingDependency` where the framework's connector isn't
    installed.
    """
    cls = class_of(part)
    framework = None if cls is None else framework_of(cls)
    if cls is None or framework is None:
        raise InputError(
            f"{part!r} is no part of {', '.join(FRAMEWORKS)}.",
            "A function wants a return annotation that says which part it makes.",
        )
    return component_of(framework, cls)(
        Code(name or f"{cls.__module__}.{cls.__qualname__}", part), **settings
    )


def component_of(framework: Framework, cls: type) -> Any:
    """The component class for objects of a class. Raises `InputError` where they can't be a step."""
    kind = bridge_to(framework).kind(cls)
    if kind is None:
        raise InputError(
            f"A {cls.__name__} of {framework.name} can't be a step.",
            f"What can is {', a '.join(_HOMES)}.",
        )
    module, _, attribute = _HOMES[kind].partition(":")
    return getattr(import_module(module), attribute)


def part_of(code: Code) -> Any:
    """The part that does the work of an object, which is made now. Raises `InputError` for no such object."""
    made = code.make()
    framework = framework_of(type(made))
    if framework is None or bridge_to(framework).kind(type(made)) is None:
        raise InputError(f"{code.name} gave a {type(made).__name__}, which can't be a step.")
    return bridge_to(framework).part(made)
