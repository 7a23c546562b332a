"""What a question pays for going through Haystack: processor time beyond Haystack's own call and ragbraid's.

`python bench/overhead.py`. The pipeline's steps are stubs that give five hits and an answer that cites one.
"""

import os
import time
from collections.abc import Callable

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from haystack import Pipeline, component
from haystack_integrations.components.pipelines.ragbraid import RagbraidPipeline

from ragbraid import Answer, Citation, Hit
from ragbraid import Pipeline as Ragbraid

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


@component
class Nothing:
    """Haystack's own call, and nothing in it."""

    @component.output_types(answer=str)
    def run(self, query: str) -> dict[str, str]:
        """A text."""
        return {"answer": query}


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
    ours = Ragbraid.build(components={}, search=[find], ask=["search", conclude])
    empty, whole = Pipeline(), Pipeline()
    empty.add_component("c", Nothing())
    whole.add_component("c", RagbraidPipeline(ours))
    given = {"c": {"query": "What?"}}
    alone = least(lambda: ours.ask("What?"))
    theirs = least(lambda: empty.run(given))
    both = least(lambda: whole.run(given))
    print(f"ragbraid alone {alone:.0f} µs, Haystack alone {theirs:.0f} µs, together {both:.0f} µs")
    print(f"the crossing takes {both - theirs - alone:.0f} µs a question")


if __name__ == "__main__":
    main()
