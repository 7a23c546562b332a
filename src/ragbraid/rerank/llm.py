"""The `llm` reranker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.generate.protocol import Completion, Generator, Request
from ragbraid.hits import rescored
from ragbraid.types import Hit, Message

_ASKED = (
    "Passage: {passage}\n\nQuestion: {question}\n\n"
    "Does the passage answer the question? Say yes or no, and nothing else."
)
_TOLD = 20
"""Likeliest first tokens to look for yes and no among."""
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Llm:
    """Asks a generator of each of the best hits whether it answers the question, and orders them by that.

    The score is the probability of yes against no as the answer's first token (relevance generation; Liang et
    al., HELM, 2022). An engine that doesn't tell probabilities says yes or no, 1 or 0. Equal
    hits stay in the order they came in. The first max(k, `candidates`) hits are asked about, the others
    dropped; a passage that doesn't fit the generator's window is cut at its end. Raises whatever the
    generator fails with.
    """

    blocking: ClassVar[bool] = True

    generator: Generator
    candidates: Annotated[int, Ge(1)] = 20

    def __call__(self, question: str, hits: list[Hit], k: int, context: Context) -> list[Hit]:
        """The scored hits, best first."""
        pool = hits[: max(k, self.candidates)]
        requests = [self._request(question, hit.text) for hit in pool]
        scores: list[float] = []
        for start in range(0, len(pool), _BATCH):
            context.check()
            for outcome in self.generator.generate(requests[start : start + _BATCH]):
                if isinstance(outcome, Exception):
                    raise outcome
                scores.append(_score(outcome))
        return sorted(rescored(pool, "llm", scores), key=lambda hit: -hit.score)

    def _request(self, question: str, passage: str) -> Request:
        while True:
            prompt = (Message("user", _ASKED.format(passage=passage, question=question)),)
            over = self.generator.count_tokens(prompt) + 1 - self.generator.context_window
            if over <= 0 or not passage:
                return Request(prompt, max_tokens=1, alternatives=_TOLD)
            # No token is shorter than a character, as a rule; where some are, it is cut again.
            passage = passage[: max(0, len(passage) - over)]


def _score(outcome: Completion) -> float:
    if not outcome.alternatives:
        return float(_word(outcome.text) == "yes")
    # Neither is said: nothing speaks for one of them.
    floor = math.exp(min(outcome.alternatives.values()))
    yes, no = (_chance(outcome.alternatives, each) or floor for each in ("yes", "no"))
    return yes / (yes + no)


def _chance(alternatives: Mapping[str, float], word: str) -> float:
    return sum(math.exp(value) for text, value in alternatives.items() if _word(text) == word)


def _word(text: str) -> str:
    return text.strip().strip(".,!\"'").lower()
