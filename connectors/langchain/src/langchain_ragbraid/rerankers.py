"""A reranker of ragbraid as a document compressor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import ConfigDict, Field

from langchain_ragbraid.documents import to_documents, to_hit
from ragbraid.pipeline.one_step import RERANKING, OneStep


class RagbraidReranker(BaseDocumentCompressor):
    """Orders documents anew for a question, and keeps the `k` best; all of them for None.

    `reranker` is a component as in a pipeline file, such as `{"type": "cross-encoder"}`, or `{"type":
    "maxsim", "embedder": {…}}`. A document's id and metadata are kept; the new score is under `ragbraid` in
    its metadata.
    """

    model_config = ConfigDict(ignored_types=(cached_property,))

    reranker: Mapping[str, Any]
    k: int | None = Field(default=None, ge=1)
    allow: tuple[str, ...] = ()

    @cached_property
    def _step(self) -> OneStep:
        return OneStep(dict(self.reranker), RERANKING, self.allow)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """The documents, best first."""
        del callbacks
        if not documents:
            return []
        hits = [to_hit(each) for each in documents]
        k = min(self.k or len(hits), len(hits))
        found = self._step(question=query, hits=hits, k=k)[:k]
        return to_documents(found)

    def close(self) -> None:
        """Give back what was opened."""
        self._step.close()
