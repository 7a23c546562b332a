"""`ragbraid study`: what models make of what retrieval gives them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ragbraid.cli import evaluate, options, output, progress
from ragbraid.text.counted import counted

_MODELS = ("EleutherAI/pythia-70m", "EleutherAI/pythia-160m", "EleutherAI/pythia-410m")
_STEPS = (0, 128, 1000, 3000, 13000, 43000, 143000)

app = typer.Typer(
    help="Study what models make of what retrieval gives them.", no_args_is_help=True, cls=options.Group
)


@app.callback()
def _group() -> None:
    """Study what models make of what retrieval gives them."""


@app.command("pythia", cls=options.Command)
def pythia(
    questions: Annotated[
        Path | None, typer.Argument(metavar="[QUESTIONS]", help="As for ragbraid eval.")
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="A hub id with revisions stepN, or a folder of folders such as step1000. May be repeated.",
        ),
    ] = None,
    steps: Annotated[
        list[int] | None, typer.Option("--step", metavar="N", help="A training step. May be repeated.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, metavar="N", help="Passages of a context.")] = 3,
    limit: options.Limit = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep what is known so far; the same command goes on from there."),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with plots.")] = None,
    table: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all rows as Parquet.")] = None,
    published: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Published results beside it: model,shots,step,task,metric,value."),
    ] = None,
    pipeline: options.PipelineFile = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure from which size and step on models use their context.

    The right answer's log-probability without context, with the passage that holds it, with what the
    pipeline's search finds, with distractors alone, and with the passage at each place among them.

    For example: ragbraid study pythia questions.jsonl --model EleutherAI/pythia-70m --step 0 --step 143000
    """
    from ragbraid import Pipeline
    from ragbraid.errors import InputError
    from ragbraid.evaluate.study.checkpoints import checkpoints
    from ragbraid.evaluate.study.contexts import asked
    from ragbraid.evaluate.study.report import conclusion, read_published, save_report
    from ragbraid.evaluate.study.run import study
    from ragbraid.evaluate.study.summary import cells, save_table

    family = checkpoints(models or _MODELS, steps or ([] if models else _STEPS))
    beside = [] if published is None else read_published(published, [each.model for each in family])
    with Pipeline.load(pipeline, allow=allow or ()) as loaded:
        held = evaluate.questions_of(loaded, questions, limit)
        usable, left_out = asked(
            held.questions, lambda text, count: [hit.text for hit in loaded.search(text, count)], k
        )
    if not usable:
        raise InputError(
            f"None of {held.name}'s questions can be studied.",
            f"Each needs an answer, a passage that holds it, and {k} hits that don't.",
        )
    with progress.asking(quiet or as_json) as on_done:
        rows = study(family, usable, out=out, on_done=on_done)
    found = cells(rows)
    if table is not None:
        save_table(table, rows)
    if report is not None:
        save_report(report, found, name=held.name, questions=len(usable), published=beside)
    if as_json:
        output.print_json({"questions": len(usable), "cells": [asdict(each) for each in found]})
        return
    for line in conclusion(found):
        output.show(line)
    if left_out:
        output.say(f"Left out, for they can't be asked in every context: {counted(left_out, 'question')}.")


@app.command("experts", cls=options.Command)
def experts(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="As for ragbraid eval.")],
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="An OpenMoE model: a folder, or a hub id.")
    ] = "OrionZheng/openmoe-8b",
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Questions computed together.")] = 8,
    limit: options.Limit = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with plots.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show which experts of a mixture take which questions, and what is dropped.

    For example: ragbraid study experts questions.jsonl --model FOLDER --report experts.html
    """
    from contextlib import closing

    from ragbraid.evaluate.questions import read_questions
    from ragbraid.evaluate.study.experts import routed, save_experts
    from ragbraid.generate.openmoe import OpenMoe
    from ragbraid.types import ModelName

    held = read_questions(questions)
    asked = held.questions if limit is None else held.first(limit).questions
    with closing(OpenMoe(ModelName(model), experts="disk").open()) as runtime:
        found = list(routed(runtime, asked, batch))
    if report is not None:
        save_experts(report, found, held.name)
    if as_json:
        output.print_json([{**asdict(each), "drop_rate": each.drop_rate} for each in found])
        return
    for kind in dict.fromkeys(each.kind for each in found):
        rates = [each.drop_rate for each in found if each.kind == kind]
        mean = 100 * sum(rates) / len(rates)
        output.show(f"{kind}: {counted(len(rates), 'question')}, {mean:.1f}% of choices dropped")
