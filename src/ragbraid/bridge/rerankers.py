"""A reranker of another framework, as a step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from ragbraid.bridge.blame import naming
from ragbraid.bridge.parts import part_of
from ragbraid.bridge.protocol import RerankerPart
from ragbraid.code import Code
from ragbraid.context import Context
from ragbraid.errors import StepError
from ragbraid.types import Hit

STAGE = "foreign-reranker"


@dataclass(frozen=True, slots=True)
class ForeignReranker:
    """Orders hits anew with a reranker of another framework.

    Hits keep their text, offsets and earlier scores whatever it does with them; what it drops is dropped, and
    what it makes up is no hit. Where it tells no score, a hit's is one over its rank.
    """

    object: Code

    blocking: ClassVar[bool] = True

    def open(self) -> RerankerRuntime:
        """Make the object."""
        with naming(self.object, StepError):
            return RerankerRuntime(self.object, part_of(self.object))


class RerankerRuntime:
    """Asks the part for an order of ids."""

    def __init__(self, code: Code, part: RerankerPart) -> None:
        self._code = code
        self._part = part

    def __call__(self, question: str, hits: list[Hit], k: int, context: Context) -> list[Hit]:
        """The hits that stay, best first."""
        context.check()
        if not hits:
            return []
        known = {hit.id: hit for hit in hits}
        with naming(self._code, StepError):
            ordered = {id_: score for id_, score in self._part.rerank(question, hits, k) if id_ in known}
        return [
            _scored(known[id_], 1 / rank if score is None else float(score))
            for rank, (id_, score) in enumerate(ordered.items(), 1)
        ]


def _scored(hit: Hit, score: float) -> Hit:
    return replace(hit, score=score, scores={**hit.scores, STAGE: score})
