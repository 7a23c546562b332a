"""The work that every contender of `orchestration.py` does for a question, framework aside.

A vector of the embedder's usual size drawn from a hash, an exact search over 1,000 texts, a prompt of
five passages, and a "generator" whose text depends on every character of that prompt: equal answers
mean that the contenders did equal work.
"""

from __future__ import annotations

import random
from hashlib import blake2b
from zlib import crc32

import numpy as np

K = 5
DIMENSIONS = 384
_WORDS = ("pump", "valve", "rotor", "seal", "is", "checked", "before", "each", "long", "run", "and", "stop")


def _passage(number: int) -> str:
    draw = random.Random(number)
    return f"Passage {number}. " + " ".join(draw.choice(_WORDS) for _ in range(160))


def embed(text: str) -> np.ndarray:
    vector = np.random.default_rng(crc32(text.encode())).standard_normal(DIMENSIONS, dtype=np.float32)
    return vector / np.sqrt(vector @ vector)


TEXTS = [_passage(number) for number in range(1000)]
MATRIX = np.stack([embed(text) for text in TEXTS])
QUESTIONS = [f"What is checked before run {number}?" for number in range(100)]


def search(vector: np.ndarray, k: int) -> list[tuple[int, float]]:
    """Row and score of the k nearest texts, best first."""
    scores = MATRIX @ vector
    best = np.argpartition(scores, -k)[-k:]
    best = best[np.argsort(-scores[best])]
    return list(zip(best.tolist(), scores[best].tolist(), strict=True))


def prompt(question: str, texts: list[str]) -> str:
    return f"Answer from the passages.\n\n{join(texts)}\n\nQuestion: {question}\nAnswer:"


def join(texts: list[str]) -> str:
    return "\n\n".join(texts)


def generate(text: str) -> str:
    return f"Answer {blake2b(text.encode(), digest_size=8).hexdigest()}."


def by_hand(question: str) -> str:
    """The whole of it as a loop that somebody writes without any framework."""
    found = search(embed(question), K)
    return generate(prompt(question, [TEXTS[row] for row, _ in found]))
