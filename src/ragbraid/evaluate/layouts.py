"""Question sets in others' layouts: BEIR's folders and SQuAD's files."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError
from ragbraid.evaluate.questions import Question, read_lines

_QUERIES = "queries.jsonl"
_QRELS = ("qrels.tsv", "qrels/test.tsv", "qrels/dev.tsv")


def beir(folder: Path) -> list[Question]:
    """The judged queries of a folder with `queries.jsonl` and `qrels.tsv` (or `qrels/test.tsv`).

    Source: Thakur et al., BEIR, NeurIPS 2021. Raises `InputError` for a folder without them.
    """
    qrels = next((folder / each for each in _QRELS if (folder / each).is_file()), None)
    if qrels is None or not (folder / _QUERIES).is_file():
        raise InputError(
            f"{folder} holds no question set.", f"BEIR's layout has {_QUERIES} and {' or '.join(_QRELS[:2])}."
        )
    judged = _judgements(qrels)
    found = []
    for number, value in read_lines(folder / _QUERIES):
        if not isinstance(value, dict) or not isinstance(value.get("text"), str) or "_id" not in value:
            raise InputError(f"{folder / _QUERIES}, line {number}, has no `_id` or `text`.", "Mend the line.")
        name = str(value["_id"])
        if name in judged:
            found.append(Question(name, value["text"], sources=judged[name]))
    return found


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    """Each query's documents with their grades; those of grade 0 were judged not to fit."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t"), start=1):
            try:
                query, document, grade = row[0], row[-2], int(row[-1])
            except (IndexError, ValueError):
                if number == 1:  # the names of the columns
                    continue
                raise InputError(
                    f"{path}, line {number}, isn't a query, a document and a grade.", "Mend the line."
                ) from None
            found[query][document] = grade
    return found


def squad(path: Path, text: str) -> list[Question]:
    """The questions of a SQuAD file, each with its paragraph as the passage that holds its answers.

    Source: Rajpurkar, Jia & Liang, SQuAD 2.0, ACL 2018. Raises `InputError` for another file.
    """
    try:
        return [
            _asked(each, paragraph["context"])
            for article in json.loads(text)["data"]
            for paragraph in article["paragraphs"]
            for each in paragraph["qas"]
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} isn't a question set in SQuAD's layout.", "Other sets are JSON lines, in a .jsonl file."
        ) from error


def _asked(entry: dict[str, Any], paragraph: str) -> Question:
    answers = tuple(dict.fromkeys(str(each["text"]) for each in entry["answers"]))
    held = () if entry.get("is_impossible") else answers
    return Question(str(entry["id"]), str(entry["question"]), held, passages=(paragraph,))
