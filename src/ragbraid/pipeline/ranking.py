"""A pipeline's reranker, for texts that its caller has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from ragbraid.context import Context
from ragbraid.errors import InputError
from ragbraid.pipeline.engine import signature_for
from ragbraid.pipeline.perform import reranks
from ragbraid.pipeline.targets import Target
from ragbraid.text.question import check_question
from ragbraid.types import Hit

if TYPE_CHECKING:
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.life import Life
    from ragbraid.types import Filter


class Ranking:
    """The part of `Pipeline` that orders texts."""

    _life: Life

    def rerank(
        self, question: str, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[tuple[int, float]]:
        """The places of the texts, best first, with their scores, by the last reranker of `search`.

        Raises `InputError` for a pipeline without one, and whatever the reranker fails with.
        """
        check_question(question)
        reranker, step = self._reranker(len(texts))
        hits = [Hit(str(place), f"text {place}", 0, len(text), text) for place, text in enumerate(texts)]
        run = self._run(None, None, timeout)
        target = Target(self._life.engine, reranker, step)
        try:
            call = target.bind(run)
            given: list[Any] = [question, hits, max(len(hits), 1)]
            if (place := target.opened.signature.context) is not None:
                given.insert(place, Context(run.cancellation, step))
            with target.opened.lock or nullcontext():
                ranked = call(*given)
        finally:
            target.release()
        return [(int(each.id), float(each.score)) for each in ranked]

    def rerankers(self, flow: str) -> tuple[str, ...]:
        """The steps of a flow that put hits in another order. Raises `InputError` for no such flow."""
        return tuple(call.step for call, task in self._life.runner(flow).tasks.items() if task.reranks)

    def _reranker(self, texts: int) -> tuple[Any, str]:
        """The component, and its step's id; one that looks at its first candidates alone looks at all."""
        calls = [task.call for task in self._life.runner("search").tasks.values()]
        for call in reversed(calls):
            if reranks(call):
                return _of_all(call.component, texts), call.step
        raise InputError("The pipeline's `search` has no reranker.", "Add one, such as `cross-encoder`.")

    def _run(self, filter: Filter | None, collection: str | None, timeout: float | None) -> Run:  # noqa: A002
        raise NotImplementedError


def _of_all(component: Any, texts: int) -> Any:
    """The component for texts that are in no index; an opened one is shared with the flow as it is."""
    signature = signature_for(component)
    if signature.function or signature.heavy:
        return component
    known = {each.name for each in fields(component)}
    alone = {"candidates": max(texts, 1), "index": None}
    return replace(component, **{name: each for name, each in alone.items() if name in known})
