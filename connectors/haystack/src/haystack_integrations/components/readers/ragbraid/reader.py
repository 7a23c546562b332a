"""The reader."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from haystack import Document, GeneratedAnswer, component, default_to_dict
from haystack.dataclasses import ChatMessage
from haystack_integrations.common.ragbraid import as_generated_answer, hit_of_document
from haystack_integrations.common.ragbraid.values import turns

from ragbraid.pipeline.one_step import ANSWERING, OneStep

DEFAULT = {"type": "quote"}


@component
class RagbraidReader:
    """Answers a query from the documents given, by any of ragbraid's steps that answer, with citations.

    `step` is one as a pipeline file writes it, such as `{"type": "quote", "max_sentences": 3}`, which quotes,
    or `{"type": "compose", "generator": {…}}`, which writes prose; by default it quotes. The answer is that
    of a `RagbraidPipeline`. Without documents it abstains.
    """

    def __init__(self, step: Mapping[str, Any] | None = None) -> None:
        self.step = dict(step) if step is not None else None
        self._step = OneStep(self.step or DEFAULT, ANSWERING)

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return default_to_dict(self, step=self.step)

    def warm_up(self) -> None:
        """Load the weights now."""
        self._step.pipeline.open()

    def close(self) -> None:
        """Give the weights back."""
        self._step.close()

    @component.output_types(answers=list[GeneratedAnswer], documents=list[Document])
    def run(
        self, query: str, documents: list[Document], history: list[ChatMessage] | None = None
    ) -> dict[str, Any]:
        """One answer, and the documents that it was made from."""
        hits = [hit_of_document(each) for each in documents]
        answer = self._step(question=query, hits=hits, history=turns(history))
        generated = as_generated_answer(query, answer)
        return {"answers": [generated], "documents": generated.documents}

    @component.output_types(answers=list[GeneratedAnswer], documents=list[Document])
    async def run_async(
        self, query: str, documents: list[Document], history: list[ChatMessage] | None = None
    ) -> dict[str, Any]:
        """`run`, in a thread."""
        found: dict[str, Any] = await asyncio.to_thread(self.run, query, documents, history)
        return found
