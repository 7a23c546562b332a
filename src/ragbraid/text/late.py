"""Late interaction: a question's token vectors against the token vectors of a passage or its sentences.

Source: Khattab & Zaharia, ColBERT, SIGIR 2020, section 3.2; here the sum over the question's tokens is
their mean, so that scores of long and short questions compare.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragbraid.embed.protocol import TokenVectors
from ragbraid.types import Vectors


def maxsim(question: TokenVectors, passage: TokenVectors) -> float:
    """The mean over the question's tokens of the best cosine in the passage; 0 where either has none."""
    if not question.ids or not passage.ids:
        return 0.0
    return float((question.vectors @ passage.vectors.T).max(axis=1).mean())


def span_scores(
    question: TokenVectors, passage: TokenVectors, spans: Sequence[tuple[int, int]]
) -> list[tuple[float, float]]:
    """For each span of the passage's text: MaxSim, and the cosine of the mean token vectors.

    The tokens were encoded within the whole passage, so a sentence's vectors know their surroundings.
    A span without tokens (beyond the model's limit) scores 0.
    """
    import numpy as np

    if not question.ids or not passage.ids:
        return [(0.0, 0.0)] * len(spans)
    similar = question.vectors @ passage.vectors.T
    pooled = _unit(question.vectors.mean(axis=0))
    starts = np.array([start for start, _ in passage.offsets])
    scores = []
    for start, end in spans:
        left, right = np.searchsorted(starts, (start, end))
        if left == right:
            scores.append((0.0, 0.0))
            continue
        best = float(similar[:, left:right].max(axis=1).mean())
        scores.append((best, float(pooled @ _unit(passage.vectors[left:right].mean(axis=0)))))
    return scores


def _unit(vector: Vectors) -> Vectors:
    import numpy as np

    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
