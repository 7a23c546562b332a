"""Which sentences are quoted: a conditional logit over the features, and a price per word."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ragbraid.answer.candidates import Candidate
from ragbraid.answer.cite import cite
from ragbraid.answer.features import Features
from ragbraid.types import Citation

WEIGHTS: Mapping[str, Mapping[str, float]] = {
    # Fitted by `ragbraid tune answers` on 473 questions over encyclopedia articles, through the search of
    # local.yaml: by cross-validation 0.928 of the answers hold the right thing, at 38.8 words.
    "with embedder": {
        "maxsim": 19.3, "cosine": 4.34, "overlap": 5.37, "context": 4.32, "type": 2.08, "rank": 1.78,
    },
    "without": {"overlap": 11.0, "context": 3.9, "type": 1.96, "rank": 4.6},
}  # fmt: skip


def probabilities(rows: Sequence[Features], weights: Mapping[str, float] | None = None) -> list[float]:
    """How likely each candidate is to hold the answer; they sum to 1. A feature without a weight has 0."""
    if not rows:
        return []
    if weights is None:
        weights = WEIGHTS["with embedder" if "maxsim" in rows[0] else "without"]
    scores = [sum(weight * row.get(name, 0.0) for name, weight in weights.items()) for row in rows]
    best = max(scores)
    shares = [math.exp(score - best) for score in scores]
    total = sum(shares)
    return [share / total for share in shares]


def choose(words: Sequence[int], likely: Sequence[float], price: float, most: int) -> list[int]:
    """The positions of the sentences worth their length in words, best first: never none, at most `most`.

    The first has the highest probability less `price` per word; others follow while their probability
    per word is above the price.
    """
    if not words:
        return []
    positions = range(len(words))
    first = max(positions, key=lambda each: (likely[each] - price * words[each], -each))
    worth = {each: likely[each] / words[each] for each in positions if each != first}
    others = sorted(worth, key=lambda each: (-worth[each], each))
    return [first, *(each for each in others[: most - 1] if worth[each] > price)]


def quotes(chosen: Sequence[Candidate]) -> list[Citation]:
    """The chosen sentences as citations in their order; neighbours in a passage become one quote."""
    runs: list[tuple[Candidate, int, int]] = []
    for each in chosen:
        for position, (other, start, end) in enumerate(runs):
            left, right = min(start, each.start), max(end, each.end)
            between = each.hit.text[min(end, each.end) : max(start, each.start)]
            if other.hit.id == each.hit.id and not between.strip():
                runs[position] = (other, left, right)
                break
        else:
            runs.append((each, each.start, each.end))
    return [cite(each.hit, start, end) for each, start, end in _joined(runs)]


def _joined(runs: list[tuple[Candidate, int, int]]) -> list[tuple[Candidate, int, int]]:
    """Runs that a later sentence has made overlap or touch (1, 3, then 2) become one."""
    result: list[tuple[Candidate, int, int]] = []
    for run in runs:
        for position, other in enumerate(result):
            between = run[0].hit.text[min(run[2], other[2]) : max(run[1], other[1])]
            if other[0].hit.id == run[0].hit.id and not between.strip():
                result[position] = (other[0], min(run[1], other[1]), max(run[2], other[2]))
                break
        else:
            result.append(run)
    return result
