"""What a question pays for going through LlamaIndex: processor time beyond its own call and ragbraid's.

`python bench/overhead.py`. The pipeline's steps are stubs that give five hits and an answer that cites one.
"""

import time
from collections.abc import Callable
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import Response
from llama_index.core.schema import QueryBundle
from llama_index_ragbraid import RagbraidQueryEngine

from ragbraid import Answer, Citation, Hit, Pipeline

HITS = [
    Hit(str(at), "a.md", at, at + 40, "x" * 40, 0.5, {"dense": 0.5, "rrf": 0.1}, {"n": at}) for at in range(5)
]
CITED = (Citation("a.md", 0, 40, "x" * 40, "00"),)
CALLS, ROUNDS = 100, 40


def find(question: str) -> list[Hit]:  # noqa: ARG001
    """Five hits."""
    return HITS


def conclude(question: str, hits: list[Hit]) -> Answer:  # noqa: ARG001
    """An answer with one citation."""
    return Answer("x" * 40, citations=CITED, hits=tuple(hits))


class Nothing(BaseQueryEngine):
    """LlamaIndex's own call, and nothing in it."""

    def _get_prompt_modules(self) -> dict[str, Any]:
        return {}

    def _query(self, query_bundle: QueryBundle) -> Response:
        return Response(query_bundle.query_str)

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return self._query(query_bundle)


def least(work: Callable[[], object]) -> float:
    """Microseconds of a call in the quickest round."""
    seconds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(CALLS):
            work()
        seconds.append(time.process_time() - begun)
    return min(seconds) / CALLS * 1e6


def main() -> None:
    """Print the three times and what is left."""
    ours = Pipeline.build(components={}, search=[find], ask=["search", conclude])
    empty, whole = Nothing(None), RagbraidQueryEngine(ours)
    alone = least(lambda: ours.ask("What?"))
    theirs = least(lambda: empty.query("What?"))
    both = least(lambda: whole.query("What?"))
    print(f"ragbraid alone {alone:.0f} µs, LlamaIndex alone {theirs:.0f} µs, together {both:.0f} µs")
    print(f"the crossing takes {both - theirs - alone:.0f} µs a question")


if __name__ == "__main__":
    main()
