"""`ragbraid parity`: one answer, whichever way one asks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ragbraid.cli import interrupts, options, output, progress
from ragbraid.cli.evaluate import questions_of
from ragbraid.errors import FOREIGN, told

PARTS = {
    "answers": ("text", "short", "short_citation", "abstained", "confidence"),
    "citations": ("citations",),
    "scores": ("hits",),
}
"""What is compared, and the keys of an answer's JSON that it is made of."""


def command(
    questions: Annotated[
        Path | None,
        typer.Argument(
            metavar="[QUESTIONS]", help="As with ragbraid eval. Without it: what the pipeline names."
        ),
    ] = None,
    limit: options.Limit = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask the same questions in every way there is, and compare the answers.

    The ways are Python, the command line, HTTP, and each framework whose connector is installed. It shows of
    each how many answers, citations and scores are those of Python, and the median time that it takes beyond
    Python's. Exit code 4 where any differ.

    For example: ragbraid parity questions.jsonl --limit 20
    """
    interrupts.leave_at_once()
    from ragbraid.cli.ways import ways

    given = ["-p", str(pipeline)] if pipeline else []
    for name, values in (("--set", overrides), ("--allow", allow)):
        given += [part for each in values or () for part in (name, each)]
    with options.load(pipeline, overrides, allow) as loaded:
        options.demand_stored(loaded, "ask", None)
        asked = [each.text for each in questions_of(loaded, questions, limit).questions]
        loaded.ask(asked[0])  # what loads at the first question is in no way's time
        with ways(loaded, given) as found, progress.waiting("asking in every way", quiet=as_json):
            own = [_asked(found["python"], each) for each in asked]
            rows = [_row(name, way, asked, own) for name, way in found.items()]
    if as_json:
        output.print_json({"questions": len(asked), "ways": rows})
    else:
        _show(rows, len(asked))
    if any(row.get(part, len(asked)) < len(asked) for row in rows for part in PARTS):
        raise typer.Exit(4)


def _asked(way: Any, question: str) -> tuple[Any, float]:
    """The answer's JSON, or what the error said, and the seconds that it took."""
    began = time.perf_counter()
    try:
        answer = way(question)
    except FOREIGN as error:
        answer = {"error": told(error)}
    return answer, time.perf_counter() - began


def _row(
    name: str, way: Callable[[str], Any] | str, asked: list[str], own: list[tuple[Any, float]]
) -> dict[str, Any]:
    if isinstance(way, str):
        return {"way": name, "missing": way}
    found = own if name == "python" else [_asked(way, each) for each in asked]
    beyond = statistics.median(took - mine for (_, took), (_, mine) in zip(found, own, strict=True))
    same = {
        part: sum(
            "error" not in ours and all(answer.get(key, answer) == ours[key] for key in keys)
            for (answer, _), (ours, _) in zip(found, own, strict=True)
        )
        for part, keys in PARTS.items()
    }
    first = next((answer["error"] for answer, _ in found if "error" in answer), None)
    return {"way": name, **same, "beyond_ms": beyond * 1000, **({"error": first} if first else {})}


def _show(rows: list[dict[str, Any]], count: int) -> None:
    output.show(f"{'':12} {'answers':>9} {'citations':>9} {'scores':>9} {'beyond Python':>14}", bold=True)
    for row in rows:
        if "missing" in row:
            output.show(f"{row['way']:12} {row['missing']}")
            continue
        parts = " ".join(f"{row[part]:>4}/{count:<4}" for part in PARTS)
        output.show(f"{row['way']:12} {parts} {row['beyond_ms']:>11.2f} ms")
    for row in rows:
        if "error" in row:
            output.say(f"{row['way']}: {row['error']}")
