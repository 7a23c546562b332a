"""The embedder of queries."""

from __future__ import annotations

import asyncio
from typing import Any

from haystack import component
from haystack_integrations.common.ragbraid.lending import Lending, Spec, Where

DEFAULT = {"type": "sentence-transformer"}


@component
class RagbraidTextEmbedder(Lending):
    """Embeds a text as a query, by the embedder of a ragbraid pipeline or by one alone.

    `component` is its name in the pipeline, by default the one that `ask` uses, or a component such as
    `{"type": "sentence-transformer", "model": "all-minilm-l6-v2"}`, which is what stands for nothing.
    """

    def __init__(self, pipeline: Where = None, component: Spec = None) -> None:
        Lending.__init__(self, pipeline, component, default=DEFAULT)

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return self._to_dict(component=self.component)

    def warm_up(self) -> None:
        """Load the weights now."""
        self._lender.warm_up("embedder")

    @component.output_types(embedding=list[float], meta=dict[str, Any])
    def run(self, text: str) -> dict[str, Any]:
        """The text's embedding, of unit length."""
        if not isinstance(text, str):
            raise TypeError(
                f"A text is embedded, not a {type(text).__name__}; documents go to a document embedder."
            )
        embedder = self._lender.part("embedder")
        (row,) = embedder.embed([text], "query")
        return {"embedding": row.tolist(), "meta": {"model": embedder.identity}}

    @component.output_types(embedding=list[float], meta=dict[str, Any])
    async def run_async(self, text: str) -> dict[str, Any]:
        """`run`, in a thread."""
        found: dict[str, Any] = await asyncio.to_thread(self.run, text)
        return found
