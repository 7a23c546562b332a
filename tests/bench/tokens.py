"""What kept token vectors save: `OMP_NUM_THREADS=1 PYTHONPATH=src python tests/bench/tokens.py`.

An index of the SQuAD data in `RAGBRAID_DATA`, with and without the vectors of its chunks' tokens: what they
take on disk and in time, and how long `quote` takes to choose among some 100 sentences, and `maxsim` to rank
30 passages, from those that are kept, and made with each question. Nothing is remembered between questions;
the least processor time and, in brackets, the median, which another process's work hardly lengthens.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import report

from ragbraid.answer.candidates import candidates
from ragbraid.answer.quote import Quote
from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.index.faiss import Faiss
from ragbraid.index.protocol import Change, Entry
from ragbraid.rerank.maxsim import Maxsim
from ragbraid.split.recursive_splitter import RecursiveSplitter
from ragbraid.types import Document, Hit

DATA = Path(os.environ.get("RAGBRAID_DATA", Path(__file__).parents[2] / "data"))
SENTENCES, PASSAGES = 100, 30


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--documents", type=int, default=120)
    asked.add_argument("--questions", type=int, default=12)
    given = asked.parse_args()
    report.header("Kept token vectors", ["ragbraid", "numpy", "torch"])
    embedder = SentenceTransformer(token_cache_mb=0).open()
    embedder.warm_up()
    changes = _changes(embedder, given.documents)
    lines = (DATA / "squad" / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(each)["question"] for each in lines[:: len(lines) // given.questions]]
    with tempfile.TemporaryDirectory() as folder:
        plain = Faiss(Path(folder) / "plain", embedder).open()
        kept = Faiss(Path(folder) / "kept", embedder, tokens=embedder).open()
        without, within = (_seconds(lambda each=each: each.upsert(changes)) for each in (plain, kept))  # type: ignore[misc]
        chunks, size = kept.count(), kept.stats().bytes["tokens"] / 1e3
        rest = sum(kept.stats().bytes.values()) / 1e3 - size
        print(f"\n{chunks} chunks; stored in {without:.2f} s, with tokens in {within:.2f} s;", end=" ")
        print(f"tokens take {size / chunks:.1f} kB a chunk, all else {rest / chunks:.1f} kB")
        hits = [kept.search_vector(embedder.embed([each], "query"), PASSAGES)[0] for each in questions]
        rows, quotes = [], {}
        for name, index in (("kept", kept), ("made", None)):
            maxsim = Maxsim(embedder, PASSAGES, index)
            quoting = [
                (_quote(embedder, index, each), q, each) for q, each in zip(questions, hits, strict=True)
            ]
            quotes[name] = [_first(*each) for each in quoting]
            taken_by_quote = [_seconds(lambda each=each: each[0]._weigh(*each[1:])) for each in quoting]  # type: ignore[misc]
            taken_by_maxsim = [
                _seconds(lambda q=q, each=each, maxsim=maxsim: maxsim(q, each, PASSAGES))  # type: ignore[misc]
                for q, each in zip(questions, hits, strict=True)
            ]
            rows.append((name, _middle(taken_by_quote), _middle(taken_by_maxsim)))
        report.table(
            ["tokens", f"quote, {SENTENCES} sentences, ms", f"maxsim, {PASSAGES} passages, ms"], rows
        )
        same = sum(a == b for a, b in zip(quotes["kept"], quotes["made"], strict=True))
        print(f"\nThe same first quote for {same} of {len(questions)} questions.")


def _quote(embedder: Any, index: Any, hits: list[Hit]) -> Quote:
    """A step that weighs the first passages that have so many sentences together."""
    few = next((n for n in range(1, len(hits)) if len(candidates(hits[:n])) >= SENTENCES), len(hits))
    return Quote(embedder=embedder, index=index, passages=few, short=False)


def _first(step: Quote, question: str, hits: list[Hit]) -> list[str]:
    return [each.text for each in step._weigh(question, hits)[3][:1]]


def _middle(taken: list[float]) -> str:
    return f"{min(taken) * 1e3:.1f} ({median(taken) * 1e3:.1f})"


def _changes(embedder: Any, documents: int) -> list[Change]:
    split = RecursiveSplitter(embedder, max_tokens=220).open()
    changes = []
    for line in (DATA / "squad" / "corpus.jsonl").read_text("utf-8").splitlines()[:documents]:
        told = json.loads(line)
        name, text = told["_id"], told["text"]
        document = Document(name, text)
        chunks = split([document])
        changes.append(
            Change(name, [Entry(document, chunks, embedder.embed([each.text for each in chunks]))])
        )
    return changes


def _seconds(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


if __name__ == "__main__":
    main()
