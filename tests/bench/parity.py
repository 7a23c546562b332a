"""Every engine beside torch in float32: how often it says the same, and how surely.

    python tests/bench/parity.py --prompts 20 --tokens 16

Prompts are questions over a passage and random texts of many scripts; all is greedy. `texts` is the share of
completions that are equal to torch's, `tokens` that of tokens up to the first that differs; `|Δ|` the largest
difference of a token's log-probability over these, in nats; `|Δ score|` that of torch's own completion,
scored by the engine, for each of its tokens.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.generate.openvino import OpenVino
from ragbraid.generate.protocol import Completion, Request
from ragbraid.generate.transformers import Transformers
from ragbraid.testing.generator import random_prompts
from ragbraid.types import ModelName

PASSAGE = "The bridge was opened in May 1932 by the mayor, Ada Lind, and is 412 metres long."
QUESTIONS = ("Who opened the bridge?", "When was it opened?", "How long is it?", "Say it in French.")


def requests(count: int, tokens: int) -> list[Request]:
    """Half of them are over the passage."""
    asked = [f"{PASSAGE}\n\n{QUESTIONS[at % len(QUESTIONS)]} ({at})" for at in range(count // 2)]
    return [Request(each, tokens, logprobs=True) for each in asked + random_prompts(count - len(asked))]


def compared(expected: Sequence[Completion], found: Sequence[Completion]) -> tuple[float, float, float]:
    """Shares of equal texts and tokens, and the largest difference of a log-probability."""
    equal = shared = total = 0
    most = 0.0
    for one, other in zip(expected, found, strict=True):
        equal += one.text == other.text
        total += len(one.tokens)
        for (text, log), (said, sure) in zip(one.tokens, other.tokens, strict=False):
            if text != said:
                break
            shared += 1
            most = max(most, abs(log - sure))
    return equal / len(expected), shared / total, most


def row(make: Callable[[], Any], asked: list[Request], expected: list[Completion]) -> str:
    """An engine's line of the table."""
    with closing(make().open()) as runtime:
        found = runtime.generate(asked)
        texts, tokens, most = compared(expected, found)
        apart = 0.0
        for request, each in zip(asked, expected, strict=True):
            if each.text and each.finish_reason == "length" and "\ufffd" not in each.text:
                (score,) = runtime.score(request.prompt, [each.text])
                told = sum(log for _, log in each.tokens)
                if score.tokens == len(each.tokens):
                    apart = max(apart, abs(score.logprob - told) / score.tokens)
    return f"{texts:.2f} | {tokens:.3f} | {most:.4f} | {apart:.4f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    options = parser.parse_args()
    model, asked = ModelName(options.model), requests(options.prompts, options.tokens)
    with closing(Transformers(model, context_tokens=1024).open()) as torch:
        expected = torch.generate(asked)
    engines: dict[str, Callable[[], Any]] = {
        "openvino, exact": lambda: OpenVino(model, context_tokens=1024, cache_mb=256),
        "openvino, bf16": lambda: OpenVino(model, context_tokens=1024, cache_mb=256, precision="bf16"),
        "llama-cpp": lambda: LlamaCpp(model, context_tokens=1024, cache_mb=0),
    }
    print(
        "| engine | texts | tokens | largest \\|Δ\\| | largest \\|Δ score\\| a token |\n|---|---|---|---|---|"
    )
    for name, make in engines.items():
        print(f"| {name} | {row(make, asked, expected)} |", flush=True)


if __name__ == "__main__":
    main()
