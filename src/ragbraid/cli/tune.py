"""`ragbraid tune`: settings fitted to one's own questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import evaluate, interrupts, options, output, progress

if TYPE_CHECKING:
    from ragbraid.evaluate.tuning import Tuning

app = typer.Typer(help="Fit settings to your own questions.", no_args_is_help=True, cls=options.Group)


@app.callback()
def _group() -> None:
    """Fit settings to your own questions."""


@app.command("answers", cls=options.Command)
def answers(
    questions: Annotated[
        Path | None,
        typer.Argument(metavar="[QUESTIONS]", help="As for ragbraid eval, with answers."),
    ] = None,
    lost: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0, max=0.5, help="Answerable questions that may be refused."),
    ] = 0.05,
    limit: options.Limit = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit what `quote` chooses by, and when it refuses.

    Prints the settings to put into the pipeline's quote step, and what they are worth on questions that
    they weren't fitted to. A few hundred questions are enough; --set ask.quote.short=false saves time.

    For example: ragbraid tune answers questions.jsonl
    """
    interrupts.leave_at_once()
    from ragbraid.evaluate.tuning import tune

    with options.load(pipeline, overrides, allow) as loaded:
        held = evaluate.questions_of(loaded, questions, limit)
        with progress.asking(quiet or as_json) as on_asked:
            found = tune(loaded, held, collection=collection, lost=lost, on_asked=on_asked)
    if as_json:
        output.print_json(found.to_json())
    else:
        _show(found)


@app.command("ranking", cls=options.Command)
def ranking(
    questions: Annotated[
        Path | None,
        typer.Argument(metavar="[QUESTIONS]", help="As for ragbraid eval, with sources or answers."),
    ] = None,
    limit: options.Limit = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit what the stages of the search weigh in a last step `learned`.

    Prints the step to put at the end of `search`, and the mean reciprocal rank of the first right hit: as it
    is, and on questions that the weights weren't fitted to; where these do no better, it says so. What users
    said of answers serves, too: ragbraid questions --feedback makes questions of it.

    For example: ragbraid tune ranking questions.jsonl
    """
    interrupts.leave_at_once()
    from ragbraid.evaluate.rank_tuning import tune_ranking

    with options.load(pipeline, overrides, allow) as loaded:
        held = evaluate.questions_of(loaded, questions, limit)
        with progress.asking(quiet or as_json) as on_asked:
            found = tune_ranking(loaded, held, collection=collection, on_asked=on_asked)
    if as_json:
        output.print_json(found.to_json())
        return
    output.show(f"{'':<22}{'as it is':>9}{'tuned':>9}", bold=True)
    told = f"{found.before:>9.3f}{found.after:>9.3f}"
    output.show(f"{'mean reciprocal rank':<22}{told}   by cross-validation")
    if found.after <= found.before:
        output.say("The weights do no better on other questions: leave the search as it is.")
        return
    weights = ", ".join(f"{name}: {each:g}" for name, each in found.weights.items())
    output.show("\nAs the last step of search:", bold=True)
    output.show(f"  - {{type: learned, weights: {{{weights}}}}}", hanging=4)


def _show(found: Tuning) -> None:
    output.show(f"{'':<16}{'as it is':>9}{'tuned':>9}", bold=True)
    output.show(f"{'answers contain':<16}{found.before[0]:>9.3f}{found.after[0]:>9.3f}   by cross-validation")
    output.show(f"{'words':<16}{found.before[1]:>9.1f}{found.after[1]:>9.1f}")
    weights = ", ".join(f"{name}: {each:g}" for name, each in found.weights.items())
    settings = [f"weights: {{{weights}}}"]
    if found.threshold is not None:
        shares = f"{found.refused:.0%} of the questions without an answer and {found.lost:.0%} of the others"
        output.show(f"A threshold of {found.threshold:g} refuses {shares}.")
        settings.append(f"threshold: {found.threshold:g}")
    output.show("\nFor the pipeline's quote step:", bold=True)
    for each in settings:
        output.show(f"  {each}", hanging=4)
