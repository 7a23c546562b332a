"""`ragbraid ask`: the answer as it comes, its sources below."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import interrupts, options, output, progress
from ragbraid.cli.columns import Flow
from ragbraid.cli.places import place

if TYPE_CHECKING:
    from ragbraid import Pipeline
    from ragbraid.pipeline.recording.values import Recording
    from ragbraid.types import Answer


def command(
    question: options.Question,
    timeout: options.Timeout = None,
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
    interrupts.leave_at_once()
    wanted = options.parse_filter(filter_text)
    request: dict[str, Any] = {"filter": wanted, "collection": collection, "timeout": timeout}
    if record is not None:
        from ragbraid.pipeline.recording.file import demand_place

        demand_place(record, force)
    with options.load(pipeline, overrides, allow) as loaded:
        options.demand_stored(loaded, "ask", collection)
        if why or trace or record is not None:
            from ragbraid.errors import DeadlineExceeded
            from ragbraid.pipeline.pipeline import SOON

            with progress.waiting(progress.loading(loaded, "ask"), quiet=as_json):
                recording = loaded.record(question, **request)
            if record is not None:
                recording.save(record, force=force)
            if recording.error is not None and recording.error.error == DeadlineExceeded.__name__:
                late = DeadlineExceeded("")
                late.name_running(loaded.close(SOON))  # its time is up: what doesn't stop isn't waited for
                if late.hint:
                    output.say(late.hint)
            _show_recorded(recording, why=why, trace=trace, as_json=as_json)
        elif as_json:
            from ragbraid.serial import to_json

            output.print_json(to_json(loaded.ask(question, **request)))
        else:
            tell(loaded, question, request, progress.loading(loaded, "ask"))


def tell(pipeline: Pipeline, question: str, request: dict[str, Any], meanwhile: str) -> Answer:
    """Print an answer as it comes, with its sources below; `request` is for `Pipeline.stream`.

    Until it comes, a terminal shows what is going on `meanwhile`.
    """
    with progress.waiting(meanwhile) as clear:
        answer = _stream(pipeline, question, request, clear)
    _show_sources(answer)
    _say_what_went_amiss(answer)
    return answer


def _stream(pipeline: Pipeline, question: str, request: dict[str, Any], clear: Callable[[], None]) -> Answer:
    """Print the answer's text as it comes, once the terminal is cleared; returns the whole answer."""
    streamed = False
    flow = Flow(output.terminal_width(sys.stdout))
    try:
        for event in pipeline.stream(question, **request):
            if event.kind != "step":
                clear()
            if event.kind == "delta":
                output.stream(flow.take(event.value))
                streamed = True
            elif event.kind == "error":
                raise event.value
    finally:
        if streamed:
            output.show(flow.rest())
    answer: Answer = event.value
    if not streamed:
        output.show(answer.text, hanging=0)
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
        output.show(answer.text, hanging=0)
        _show_sources(answer)
        if why:
            explain.show_candidates(recording.candidates, answer)
        _say_what_went_amiss(answer)
    if trace:
        explain.say_trace(recording.trace)
    if error is not None:
        output.say(f"{error.message} {error.hint}".strip())
        if as_json:
            output.print_json_line({"error": error.error, "message": error.message, "hint": error.hint})
        raise typer.Exit(error.exit_code)


def _show_sources(answer: Answer) -> None:
    if answer.short:
        output.show()
        output.show(f"In short: {' '.join(answer.short.split())}", bold=True, hanging=0)
    if answer.citations:
        output.show("\nSources", bold=True)
    for number, citation in enumerate(answer.citations, 1):
        output.show(f"[{number}] {place(citation)}", hanging=4)
        output.show(f"    {' '.join(citation.quote.split())}", dim=True, hanging=4)


def _say_what_went_amiss(answer: Answer) -> None:
    """Steps note in a sentence what they had to do without; numbers and words stay in the trace."""
    if answer.hits and not answer.citations and not answer.abstained:
        output.say("No passage is cited for this.")
    for span in answer.trace:
        for note in span.notes.values():
            if isinstance(note, str) and note.endswith("."):
                output.say(f"{span.step}: {note}")
