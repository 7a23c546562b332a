"""`ragbraid questions`: a question set made from one's own documents, or from what people said of answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import interrupts, options, output, progress, values
from ragbraid.errors import InputError
from ragbraid.text.counted import counted

if TYPE_CHECKING:
    from ragbraid.evaluate.making import Made


def command(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE...]",
            help="Stored sources, or globs such as 'docs/**'. Without them: all.",
            autocompletion=values.sources,
        ),
    ] = None,
    count: Annotated[int, typer.Option(metavar="N", min=0, help="Questions with an answer.")] = 50,
    off_topic: Annotated[
        int, typer.Option(metavar="N", min=0, help="English questions that the documents don't speak of.")
    ] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed, other questions.")] = 0,
    feedback: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take the questions from thumbs up and down, JSON lines."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the questions there, a JSON object a line.")
    ] = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Make questions with known answers, as ragbraid eval takes them.

    The pipeline's generator asks about sentences of the stored documents. A question is kept where the
    pipeline, asked it, finds its passage and answers it; the others are counted by what was wrong.

    For example: ragbraid questions --count 100 --off-topic 20 --out questions.jsonl
    """
    interrupts.leave_at_once()
    from ragbraid.evaluate.making import as_line

    if feedback is not None:
        if sources:
            raise InputError("Sources and --feedback don't go together.", "Take one after the other.")
        from ragbraid.evaluate.feedback import read_feedback

        told = read_feedback(feedback)
        _give([as_line(each) for each in told.questions], told.to_json(), out, as_json)
        if told.unlabelled and not as_json:
            output.say(f"{counted(told.unlabelled, 'question')} left out: nobody said what would be right.")
        return
    from ragbraid.evaluate.making import make
    from ragbraid.evaluate.off_topic import off_topic as beside

    with options.load(pipeline, overrides, allow) as loaded:
        loaded.demand_stored(collection=collection)
        with progress.asking(quiet or as_json) as on_asked:
            made = make(
                loaded, sources or None, count=count, seed=seed, collection=collection, on_asked=on_asked
            )
        made.questions += [(each, "") for each in beside(loaded, off_topic, seed=seed, collection=collection)]
    _give([as_line(*each) for each in made.questions], made.to_json(), out, as_json)
    if not as_json:
        _conclude(made, count, off_topic)


def _give(lines: Sequence[dict[str, Any]], whole: dict[str, Any], out: Path | None, as_json: bool) -> None:
    """The questions in a file, or on standard output; with `as_json` all that is known of them there."""
    if out is not None:
        from ragbraid.replacing import replacing

        text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines)
        with replacing(out) as beside:
            beside.write_text(text, encoding="utf-8", errors="surrogatepass")
    if as_json:
        output.print_json(whole)
    elif out is None:
        for each in lines:
            output.print_json_line(each)
    else:
        output.show(f"{counted(len(lines), 'question')} in {out}.")


def _conclude(made: Made, count: int, off_topic: int) -> None:
    from ragbraid.evaluate.making import DROPPED

    kept = sum(each.answers != () for each, _ in made.questions)
    if made.tried:
        output.say(f"Of {counted(made.tried, 'question')} that were written, {kept} lead back.")
    for name, times in made.dropped.most_common():
        output.say(f"{times} not kept: {DROPPED[name]}.")
    if kept < count:
        output.say(f"{count} were wanted: there are no more passages to ask about.")
    if (beside := len(made.questions) - kept) < off_topic:
        output.say(f"{off_topic} off the topic were wanted, and of those there are {beside}.")
