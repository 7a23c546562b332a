"""What a cache of answers saves: `python tests/bench/cached.py INDEX`, an index of docs/ by local.yaml."""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import Any

from ragbraid import Pipeline

ABOUT = (
    *("ragbraid check", "a splitter", "the reranker maxsim", "a loop's deadline", "ragbraid ingest"),
    *("the index", "a filter", "the server", "a cache", "quote"),
)


def measure(name: str, components: dict[str, Any], ask: list[Any], asked: list[str]) -> None:
    """Ask each question once, then time those that are `asked`, five times each."""
    with Pipeline.build(components=components, ask=ask).open() as pipeline:
        for each in ABOUT:
            pipeline.ask(f"What does {each} do?")
        took, hits = [], 0
        for each in asked * 5:
            began = time.perf_counter()
            answer = pipeline.ask(each)
            took.append(1000 * (time.perf_counter() - began))
            hits += any(span.notes.get("cache") == "hit" for span in answer.trace)
    p95 = sorted(took)[int(0.95 * len(took))]
    print(f"{name:<24} p50 {median(took):.2f} ms  p95 {p95:.2f} ms  known {hits} of {len(took)}")


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
    same = [f"What does {each} do?" for each in ABOUT]
    measure("without", components, steps, same)
    exact = [{"cache": {"type": "answer-cache"}, "then": steps}]
    measure("the same question", components, exact, same)
    cache = {"type": "answer-cache", "embedder": "embedder", "likeness": 0.9}
    worded = [f"so what does {each.lower()} do?" for each in ABOUT]
    measure("worded otherwise", components, [{"cache": cache, "then": steps}], worded)


if __name__ == "__main__":
    main(sys.argv[1])
