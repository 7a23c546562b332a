"""Late interaction: passages ranked again by the vectors of their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.embed.protocol import TokenEmbedder
from ragbraid.hits import ranked, rescored
from ragbraid.index.protocol import TokenIndex
from ragbraid.rerank.fusion import standardised
from ragbraid.text.late import demand_tokens, maxsim, tokens_of
from ragbraid.text.question import check_question
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Maxsim:
    """Ranks the best hits again, token by token: each word of the question looks for its best match.

    Of the first `candidates` hits, the mean over the question's tokens of the best cosine in the passage is
    taken; its z-score among them, `weight` times, and that of the score they came with are the new score.
    Where more are asked for, the next hits stay below these, in their order; later ones are dropped. All
    word pieces weigh the same: rarity among the candidates did worse. Cost: one pass of the embedder over
    each candidate that it doesn't remember, or none where the `index` keeps its tokens (`tokens` of `faiss`).
    Source: Khattab & Zaharia, ColBERT, SIGIR 2020.
    """

    embedder: TokenEmbedder
    candidates: Annotated[int, Ge(1)] = 10
    index: TokenIndex | None = None
    weight: Annotated[float, Ge(0)] = 1.0

    blocking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        demand_tokens(self.index, self.embedder)

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        """The first `max(k, candidates)` hits in their new order, each with its score under `maxsim`."""
        check_question(question)
        pool, rest = hits[: self.candidates], hits[self.candidates : k]
        if not pool:
            return []
        (asked,), passages = tokens_of([question], pool, self.embedder, self.index)
        near = standardised([maxsim(asked, each) for each in passages])
        before = standardised([hit.score for hit in pool])
        scores = [old + self.weight * new for old, new in zip(before, near, strict=True)]
        best = ranked(pool, "maxsim", scores)
        return [*best, *_below(best[-1].score, rest)]


def _below(score: float, hits: list[Hit]) -> list[Hit]:
    """The hits in their order, with scores below this one."""
    return rescored(hits, "maxsim", [score - 1e-3 * place for place in range(1, len(hits) + 1)])
