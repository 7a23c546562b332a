"""The contract of a retriever: questions in, ranked hits out."""

from __future__ import annotations

from typing import Protocol

from ragbraid.types import Batch, Hit


class Retriever(Protocol):
    """Finds passages for questions.

    Returns at least `min(k, what is in scope)` hits a question, best first, in the same order on each
    run; each hit's `scores` has an entry under the retriever's type.
    """

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]: ...
