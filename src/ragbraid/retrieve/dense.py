"""Retrieval by meaning: the chunks whose vectors are nearest to the question's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.errors import IndexStoreError
from ragbraid.index.protocol import Index
from ragbraid.retrieve.each import each_valid
from ragbraid.types import Batch, Hit


@dataclass(frozen=True, slots=True)
class Dense:
    """Finds passages by meaning, with the embedder of the index.

    Gives `max(k, candidates)` hits a question, best first, scored by the cosine in [-1, 1] under `dense`.
    All questions of a run are embedded at once. A question that is empty or too long gets an `InputError`
    of its own; an index without an embedder is an `IndexStoreError`, in a pipeline file at its check.
    """

    index: Index
    candidates: Annotated[int, Ge(1)] = 30

    blocking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        # What a file configures is no runtime yet; one that declares no embedder may bring its own.
        if getattr(self.index, "embedder", self) is None:
            raise _without_embedder()

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        """The nearest chunks of each question."""
        return each_valid(question, self._search, max(k, self.candidates))

    def _search(self, questions: list[str], k: int) -> list[list[Hit]]:
        embedder = self.index.embedder
        if embedder is None:
            raise _without_embedder()
        return self.index.search_vector(embedder.embed(questions, "query"), k)


def _without_embedder() -> IndexStoreError:
    return IndexStoreError(
        "The index has no embedder, so it can't be searched by meaning.",
        "Give the index an `embedder` and ingest anew, or search it with `lexical` alone.",
    )
