"""Are follow-ups found as well as their standalone forms? `RAGBRAID_DATA=… python tests/bench/follow_ups.py`.

The conversations of tests/data/conversations over the search of chat.yaml: how often a passage that answers
is among the first five (and first) hits, for the question as it was put, as `standalone` makes it, and in the
form written by hand; how often a model was asked, and the time of the transform. With `--model NAME` the
generator `local` of that name is asked where rules aren't sure. `--judged` leaves out the conversations of
odd numbers, which were looked at while the rules were written.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import report

from ragbraid import Pipeline
from ragbraid.components import Local, Standalone
from ragbraid.context import Context
from ragbraid.evaluate.matching import names
from ragbraid.types import Message

TESTS = Path(__file__).parents[1]
DATA = Path(os.environ.get("RAGBRAID_DATA", TESTS.parent / "data"))
FORMS = ("as put", "standalone", "by hand")
DEPTHS = (5, 1)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--model")
    asked.add_argument("--judged", action="store_true")
    given = asked.parse_args()
    generator = Local(given.model).open() if given.model else None
    report.header("Follow-up questions", ["ragbraid", "torch"])
    lines = (TESTS / "data" / "conversations" / "conversations.jsonl").read_text("utf-8").splitlines()
    told = [each for each in map(json.loads, lines) if not (given.judged and _number(each) % 2)]
    kept: dict[str, list[tuple[bool, ...]]] = defaultdict(list)
    seconds: list[float] = []
    calls = 0
    for corpus in ("squad", "handbook", "island"):
        with tempfile.TemporaryDirectory() as folder, _indexed(corpus, Path(folder)) as pipeline:
            for turn, history in _turns([each for each in told if each["corpus"] == corpus]):
                context, began = Context(), time.perf_counter()
                found = Standalone(generator)(turn["question"], context, history)
                seconds.append(time.perf_counter() - began)
                calls += "generator" in context.notes.get("rewritten", {}).get("by", "")
                forms = (turn["question"], found, turn["standalone"])
                right = tuple(each for form in forms for each in _found(pipeline, form, turn["sources"]))
                follows = [] if turn["kind"] == "first" else ["follow-ups"]
                for name in ("all turns", *follows, turn["kind"], corpus):
                    kept[name].append(right)
    heads = [f"recall@{depth} {form}" for form in FORMS for depth in DEPTHS]
    rows = []
    for name, right in kept.items():
        sums = [sum(column) for column in zip(*right, strict=True)]
        ratio = sums[2] / (sums[4] or 1)
        rows.append([name, str(len(right)), *(f"{each / len(right):.3f}" for each in sums), f"{ratio:.3f}"])
    report.table(["turns", "", *heads, "of what by hand reaches @5"], rows)
    print(f"\n{calls} of {len(seconds)} turns asked a model; {1e6 * median(seconds):.0f} µs a turn, median")


def _indexed(corpus: str, folder: Path) -> Pipeline:
    documents = folder / "documents"
    if corpus == "squad":
        documents.mkdir()
        for line in (DATA / "squad" / "corpus.jsonl").read_text("utf-8").splitlines():
            page = json.loads(line)
            name = page["_id"].replace("/", "-")
            (documents / f"{name}.txt").write_text(f"{page['title']}\n\n{page['text']}\n", "utf-8")
    else:
        shutil.copytree(
            DATA / "handbook" if corpus == "handbook" else TESTS / "data/island/documents", documents
        )
    index = {"components.index.path": str(folder / "index")}
    pipeline = Pipeline.load(TESTS.parent / "pipelines" / "chat.yaml", set=index)
    pipeline.ingest(documents)
    return pipeline


def _turns(conversations: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], list[Message]]]:
    """Each turn with what was said before it."""
    for each in conversations:
        history: list[Message] = []
        for turn in each["turns"]:
            yield turn, list(history)
            history += [Message("user", turn["question"]), Message("assistant", turn["answer"])]


def _found(pipeline: Pipeline, question: str, sources: list[str]) -> list[bool]:
    hits = pipeline.search(question, k=max(DEPTHS))
    # SQuAD's paragraphs are files here, and `Normans/3` is in Normans-3.txt.
    wanted = [name for each in sources for name in (each, each.replace("/", "-"))]
    right = [any(names(each, hit.source) for each in wanted) for hit in hits]
    return [any(right[:depth]) for depth in DEPTHS]


def _number(conversation: dict[str, Any]) -> int:
    return int(conversation["id"].rpartition("-")[2])


if __name__ == "__main__":
    main()
