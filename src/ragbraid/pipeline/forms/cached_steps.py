"""Which steps may stand behind a cache: those that give the same until an index says that it was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ragbraid.code import Code
from ragbraid.embed.protocol import Embedder
from ragbraid.generate.protocol import Generator
from ragbraid.index.protocol import Index, Sequenced
from ragbraid.pipeline.diagnostics import Place
from ragbraid.pipeline.engine import signature_for
from ragbraid.pipeline.environment import waits
from ragbraid.pipeline.forms.calls import ComponentStep
from ragbraid.pipeline.function import setting_of
from ragbraid.pipeline.model import Step, walked
from ragbraid.pipeline.parts import parts_of
from ragbraid.pipeline.signature import Signature, SignatureError
from ragbraid.pipeline.tree import Map, Scalar, describe
from ragbraid.pipeline.typecheck import implements

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker


def keepable(steps: Sequence[Step], node: Map, checker: FlowChecker) -> bool:
    """Whether what the steps give may be kept; what speaks against it is noted."""
    components = list(_components(steps, node.items["cache"].place, checker))
    return not (_stale(components, node, checker) or _impure(components, node, checker))


def _stale(components: list[Any], node: Map, checker: FlowChecker) -> bool:
    """Note an index that doesn't tell of its changes: whether there is any."""
    for each in indexes(components):
        signature = signature_for(each)
        if not implements(signature.runtime, Sequenced):
            name = signature.target.__name__
            said = (
                f"{name} doesn't say when it was changed, so that a cache before it would give stale answers"
            )
            checker.problems.add(node.where("then"), said)
            return True
    return False


def _impure(components: list[Any], node: Map, checker: FlowChecker) -> bool:
    """Note code of others, which may read anything, unless the file vouches for it: whether there is any."""
    given = node.items.get("pure")
    if given is not None and not waits(given):
        if not isinstance(given, Scalar) or not isinstance(given.value, bool):
            checker.problems.add(given.place, f"pure wants true or false, not {describe(given)}")
            return True
        if given.value:
            return False
    unknown = next(filter(None, map(_of_others, _without_models(components))), None)
    if unknown is None:
        return False
    said = (
        f"ragbraid can't know whether {unknown} gives the same whenever it is asked the same, as what stands "
        "in a cache must; if it reads nothing but its inputs, say so: `pure: true` beside `cache`"
    )
    checker.problems.add(node.where("then"), said)
    return True


def _without_models(components: Sequence[Any]) -> Iterator[Any]:
    """What is called, and all that it refers to but models and indexes, which are held to their contracts."""
    yield from components
    for each in parts_of(components):
        signature = _signature(each)
        if signature and not any(
            implements(signature.runtime, kind) for kind in (Generator, Embedder, Index)
        ):
            yield each


def _of_others(component: Any) -> str | None:
    """The name of a component that is code of others, or runs some."""
    signature = _signature(component)
    if signature is None:
        return None
    if str(signature.target.__module__).partition(".")[0] != "ragbraid":
        return str(signature.target.__name__)
    settings = (setting_of(component, each.name) for each in signature.settings)
    return next((each.name for each in settings if isinstance(each, Code)), None)


def _components(steps: Sequence[Step], place: Place, checker: FlowChecker) -> Iterator[Any]:
    """What the steps call, those of called flows too."""
    for each in walked(steps):
        if isinstance(each, ComponentStep):
            yield each.component
        for name in each.called():
            flow = checker.book.get(name, place)
            yield from _components(() if flow is None else flow.steps, place, checker)


def indexes(components: Sequence[Any]) -> list[Any]:
    """Every index among components and what they refer to, each once."""
    found: list[Any] = []
    for each in parts_of(components):
        signature = _signature(each)
        if signature and implements(signature.runtime, Index) and each not in found:
            found.append(each)
    return found


def _signature(part: Any) -> Signature | None:
    """The signature of a part that is a component."""
    try:
        return signature_for(part)
    except SignatureError:
        return None
