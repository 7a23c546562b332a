"""Late interaction: a question's token vectors against the token vectors of a passage or its sentences.

Source: Khattab & Zaharia, ColBERT, SIGIR 2020, section 3.2; here the sum over the question's tokens is
their mean, so that scores of long and short questions compare.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragbraid.embed.protocol import TokenEmbedder, TokenVectors
from ragbraid.index.protocol import TokenIndex
from ragbraid.types import Hit, Vectors


def demand_tokens(index: TokenIndex | None, embedder: TokenEmbedder | None) -> None:
    """Raise `ValueError` where an index, as a file configures it, keeps no tokens, or another embedder's."""
    # What is open already brings what it has: there the configuration isn't seen.
    tokens = getattr(index, "tokens", embedder)
    if tokens is None:
        raise ValueError("the index keeps no token vectors; give it `tokens`, or leave out `index` here")
    if tokens != embedder:
        raise ValueError("the index keeps the token vectors of another embedder than this step's")


def tokens_of(
    texts: Sequence[str], hits: Sequence[Hit], embedder: TokenEmbedder, index: TokenIndex | None
) -> tuple[list[TokenVectors], list[TokenVectors]]:
    """The tokens of texts and of hits: those that an index keeps from there, all others by the embedder."""
    kept = index.stored_tokens([hit.id for hit in hits]) if index is not None and hits else {}
    missing = [hit.text for hit in hits if hit.id not in kept]
    made = embedder.token_vectors([*texts, *missing])
    rest = iter(made[len(texts) :])
    return list(made[: len(texts)]), [kept[hit.id] if hit.id in kept else next(rest) for hit in hits]


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
