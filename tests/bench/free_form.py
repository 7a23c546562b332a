"""Answers as other frameworks make them, beside ours: `RAGBRAID_DATA=… python tests/bench/free_form.py`.

The three best passages and the question go to the small model, which writes what it likes. Search and weights
are those of the default pipeline, so that the answer alone differs. Prints how often the answer holds what is
right, its words and its time, over every `--every`-th question of SQuAD's that has an answer.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

import report

from ragbraid import Pipeline
from ragbraid.components import Local
from ragbraid.evaluate.matching import contains
from ragbraid.generate.protocol import Completion, Request
from ragbraid.types import Message

DATA = Path(os.environ.get("RAGBRAID_DATA", Path(__file__).parents[2] / "data"))
_ASKED = (
    "Use the following pieces of context to answer the question. If you don't know the answer, say that you "
    "don't know.\n\n{context}\n\nQuestion: {question}\nAnswer:"
)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--every", type=int, default=4)
    given = asked.parse_args()
    report.header("Written freely, and quoted", ["ragbraid", "openvino"])
    lines = (DATA / "squad" / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [each for each in map(json.loads, lines) if each["answers"]][:: given.every]
    with tempfile.TemporaryDirectory() as folder:
        for line in (DATA / "squad" / "corpus.jsonl").read_text("utf-8").splitlines():
            page = json.loads(line)
            text = f"{page['title']}\n\n{page['text']}\n"
            (Path(folder) / f"{page['_id'].replace('/', '-')}.txt").write_text(text, "utf-8")
        overrides = {"components.index.path": str(Path(folder) / "index"), "ask.quote.abstain": "never"}
        with Pipeline.load(set=overrides) as pipeline:
            pipeline.ingest(folder)
            generator = Local().open()
            told = {
                "written freely from three passages": [
                    _written(pipeline, generator, each) for each in questions
                ],
                "quoted, with the short answer": [_quoted(pipeline, each) for each in questions],
            }
            generator.close()
    rows = []
    for name, row in told.items():
        right, words, seconds = zip(*row, strict=True)
        rows.append([name, f"{mean(right):.3f}", f"{mean(words):.1f}", f"{median(seconds):.2f}"])
    report.table(["answer", "holds what is right", "words", "median s"], rows)
    print(f"\n{len(questions)} questions")


def _written(pipeline: Pipeline, generator: Any, question: dict[str, Any]) -> tuple[float, int, float]:
    began = time.perf_counter()
    hits = pipeline.search(question["question"], k=3)
    context = "\n\n".join(hit.text for hit in hits)
    prompt = (Message("user", _ASKED.format(context=context, question=question["question"])),)
    (found,) = generator.generate([Request(prompt, max_tokens=128)])
    assert isinstance(found, Completion), found
    taken = time.perf_counter() - began
    return contains(found.text, question["answers"]), len(found.text.split()), taken


def _quoted(pipeline: Pipeline, question: dict[str, Any]) -> tuple[float, int, float]:
    began = time.perf_counter()
    found = pipeline.ask(question["question"])
    taken = time.perf_counter() - began
    return contains(found.text, question["answers"]), len(found.text.split()), taken


if __name__ == "__main__":
    main()
