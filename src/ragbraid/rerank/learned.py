"""A ranking by weights that were fitted to questions: a logistic regression over the stages' scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.hits import ranked
from ragbraid.rerank.fusion import standardised
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Learned:
    """Ranks hits by a weighted sum of the scores that the stages before gave them.

    `weights` has a number for a stage by its id, as `ragbraid tune ranking` prints them; each stage's scores
    are z-scores among the first `max(k, candidates)` hits, and a hit without one has the lowest there. Later
    hits are dropped; ties by id. Source: pointwise learning to rank by logistic regression (Cooper, Gey &
    Dabney, SIGIR 1992).
    """

    weights: Mapping[str, float] = field(default_factory=dict, hash=False)
    candidates: Annotated[int, Ge(1)] = 50

    blocking: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not all(math.isfinite(each) for each in self.weights.values()):
            raise ValueError("`weights` wants finite numbers")

    def __call__(self, hits: list[Hit], k: int) -> list[Hit]:
        """The hits in their new order, each with its score under `learned`."""
        pool = hits[: max(k, self.candidates)]
        columns = {name: stage_scores(pool, name) for name in self.weights}
        scores = [
            sum(weight * columns[name][at] for name, weight in self.weights.items())
            for at in range(len(pool))
        ]
        return ranked(pool, "learned", scores)


def stage_scores(hits: Sequence[Hit], stage: str) -> list[float]:
    """The z-scores of one stage among the hits; a hit that it didn't score has its lowest."""
    known = [hit.scores[stage] for hit in hits if stage in hit.scores]
    lowest = min(known, default=0.0)
    return standardised([hit.scores.get(stage, lowest) for hit in hits])
