"""`ragbraid eval`: how good the answers are, on questions whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import failures, interrupts, options, output, progress
from ragbraid.errors import InputError
from ragbraid.evaluate.measures import NAMES, figure

if TYPE_CHECKING:
    from ragbraid import Pipeline
    from ragbraid.evaluate.against import Comparison
    from ragbraid.evaluate.questions import QuestionSet
    from ragbraid.evaluate.result import Evaluation

_SHOWN = 8


def command(
    questions: Annotated[
        Path | None,
        typer.Argument(
            metavar="[QUESTIONS]",
            help="JSON lines, a SQuAD file or a BEIR folder. Without it: what the pipeline names.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="BASELINE", help="Compare with an earlier evaluation; exit 4 on a regression."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the evaluation, to compare others with.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with plots and the worst questions.")
    ] = None,
    limit: options.Limit = None,
    filter_text: options.FilterText = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure answers on questions whose answers are known.

    A line of QUESTIONS is {"question": "…", "answers": ["…"], "sources": ["docs/leave.md"]}; where
    answers is empty, a refusal is right. What isn't labelled isn't measured.

    For example: ragbraid eval questions.jsonl --out today.json

    Or: ragbraid eval questions.jsonl --against yesterday.json
    """
    interrupts.leave_at_once()
    from ragbraid.evaluate.against import against as compared
    from ragbraid.evaluate.against import demand_same
    from ragbraid.evaluate.result import load_evaluation
    from ragbraid.evaluate.run import evaluate

    wanted = options.parse_filter(filter_text)
    baseline = None if against is None else load_evaluation(against)
    with options.load(pipeline, overrides, allow) as loaded:
        held = questions_of(loaded, questions, limit)
        if baseline is not None:
            demand_same(baseline, held.digest, held.name)
        with progress.asking(quiet or as_json) as on_asked:
            found = evaluate(loaded, held, filter=wanted, collection=collection, on_asked=on_asked)
    comparison = None if baseline is None else compared(baseline, found)
    if out is not None:
        found.save(out)
    if report is not None:
        from ragbraid.evaluate.page import save_page

        save_page(report, found, baseline, comparison)
    if as_json:
        from ragbraid.serial import to_json

        told = {} if comparison is None else {"against": to_json(comparison)}
        output.print_json({**found.to_json(), **told})
    else:
        _show(found)
        if comparison is not None:
            _show_changes(comparison)
    if comparison is not None and comparison.regressed:
        raise typer.Exit(failures.GATE)


def questions_of(pipeline: Pipeline, path: Path | None, limit: int | None) -> QuestionSet:
    """The questions of a file, or of that which the pipeline names. Raises `InputError` where neither is."""
    from ragbraid.evaluate.questions import read_questions

    if path is None:
        named = pipeline.section("eval").get("questions")
        if named is None:
            raise InputError(
                "No questions are named.",
                "Write ragbraid eval questions.jsonl, or name the file in the pipeline: "
                "eval: {questions: questions.jsonl}.",
            )
        path = pipeline.base / str(named)
    found = read_questions(path)
    return found if limit is None else found.first(limit)


def _show(found: Evaluation) -> None:
    output.show(f"{'':<20}{'value':>8}  {'95% interval':<17}questions", bold=True)
    for name, each in found.measures.items():
        if name != "failed" or each.value:
            between = "" if each.low is None else f"{figure(name, each.low)} – {figure(name, each.high)}"
            output.show(f"{NAMES[name]:<20}{figure(name, each.value):>8}  {between:<17}{each.count:>9}")


def _show_changes(comparison: Comparison) -> None:
    output.show(f"\n{'against the baseline':<20}{'before':>8}{'now':>9}   by luck", bold=True)
    for each in comparison.changes:
        luck = "" if each.chance is None or each.chance == 1 else f"{each.chance:.4f}"
        mark = "   fell" if each.regressed else ""
        before, now = (figure(each.measure, value) for value in (each.before, each.now))
        output.show(f"{NAMES[each.measure]:<20}{before:>8}{now:>9}   {luck}{mark}".rstrip())
    if comparison.lost:
        shown = ", ".join(comparison.lost[:_SHOWN]) + (" …" if len(comparison.lost) > _SHOWN else "")
        output.show(f"Held something right before, and no longer: {shown}", hanging=2)
    output.say(
        "Something fell by more than luck." if comparison.regressed else "Nothing fell by more than luck."
    )
