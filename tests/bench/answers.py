"""How good rankings and quoted answers are, and what they cost: prints figures, asserts nothing.

    PYTHONPATH=src python tests/bench/answers.py [--every 2]

Runs the default search (dense 30, lexical 30, rrf, maxsim) and `quote` over the SQuAD data in
`RAGBRAID_DATA` or `data`, over the list store, with the default embedder. Titles aren't given, as
text files have none.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import string
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

from ragbraid.answer.confidence import Abstain
from ragbraid.answer.quote import Quote
from ragbraid.context import Context
from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.index.protocol import Change, Entry
from ragbraid.rerank.maxsim import Maxsim
from ragbraid.rerank.rrf import Rrf
from ragbraid.retrieve.dense import Dense
from ragbraid.retrieve.lexical import Lexical
from ragbraid.split.recursive_splitter import RecursiveSplitter
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Batch, Document, Hit, ModelName

DATA = Path(os.environ.get("RAGBRAID_DATA", Path(__file__).parents[2] / "data"))
Rows = list[dict[str, Any]]


def normalised(text: str) -> str:
    """As SQuAD's own evaluation does: lower case, no punctuation, no articles, single spaces."""
    bare = "".join(each for each in text.lower() if each not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def holds(text: str, question: dict[str, Any]) -> bool:
    """Whether one of the gold answers is in the text."""
    return any(normalised(each) in normalised(text) for each in question["answers"])


class Remembering:
    """An embedder whose token vectors are computed once, as a cache would have it."""

    def __init__(self, embedder: Any) -> None:
        self.embedder, self.known = embedder, {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.embedder, name)

    def token_vectors(self, texts: Any) -> list[Any]:
        missing = [each for each in dict.fromkeys(texts) if each not in self.known]
        self.known.update(zip(missing, self.embedder.token_vectors(missing), strict=True))
        return [self.known[each] for each in texts]


def filled(rows: Rows, embedder: Any) -> ListIndexRuntime:
    index = ListIndexRuntime(embedder)
    splitter = RecursiveSplitter(embedder, max_tokens=220).open()
    documents = [Document(row["_id"], row["text"]) for row in rows]
    chunks = splitter(documents)
    vectors = embedder.embed([each.text for each in chunks])
    for document in documents:
        own = [at for at, each in enumerate(chunks) if each.source == document.source]
        index.upsert([Change(document.source, [Entry(document, [chunks[at] for at in own], vectors[own])])])
    return index


def timed(work: Callable[[], Any], times: list[float]) -> Any:
    began = time.perf_counter()
    result = work()
    times.append((time.perf_counter() - began) * 1000)
    return result


def ranking(name: str, questions: Rows, found: list[list[Hit]], times: list[float]) -> None:
    gold = [
        [hit.source == each["paragraph"] and holds(hit.text, each) for hit in hits[:5]] + [False] * 5
        for each, hits in zip(questions, found, strict=True)
    ]
    shares = " ".join(f"{mean(any(row[:cut]) for row in gold):.3f}" for cut in (1, 3, 5))
    print(f"{name:<34} gold first / in 3 / in 5: {shares}   {median(times):7.1f} ms", flush=True)


def answers(name: str, questions: Rows, found: list[list[Hit]], quote: Quote) -> None:
    times: list[float] = []
    made = [
        timed(partial(quote, each["question"], hits, Context()), times)
        for each, hits in zip(questions, found, strict=True)
    ]
    pairs = list(zip(made, questions, strict=True))
    contains = mean(holds(each.text, question) for each, question in pairs if not each.abstained)
    told = mean(not each.abstained and holds(each.text, question) for each, question in pairs)
    words = mean(len(each.text.split()) for each in made if not each.abstained)
    refused = mean(each.abstained for each in made)
    print(
        f"{name:<34} contains {told:.3f} ({contains:.3f} of those given)   words {words:.1f}   "
        f"refused {refused:.3f}   {median(times):7.1f} ms",
        flush=True,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--every", type=int, default=2, help="take every n-th question")
    every = options.parse_args().every
    if not DATA.is_dir():
        sys.exit(f"{DATA} isn't there: set RAGBRAID_DATA to a folder with squad/.")
    rows = [json.loads(line) for line in (DATA / "squad/corpus.jsonl").read_text("utf-8").splitlines()]
    asked = [json.loads(line) for line in (DATA / "squad/questions.jsonl").read_text("utf-8").splitlines()]
    questions = [each for each in asked if each["answers"]][::every]
    embedder = Remembering(SentenceTransformer(ModelName("all-minilm-l6-v2")).open())
    index = filled(rows, embedder)
    print(f"{len(questions)} questions, {index.count()} passages")
    texts = [each["question"] for each in questions]
    dense = [Dense(index)(Batch([each]), 10)[0] for each in texts]
    lexical = [Lexical(index)(Batch([each]), 10)[0] for each in texts]
    ranking("dense", questions, dense, [0.0])
    ranking("lexical", questions, lexical, [0.0])
    fused = [Rrf()([one, other]) for one, other in zip(dense, lexical, strict=True)]
    ranking("rrf", questions, fused, [0.0])
    best: list[list[Hit]] = []
    for candidates in (5, 10, 20, 50):
        step, times = Maxsim(embedder, candidates), []
        pairs = zip(texts, fused, strict=True)
        ranked = [timed(partial(step, text, hits, 1), times) for text, hits in pairs]
        ranking(f"maxsim, {candidates} candidates, remembered", questions, ranked, times)
        best = ranked if candidates == 10 else best
    cold: list[float] = []
    for text, hits in list(zip(texts, fused, strict=True))[:20]:
        timed(partial(Maxsim(embedder.embedder), text, hits, 1), cold)
    print(f"{'maxsim, 10 candidates, cold':<34} {median(cold):7.1f} ms")
    kinds: tuple[Abstain, ...] = ("never", "default")
    for abstain in kinds:
        late, plain = Quote(embedder=embedder, abstain=abstain), Quote(abstain=abstain)
        answers(f"quote, embedder, abstain {abstain}", questions, best, late)
        answers(f"quote, no embedder, abstain {abstain}", questions, best, plain)


if __name__ == "__main__":
    main()
