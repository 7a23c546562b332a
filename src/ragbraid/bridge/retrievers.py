"""A retriever or a vector store of another framework, as a step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ragbraid.bridge.blame import naming
from ragbraid.bridge.parts import part_of
from ragbraid.bridge.protocol import RetrieverPart
from ragbraid.code import Code
from ragbraid.context import Context
from ragbraid.errors import IndexStoreError, RagbraidError, StepError, Stopped
from ragbraid.types import Batch, Hit, Scope

STAGE = "foreign-retriever"


@dataclass(frozen=True, slots=True)
class ForeignRetriever:
    """Finds passages with a retriever or a vector store of another framework.

    Scores are its own; where it tells none, a hit's is one over its rank. A question under a filter or in a
    collection is refused unless the part can keep to it. What was no hit of ours is a document of its own,
    whose text is the passage.
    """

    object: Code

    blocking: ClassVar[bool] = True

    def open(self) -> RetrieverRuntime:
        """Make the object."""
        with naming(self.object, StepError):
            return RetrieverRuntime(self.object, part_of(self.object))


class RetrieverRuntime:
    """Asks the part, question by question."""

    def __init__(self, code: Code, part: RetrieverPart) -> None:
        self._code = code
        self._part = part

    def __call__(self, question: Batch[str], k: int, context: Context) -> Batch[list[Hit]]:
        """For each question at most k hits, best first, or its own error."""
        scope = context.scope
        if scope.collection != Scope().collection or (scope.filter and not self._part.filters):
            raise IndexStoreError(
                f"{self._code.name} can't keep to a filter or a collection.",
                "Ask without them, or use another store.",
            )
        return Batch(self._found(each, k, context) for each in question)

    def _found(self, question: str, k: int, context: Context) -> Any:
        context.check()
        try:
            with naming(self._code, StepError):
                found = self._part.retrieve(question, k, context.scope.filter)[:k]
        except Stopped:
            raise
        except RagbraidError as error:
            return error
        told = any(hit.score for hit in found)
        return [_scored(hit, hit.score if told else 1 / rank) for rank, hit in enumerate(found, 1)]

    def close(self) -> None:
        """Close the part, where it can be."""
        close = getattr(self._part, "close", None)
        if close is not None:
            close()


def _scored(hit: Hit, score: float) -> Hit:
    return replace(hit, score=score, scores={**hit.scores, STAGE: score})
