"""A step that answers, as a runnable."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableSerializable
from pydantic import ConfigDict

from langchain_ragbraid.documents import to_hit
from langchain_ragbraid.runnables import told
from ragbraid.errors import InputError
from ragbraid.pipeline.one_step import ANSWERING, OneStep


class RagbraidAnswerer(RunnableSerializable[Mapping[str, Any], dict[str, Any]]):
    """Answers a question from the documents given, by any of ragbraid's steps that answer, with citations.

    It takes what LangChain's own document chains take: `{"question": …, "context": [documents]}`, with
    `history` if wanted, and gives what a `RagbraidPipeline` gives. `step` is as a pipeline file writes it,
    such as `{"type": "quote"}`, which quotes, or `{"type": "compose", "generator": {…}}`, which writes prose.
    Without documents it abstains.
    """

    model_config = ConfigDict(ignored_types=(cached_property,))

    step: Mapping[str, Any]
    allow: tuple[str, ...] = ()

    @cached_property
    def _step(self) -> OneStep:
        return OneStep(dict(self.step), ANSWERING, self.allow)

    def invoke(
        self, input: Mapping[str, Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Answer a question. Raises `RagbraidError`."""
        return self._call_with_config(self._answer, input, config, run_type="chain", **kwargs)

    async def ainvoke(
        self, input: Mapping[str, Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """`invoke` under asyncio; cancelling the task cancels the run."""
        return await self._acall_with_config(self._aanswer, input, config, run_type="chain", **kwargs)

    def close(self) -> None:
        """Give back what was opened."""
        self._step.close()

    def _answer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return told(self._step(**_inputs(given)))

    async def _aanswer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return told(await self._step.acall(**_inputs(given)))


def _inputs(given: Mapping[str, Any]) -> dict[str, Any]:
    question = given.get("question", given.get("input")) if isinstance(given, Mapping) else None
    if not isinstance(question, str) or "context" not in given:
        raise InputError(f"A mapping with `question` and `context` is wanted, not {given!r}.")
    hits = [to_hit(each) for each in given["context"]]
    return {"question": question, "hits": hits, **{key: given[key] for key in ("history",) if key in given}}
