"""What the crossing costs a question: a pipeline as a runnable and as a retriever, beyond LangChain's own.

Run it in the connector's environment: `.venvs/langchain/bin/python connectors/langchain/bench/overhead.py`.
Each number is the least of many rounds, in microseconds a question.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_ragbraid import RagbraidPipeline, RagbraidRetriever

from ragbraid import Pipeline
from ragbraid.types import Answer, Hit

QUESTION = "When does the office open?"
TEXT = "The office opens at nine."
HITS = [
    Hit(f"id-{n}", f"notes/{n}.md", 0, 25, TEXT, 1 / (n + 1), {"lexical": 0.5}, {"n": n}) for n in range(5)
]


def find(question: str, k: int) -> list[Hit]:
    """Five hits at once, so that what is measured is the way there and back."""
    return HITS[:k]


def say(question: str, hits: list[Hit]) -> Answer:
    """The same answer to everything."""
    return Answer(TEXT, hits=tuple(hits))


class Nothing(BaseRetriever):
    """LangChain's own call, and nothing else."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return []


def least(calls: Sequence[Callable[[str], Any]], rounds: int = 400, times: int = 20) -> list[float]:
    """Microseconds of each call in its best round; rounds take turns, so that all meet the same moments."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for place, call in enumerate(calls):
            began = time.perf_counter()
            for _ in range(times):
                call(QUESTION)
            best[place] = min(best[place], (time.perf_counter() - began) / times)
    return [each * 1e6 for each in best]


def main() -> None:
    """Print the table."""
    with Pipeline.build(search=[find], ask=["search", say]) as pipeline:
        chain, retriever = RagbraidPipeline(pipeline=pipeline), RagbraidRetriever(pipeline=pipeline, k=5)
        rows = (
            ("a whole pipeline", pipeline.ask, RunnableLambda(lambda given: given).invoke, chain.invoke),
            ("a retriever, 5 hits", lambda q: pipeline.search(q, 5), Nothing().invoke, retriever.invoke),
        )
        print("| µs | ragbraid | LangChain's own call | together | the crossing |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for what, *calls in rows:
            own, frame, whole = least(calls)
            print(f"| {what} | {own:.0f} | {frame:.0f} | {whole:.0f} | {whole - own - frame:.0f} |")


if __name__ == "__main__":
    main()
