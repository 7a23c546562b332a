"""Engines beside each other on one model, and embedders on one set of chunks.

    python tests/bench/engines.py [--threads 2] [--data FOLDER]

Prints, for each engine of a generator: seconds to the first token of a prompt of some 482 tokens of which
nothing was cached, again with a hot prefix, and the mean over a hundred questions whose passage is one of
twelve, by Zipf's law; tokens a second alone and for eight askers at once, each with a passage of their own or
one of three; the time to score a hundred short texts; memory. llama-cpp-python, which LangChain, LlamaIndex
and Haystack set up, takes part where it is installed, with its own prompt cache. For each engine of an
embedder: chunks a second, and a question's time. Each number but the means is the best of several, for a
machine's other work only ever adds to it.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import report

GENERATORS = ("llama-cpp", "openvino", "openvino-bf16", "transformers")
PEER = "llama-cpp-python"
EMBEDDERS = ("torch", "openvino")
_TEXT = (
    "The bridge was opened in May 1932 by the mayor, Ada Lind, who had raised the money for nine years. "
    "It is 412 metres long and carries two tracks, one for each direction, and a path for walkers. "
)
_NUMBER = count()


def fresh_prompt(sentences: int = 10) -> str:
    """About 482 tokens of SmolLM2 that no cache has seen."""
    return f"Note {next(_NUMBER)} of {time.time_ns()}. " + _TEXT * sentences


def best(run: Callable[[], float], times: int = 5) -> float:
    return min(run() for _ in range(times))


def generator(name: str, threads: int) -> Any:
    from ragbraid.components import LlamaCpp, OpenVino, Transformers

    model = "smollm2-135m-instruct"
    match name:
        case "llama-cpp":
            return LlamaCpp(model, threads=threads, parallel=8, cache_mb=512).open()
        case "llama-cpp-python":
            from peer_llama_cpp import PeerLlamaCpp

            return PeerLlamaCpp(threads)
        case "transformers":
            return Transformers(model, device="cpu").open()
        case _:
            exact = "bf16" if name.endswith("bf16") else "exact"
            return OpenVino(model, threads=threads, parallel=8, precision=exact).open()


def measure_generator(name: str, threads: int) -> dict[str, float]:
    from ragbraid.generate.protocol import Request

    runtime = generator(name, threads)
    began = time.perf_counter()
    runtime.warm_up()
    found = {"load s": time.perf_counter() - began}
    tokens = runtime.count_tokens(fresh_prompt())

    def first(prompt: str) -> float:
        started = time.perf_counter()
        stream = runtime.stream(Request(prompt, 8))
        next(stream)
        taken = time.perf_counter() - started
        stream.close()
        return taken

    found["prompt tokens"] = tokens
    found["first token, cold s"] = best(lambda: first(fresh_prompt()))
    shared = fresh_prompt()
    first(shared)
    found["first token, hot prefix s"] = best(lambda: first(f"{shared} And {next(_NUMBER)}?"))

    if name != "transformers":
        passages = [fresh_prompt(9) for _ in range(12)]
        chosen = Random(7).choices(passages, [1 / place for place in range(1, 13)], k=100)
        times = [first(f"{each} Question {at}: how long is it?") for at, each in enumerate(chosen)]
        found["first token, Zipf mean s"] = statistics.mean(times)

    def alone() -> float:
        request = Request(fresh_prompt(1), 64)
        started = time.perf_counter()
        (got,) = runtime.generate([request])
        return (time.perf_counter() - started) / max(1, got.usage.completion_tokens)

    def eight(passages: int) -> float:
        held = [fresh_prompt(9) for _ in range(passages)]
        requests = [Request(f"{held[at % passages]}Bridge {at}: {_TEXT}", 64) for at in range(8)]
        started = time.perf_counter()
        got = runtime.generate(requests)
        return (time.perf_counter() - started) / sum(each.usage.completion_tokens for each in got)

    found["tokens/s, one asker"] = 1 / best(alone, 3)
    found["tokens/s, eight askers, eight passages"] = 1 / best(lambda: eight(8), 2)
    found["tokens/s, eight askers, three passages"] = 1 / best(lambda: eight(3), 2)
    if runtime.scores_together:
        texts = [f" {word} {other}" for word in _TEXT.split()[:10] for other in _TEXT.split()[10:20]]

        def score() -> float:
            started = time.perf_counter()
            runtime.score(fresh_prompt(1), texts)
            return time.perf_counter() - started

        found["100 texts scored s"] = best(score, 3)
    runtime.close()
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def measure_embedder(name: str, texts: list[str]) -> dict[str, float]:
    from ragbraid.components import SentenceTransformer

    runtime = SentenceTransformer(engine=name, device="cpu").open()
    began = time.perf_counter()
    runtime.embed(["water"])
    found = {"load and first s": time.perf_counter() - began}

    def rate() -> float:
        started = time.perf_counter()
        runtime.embed(texts)
        return (time.perf_counter() - started) / len(texts)

    def question() -> float:
        started = time.perf_counter()
        runtime.embed([f"Who opened bridge number {next(_NUMBER)}?"], "query")
        return time.perf_counter() - started

    found["chunks/s"] = 1 / best(rate, 3)
    found["question ms"] = 1000 * statistics.median(question() for _ in range(20))
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def chunks(folder: Path, most: int) -> list[str]:
    """Chunks of at most 220 tokens of the text files below `folder`, as an ingest cuts them."""
    from ragbraid.components import RecursiveSplitter, SentenceTransformer
    from ragbraid.types import Document

    splitter = RecursiveSplitter(SentenceTransformer().open(), max_tokens=220).open()
    found: list[str] = []
    for path in sorted([*folder.rglob("*.md"), *folder.rglob("*.txt"), *folder.rglob("*.rst")]):
        found += [each.text for each in splitter([Document(path.name, path.read_text("utf-8", "replace"))])]
    return found[:most]


def show(rows: Iterable[tuple[str, dict[str, float]]]) -> None:
    rows = list(rows)
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    told = ([name, *(f"{row[name]:,.3g}" if name in row else "" for _, row in rows)] for name in names)
    report.table(["", *(label for label, _ in rows)], told)


def one(kind: str, name: str, options: argparse.Namespace) -> dict[str, float]:
    """A measurement in a process of its own: memory and threads of one engine don't count for another."""
    command = [sys.executable, __file__, "--one", f"{kind}:{name}", "--threads", str(options.threads)]
    done = subprocess.run(
        [*command, "--data", str(options.data)], capture_output=True, text=True, check=True, timeout=900
    )
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "docs")
    parser.add_argument("--chunks", type=int, default=128)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        kind, _, name = options.one.partition(":")
        if kind == "generator":
            print(json.dumps(measure_generator(name, options.threads)))
        else:
            print(json.dumps(measure_embedder(name, chunks(options.data, options.chunks))))
        return
    report.header("Engines", ["ragbraid", "openvino", "openvino-genai", "xllamacpp", "torch", "transformers"])
    names = (*GENERATORS, *([PEER] if find_spec("llama_cpp") else []))
    show((name, one("generator", name, options)) for name in names)
    show((name, one("embedder", name, options)) for name in EMBEDDERS)


if __name__ == "__main__":
    main()
