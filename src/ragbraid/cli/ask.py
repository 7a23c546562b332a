"""`ragbraid ask`: the answer as it comes, its sources below."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import options, output
from ragbraid.cli.places import place

if TYPE_CHECKING:
    from ragbraid import Pipeline
    from ragbraid.pipeline.recording.values import Recording
    from ragbraid.types import Answer


def command(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In quotes.")],
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.001, help="Give up after this time.")
    ] = None,
    filter_text: options.FilterText = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    why: Annotated[
        bool, typer.Option("--why", help="Show what was weighed for the answer, and what spoke for it.")
    ] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="Show when each step ran and for how long, on standard error.")
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keep what each step gave, to be run again with ragbraid replay FILE."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Let --record replace a file that is there.")
    ] = False,
) -> None:
    """Answer a question from the ingested documents, with citations.

    With --why, --trace or --record the answer comes at once, not word by word.

    For example: ragbraid ask "How long is parental leave?"

    Or: ragbraid ask "How long is parental leave?" --why --trace
    """
    wanted = options.parse_filter(filter_text)
    request: dict[str, Any] = {"filter": wanted, "collection": collection, "timeout": timeout}
    if record is not None:
        from ragbraid.pipeline.recording.file import demand_place

        demand_place(record, force)
    with options.load(pipeline, overrides, allow) as loaded:
        if why or trace or record is not None:
            recording = loaded.record(question, **request)
            if record is not None:
                recording.save(record, force=force)
            _show_recorded(recording, why=why, trace=trace, as_json=as_json)
        elif as_json:
            from ragbraid.serial import to_json

            output.print_json(to_json(loaded.ask(question, **request)))
        else:
            tell(loaded, question, request)


def tell(pipeline: Pipeline, question: str, request: dict[str, Any]) -> Answer:
    """Print an answer as it comes, with its sources below; `request` is for `Pipeline.stream`."""
    answer = _stream(pipeline, question, request)
    _show_sources(answer)
    _say_what_went_amiss(answer)
    return answer


def _stream(pipeline: Pipeline, question: str, request: dict[str, Any]) -> Answer:
    """Print the answer's text as it comes; returns the whole answer."""
    streamed = False
    try:
        for event in pipeline.stream(question, **request):
            if event.kind == "delta":
                output.stream(event.value)
                streamed = True
            elif event.kind == "error":
                raise event.value
    finally:
        if streamed:
            output.show()
    answer: Answer = event.value
    if not streamed:
        output.show(answer.text)
    return answer


def _show_recorded(recording: Recording, *, why: bool, trace: bool, as_json: bool) -> None:
    """Show an answer that was recorded, and what is asked for of how it came about."""
    from ragbraid.cli import explain
    from ragbraid.serial import to_json

    answer, error = recording.answer, recording.error
    if answer is not None and as_json:
        weighed = {"why": to_json(recording.candidates)} if why else {}
        output.print_json({**to_json(answer), **weighed})
    elif answer is not None:
        output.show(answer.text)
        _show_sources(answer)
        if why:
            explain.show_candidates(recording.candidates)
        _say_what_went_amiss(answer)
    if trace:
        explain.say_trace(recording.trace)
    if error is not None:
        output.say(f"{error.message} {error.hint}".strip())
        raise typer.Exit(error.exit_code)


def _show_sources(answer: Answer) -> None:
    if answer.short:
        output.show()
        output.show(f"In short: {' '.join(answer.short.split())}", bold=True)
    if answer.citations:
        output.show("\nSources", bold=True)
    for number, citation in enumerate(answer.citations, 1):
        output.show(f"[{number}] {place(citation)}")
        output.show(f"    {' '.join(citation.quote.split())}", dim=True)


def _say_what_went_amiss(answer: Answer) -> None:
    """Steps note in a sentence what they had to do without; numbers stay in the trace."""
    for span in answer.trace:
        for note in span.notes.values():
            if isinstance(note, str):
                output.say(f"{span.step}: {note}")
