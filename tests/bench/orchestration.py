"""What a question costs beside the work itself: ragbraid, its peers and a hand-written loop in one run.

Every contender embeds, searches, prompts and "generates" with the functions of `work.py`, and must give
the very answer that the hand-written loop gives. Run it as `python tests/bench/orchestration.py`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import report

report.quiet_peers()

import ours  # noqa: E402
import peer_haystack  # noqa: E402
import peer_langchain  # noqa: E402
import peer_llama_index  # noqa: E402
import stubs  # noqa: E402
import work  # noqa: E402

Ask = Callable[[str], str]
PEERS = {"LangChain": peer_langchain, "LlamaIndex": peer_llama_index, "Haystack": peer_haystack}
PACKAGES = ["numpy", "faiss-cpu", "ragbraid", "langchain-core", "llama-index-core", "haystack-ai"]
STEPS = (0, 5, 10)


def timed(ask: Ask) -> Callable[[], float]:
    """Microseconds a question, over all questions once."""

    def measure() -> float:
        start = perf_counter()
        for question in work.QUESTIONS:
            ask(question)
        return (perf_counter() - start) / len(work.QUESTIONS) * 1e6

    return measure


def measure(contenders: dict[str, Ask], count: int) -> dict[str, list[float]]:
    expected = [work.by_hand(question) for question in work.QUESTIONS]
    for name, ask in contenders.items():
        given = [ask(question) for question in work.QUESTIONS]
        assert given == expected, f"{name} gives another answer than the hand-written loop"
    return report.rounds({name: timed(ask) for name, ask in contenders.items()}, count)


def show(taken: dict[str, list[float]], base: str) -> None:
    report.table(
        ["per question", "median µs", "least µs", "× by hand", "µs over by hand"],
        [
            [
                name,
                f"{median(each):.0f}",
                f"{min(each):.0f}",
                f"{report.ratio(each, taken[base]):.2f}",
                f"{median(mine - hand for mine, hand in zip(each, taken[base], strict=True)):.0f}",
            ]
            for name, each in taken.items()
        ],
    )


def over_list(folder: Path, count: int) -> None:
    asks: dict[str, Ask] = {
        "by hand, nothing but the work": work.by_hand,
        "by hand, the same calls": ours.same_calls(stubs.ListIndex(stubs.StubEmbedder())),
    }
    asks |= {named("ragbraid", extra): ours.over_list(extra, folder) for extra in STEPS}
    asks |= {named(name, extra): peer.over_list(extra) for name, peer in PEERS.items() for extra in STEPS}
    taken = measure(asks, count)
    show({name: each for name, each in taken.items() if "steps" not in name}, "by hand, the same calls")
    report.table(
        ["each further step", "median µs", "in least times, µs"],
        [
            [name, f"{slope(taken, name):.1f}", f"{slope(taken, name, least=True):.1f}"]
            for name in ["ragbraid", *PEERS]
        ],
    )
    report.verdict(
        "ragbraid × by hand", report.ratio(taken["ragbraid"], taken["by hand, the same calls"]), 1.25
    )
    report.verdict("each further step", slope(taken, "ragbraid"), 5, " µs")


def named(name: str, extra: int) -> str:
    return f"{name} + {extra} steps" if extra else name


def slope(taken: dict[str, list[float]], name: str, *, least: bool = False) -> float:
    few, many = taken[named(name, STEPS[0])], taken[named(name, STEPS[-1])]
    steps = STEPS[-1] - STEPS[0]
    if least:
        return (min(many) - min(few)) / steps
    return median((more - less) / steps for more, less in zip(many, few, strict=True))


def over_index(folder: Path, count: int) -> None:
    ask = ours.over_index(folder)
    asks: dict[str, Ask] = {
        "by hand, numpy": work.by_hand,
        "by hand, the same calls": ours.same_calls(ours.opened_index(folder)),
        "ragbraid, faiss index": ask,
        "LangChain, FAISS store": peer_langchain.over_index(),
        "LlamaIndex, in-memory store": peer_llama_index.over_index(),
        "Haystack, in-memory store": peer_haystack.over_index(),
    }
    show(measure(asks, count), "by hand, the same calls")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    count = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        report.header("Orchestration: the same stub models and list store for all", PACKAGES)
        over_list(Path(folder), count)
        report.header("Orchestration: the same stub models, each one's own index", PACKAGES)
        over_index(Path(folder), max(3, count // 3))


if __name__ == "__main__":
    main()
