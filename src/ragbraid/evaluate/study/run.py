"""How much a model makes of what retrieval gives it, checkpoint by checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from ragbraid.errors import InputError
from ragbraid.evaluate.journal import appending, whole_lines
from ragbraid.evaluate.matching import normalised
from ragbraid.evaluate.study.checkpoints import Checkpoint
from ragbraid.evaluate.study.contexts import Asked, digest
from ragbraid.generate.protocol import Completion, Generator, Request
from ragbraid.generate.transformers import Transformers
from ragbraid.types import ModelName

SCHEMA = 1
_SAID = 16
"""The most tokens that a model goes on with, to see whether it copies."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a checkpoint made of a question in a context.

    `logprob` is the mean log-probability of a token of the right answer, in nats, of several answers the
    likeliest's. `copied` says whether what the model said by itself stands in a passage; None without any.
    """

    model: str
    parameters: int
    step: int
    question: str
    context: str
    logprob: float
    copied: bool | None
    said: str


OnDone = Callable[[str, int, int], None]
"""Called with a checkpoint's name, how many are done, and how many there are."""


def study(
    checkpoints: Sequence[Checkpoint],
    questions: Sequence[Asked],
    *,
    out: Path | None = None,
    on_done: OnDone | None = None,
) -> list[Row]:
    """Measure every checkpoint on every question in every context.

    With `out` a checkpoint's rows are kept as soon as it is measured, and the same study goes on from there.
    Raises `InputError` for a file of another study, `ModelMissing` before anything is measured where a
    checkpoint isn't on this machine, and `ModelError` for one that can't be loaded.
    """
    head = {"schema": SCHEMA, "study": digest(questions)}
    known = {} if out is None else _known(out, head)
    for each in checkpoints:
        if (each.model, each.step) not in known:
            _ = each.folder  # one that isn't here is told now, and not after hours of others
    rows: list[Row] = []
    for number, each in enumerate(checkpoints):
        key = (each.model, each.step)
        if key not in known:
            known[key] = list(_measured(each, questions))
            if out is not None:
                with appending(out, head) as write:
                    write({"rows": [asdict(row) for row in known[key]]})
        rows += known[key]
        if on_done is not None:
            on_done(f"{each.model} step {each.step}", number + 1, len(checkpoints))
    return rows


def _known(out: Path, head: Mapping[str, object]) -> dict[tuple[str, int], list[Row]]:
    lines = whole_lines(out).splitlines()
    if not lines:
        return {}
    try:
        first, *others = map(json.loads, lines)
        found = [[Row(**row) for row in each["rows"]] for each in others]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{out} isn't a study.", "Name another file.") from error
    if first != head:
        raise InputError(
            f"{out} is of another study: its questions or their contexts are others.",
            "Name another file, or remove it to begin anew.",
        )
    return {(rows[0].model, rows[0].step): rows for rows in found if rows}


def _measured(checkpoint: Checkpoint, questions: Sequence[Asked]) -> Iterator[Row]:
    count = checkpoint.parameters
    model = Transformers(ModelName(checkpoint.place), revision=checkpoint.revision, prompts="completion")
    with closing(model.open()) as runtime:
        for each in questions:
            said = _said(runtime, each)
            for context, passages in each.contexts.items():
                scores = runtime.score(each.prompt(context), [f" {answer}" for answer in each.answers])
                text = said.get(context, "")
                yield Row(
                    checkpoint.model, count, checkpoint.step, each.id, context,
                    max(score.logprob / score.tokens for score in scores),
                    _copied(text, passages) if passages else None, text,
                )  # fmt: skip


def _said(runtime: Generator, asked: Asked) -> dict[str, str]:
    """What the model goes on with in each context that has passages, up to the line's end."""
    names = [name for name, passages in asked.contexts.items() if passages]
    requests = [Request(asked.prompt(name), _SAID, stop=("\n",)) for name in names]
    found: dict[str, str] = {}
    for name, each in zip(names, runtime.generate(requests), strict=True):
        if not isinstance(each, Completion):
            raise each
        found[name] = each.text.strip()
    return found


def _copied(said: str, passages: Sequence[str]) -> bool:
    wanted = normalised(said)
    return bool(wanted) and any(f" {wanted} " in f" {normalised(each)} " for each in passages)
