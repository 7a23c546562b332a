"""What a cache of answers saves: `python tests/bench/cached.py INDEX`, an index of docs/ by local.yaml."""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import Any

import numpy as np

from ragbraid import Pipeline
from ragbraid.answer.cache import AnswerCache
from ragbraid.types import Answer

ABOUT = (
    *("ragbraid check", "a splitter", "the reranker maxsim", "a loop's deadline", "ragbraid ingest"),
    *("the index", "a filter", "the server", "a cache", "quote"),
)


def measure(name: str, components: dict[str, Any], ask: list[Any], asked: list[str]) -> None:
    """Ask each question once, then time those that are `asked`, five times each."""
    with Pipeline.build(components=components, ask=ask).open() as pipeline:
        for each in ABOUT:
            pipeline.ask(f"What is {each}?")
        took, hits = [], 0
        for each in asked * 5:
            began = time.perf_counter()
            answer = pipeline.ask(each)
            took.append(1000 * (time.perf_counter() - began))
            hits += any(span.notes.get("cache") == "hit" for span in answer.trace)
    p95 = sorted(took)[int(0.95 * len(took))]
    print(f"{name:<24} p50 {median(took):.2f} ms  p95 {p95:.2f} ms  known {hits} of {len(took)}")


def full(most: int) -> None:
    """Look up in a full cache what it knows in other words and what it doesn't, without the embedding."""
    drawn = np.random.default_rng(0).standard_normal((most, 384))
    vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    cache = AnswerCache(most=most).open()
    for number, vector in enumerate(vectors):
        cache.keep("group", f"What is part {number}?", vector, Answer("An answer."))
    for name, question in (("known", "Please tell me what part {} is"), ("unknown", "What was part {}?")):
        took = []
        for number, vector in enumerate(vectors[:1000]):
            began = time.perf_counter()
            known = cache.find("group", question.format(number), vector)
            took.append(1000 * (time.perf_counter() - began))
            assert (known is not None) == (name == "known")
        print(f"{name} among {most:<8,} p50 {median(took):.4f} ms  p95 {sorted(took)[949]:.4f} ms")


def main(index: str) -> None:
    embedder = {"type": "sentence-transformer", "model": "all-minilm-l6-v2"}
    components = {"embedder": embedder, "index": {"type": "faiss", "path": index, "embedder": "embedder"}}
    steps = [
        {"type": "dense", "index": "index", "candidates": 50},
        {"type": "lexical", "index": "index", "candidates": 50},
        {"type": "zscore", "hits": ["dense", "lexical"], "weights": [0.6, 0.4]},
        {"type": "maxsim", "embedder": "embedder"},
        {"type": "quote", "embedder": "embedder"},
    ]
    same = [f"What is {each}?" for each in ABOUT]
    measure("without", components, steps, same)
    exact = [{"cache": {"type": "answer-cache"}, "then": steps}]
    measure("the same question", components, exact, same)
    cache = {"type": "answer-cache", "embedder": "embedder", "likeness": 0.9}
    worded = [f"Please tell me what {each} is" for each in ABOUT]
    measure("worded otherwise", components, [{"cache": cache, "then": steps}], worded)
    for most in (1000, 10_000):
        full(most)


if __name__ == "__main__":
    main(sys.argv[1])
