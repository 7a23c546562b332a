"""What each serving setting does, on and off, one model: `python tests/bench/settings.py [--threads 2]`.

Settings that `engines.py` and `tokens.py` don't show: n-gram speculation (tokens a second where the answer
copies from its prompt, and where it doesn't), narrower keys and values (how far the log-probabilities of a
text's tokens move), reused prefixes in llama.cpp (how far the log-probabilities of first tokens move, and how
many texts of 24 tokens become others), and batches by length (the same chunks handed to the embedder all at
once, and 32 at a time in the order of their documents). Each time is the best of three.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import report
from engines import best, chunks, fresh_prompt

_COPY = "Copy this text word for word.\n\nText: {text}\n\nCopy: The bridge was"
_STORY = "Once upon a time there was a"


def llama(threads: int, **settings: Any) -> Any:
    from ragbraid.components import LlamaCpp

    return LlamaCpp("smollm2-135m-instruct", threads=threads, **{"cache_mb": 512, **settings}).open()


def rate(runtime: Any, prompt: str) -> float:
    """Tokens a second behind a prompt that is computed already."""
    from ragbraid.generate.protocol import Request

    runtime.generate([Request(prompt, 1)])

    def run() -> float:
        started = time.perf_counter()
        (got,) = runtime.generate([Request(prompt, 96)])
        return (time.perf_counter() - started) / got.usage.completion_tokens

    return 1 / best(run, 3)


def speculation(threads: int) -> None:
    rows = []
    for setting in ("none", "ngram"):
        runtime = llama(threads, speculation=setting)
        text = fresh_prompt(4)
        rows.append([setting, *(f"{rate(runtime, each):.0f}" for each in (_COPY.format(text=text), _STORY))])
        runtime.close()
    report.table(["speculation", "tokens/s, copying", "tokens/s, a story"], rows)


def kv_cache(threads: int) -> None:
    prompt, text = fresh_prompt(), " The bridge is 412 metres long and carries two tracks."
    wanted, rows = 0.0, []
    for setting in ("f16", "q8_0", "q4_0"):
        runtime = llama(threads, kv_cache=setting)
        (score,) = runtime.score(prompt, [text])
        wanted = wanted or score.logprob
        moved = abs(score.logprob - wanted) / score.tokens
        rows.append([setting, f"{moved:.4f}"])
        runtime.close()
    report.table(["kv_cache", "mean change of a token's log-probability, nats"], rows)


def reuse(threads: int, questions: int = 20) -> None:
    from ragbraid.generate.protocol import Request

    passages, runtime = fresh_prompt(3), llama(threads)
    asked = [
        Request(f"{passages} Question {at}: how long is it?", 24, logprobs=True) for at in range(questions)
    ]
    cold = llama(threads, cache_mb=0)
    others, moved = 0, 0.0
    for request in asked:
        (one,), (other,) = cold.generate([request]), runtime.generate([request])
        others += one.text != other.text
        moved += abs(one.tokens[0][1] - other.tokens[0][1]) / questions
    report.table(
        ["texts that a reused prefix changes", "mean change of a first token's log-probability, nats"],
        [[f"{others} of {questions}", f"{moved:.4f}"]],
    )
    runtime.close()
    cold.close()


def batches(folder: Path) -> None:
    from ragbraid.components import SentenceTransformer

    runtime, texts = SentenceTransformer(device="cpu").open(), chunks(folder, 256)
    runtime.embed(texts[:8])
    rows = []
    for size in (32, len(texts)):

        def run(size: int = size) -> float:
            started = time.perf_counter()
            for at in range(0, len(texts), size):
                runtime.embed(texts[at : at + size])
            return (time.perf_counter() - started) / len(texts)

        rows.append([str(size), f"{1 / best(run, 3):.0f}"])
    report.table(["chunks handed over together", "chunks/s"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "docs")
    given = parser.parse_args()
    report.header("Serving settings", ["ragbraid", "xllamacpp", "openvino"])
    speculation(given.threads)
    kv_cache(given.threads)
    reuse(given.threads)
    batches(given.data)


if __name__ == "__main__":
    main()
