"""Retrieval by learned sparse vectors: the chunks that share the most weight with the question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.errors import IndexStoreError
from ragbraid.index.protocol import SparseIndex
from ragbraid.retrieve.each import each_valid
from ragbraid.types import Batch, Hit


@dataclass(frozen=True, slots=True)
class Sparse:
    """Finds passages by the terms that a sparse embedder sees in them, with that of the index.

    Gives up to `max(k, candidates)` hits a question, best first, scored by the inner product under `sparse`;
    passages that share no term with the question aren't found. A question that is empty or too long gets an
    `InputError` of its own; an index without sparse vectors is an `IndexStoreError`, in a pipeline file at
    its check. Source: Formal and others, SPLADE, SIGIR 2021.
    """

    index: SparseIndex
    candidates: Annotated[int, Ge(1)] = 30

    blocking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if getattr(self.index, "sparse", None) is None:
            raise _without_sparse()

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        """The best chunks of each question."""
        return each_valid(question, self._search, max(k, self.candidates))

    def _search(self, questions: list[str], k: int) -> list[list[Hit]]:
        embedder = self.index.sparse
        if embedder is None:
            raise _without_sparse()
        return self.index.search_sparse(embedder.embed_sparse(questions, "query"), k)


def _without_sparse() -> IndexStoreError:
    return IndexStoreError(
        "The index keeps no sparse vectors, so it can't be searched by them.",
        "Give an index of type `faiss` a `sparse` embedder and ingest again; other stores keep none.",
    )
