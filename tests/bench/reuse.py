"""Passages that come back, in the order in which they were read, and a prompt begun beside the search.

`python tests/bench/reuse.py [--threads 2] [--questions 60] [--engine NAME]`: four passages for each question,
drawn by Zipf's law from twelve, in the order of a search that ranks them anew each time; seconds to the first
token without `cache-order` and with it, in the mean. Then a conversation of four turns and a search of 0.3 s:
seconds from the question to the first token without `prefill` and with it.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from statistics import mean
from typing import Any

import report
from engines import fresh_prompt

from ragbraid.answer.prompt import beginning, fitted
from ragbraid.components import CacheOrder, LlamaCpp, OpenVino
from ragbraid.context import Context
from ragbraid.generate.protocol import Request
from ragbraid.types import Hit, Message

_MODEL, _SEARCH = "smollm2-135m-instruct", 0.3


def engines(threads: int) -> dict[str, Any]:
    return {
        "llama-cpp": LlamaCpp(_MODEL, context_tokens=2048, cache_mb=512, threads=threads),
        "openvino": OpenVino(_MODEL, context_tokens=2048, threads=threads),
    }


def first_token(runtime: Any, prompt: Any) -> float:
    started = time.perf_counter()
    runtime.generate([Request(prompt, 1)])
    return time.perf_counter() - started


def asked(passages: list[Hit], questions: int) -> list[list[Hit]]:
    """For each question four passages, as a search ranks them."""
    random, weights = Random(7), [1 / rank for rank in range(1, len(passages) + 1)]
    found = []
    for _ in range(questions):
        drawn: dict[str, Hit] = {}
        while len(drawn) < 4:
            (hit,) = random.choices(passages, weights)
            drawn[hit.id] = hit
        hits = [*drawn.values()]
        random.shuffle(hits)
        found.append(hits)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--engine", choices=["llama-cpp", "openvino"], help="that one alone")
    given = parser.parse_args()
    report.header("Reuse of passages", ["ragbraid", "xllamacpp", "openvino"])
    rows, overlap = [], []
    for name, component in engines(given.threads).items():
        if given.engine not in (None, name):
            continue
        cells = []
        for order in (None, CacheOrder()):
            # As many fresh texts as there are passages: what the other order left is of no use.
            texts = [fresh_prompt(2) for _ in range(12)]
            passages = [Hit(str(at), f"{at}.txt", 0, len(text), text) for at, text in enumerate(texts)]
            runtime, step = component.open(), order.open() if order else list
            runtime.warm_up()
            taken = []
            for at, hits in enumerate(asked(passages, given.questions)):
                prompt, _ = fitted(runtime, f"Question {at}?", step(hits), (), 64, Context())
                taken.append(first_token(runtime, prompt))
            cells += [f"{mean(taken):.3f}"]
            runtime.close()
        rows.append([name, *cells])
        runtime = component.open()
        runtime.warm_up()
        cells = []
        for early in (False, True):
            times = []
            for at in range(4):
                turns = [Message(role, fresh_prompt(2)) for role in ("user", "assistant") * 2]
                text = fresh_prompt(2)
                hits = [Hit("a", "a.txt", 0, len(text), text)]
                started = time.perf_counter()
                with ThreadPoolExecutor() as pool:
                    if early:
                        pool.submit(first_token, runtime, beginning(turns))
                    pool.submit(time.sleep, _SEARCH).result()
                prompt, _ = fitted(runtime, f"Question {at}?", hits, turns, 64, Context())
                first_token(runtime, prompt)
                times.append(time.perf_counter() - started)
            cells.append(f"{mean(times):.3f}")
        runtime.close()
        overlap.append([name, *cells])
    report.table(["first token, s, the mean", "as ranked", "cache-order"], rows)
    report.table(["first token from the question on, s", "after the search", "prefill"], overlap)


if __name__ == "__main__":
    main()
