"""`ragbraid trace`: a question's timeline."""

from __future__ import annotations

import typer

from ragbraid.cli import explain, interrupts, options, output, progress


def command(
    question: options.Question,
    timeout: options.Timeout = None,
    filter_text: options.FilterText = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask a question, and show when each step ran, for how long, and what it noted.

    Below a step are its uses of models and index. A question that fails shows how far it came.

    For example: ragbraid trace "How long is parental leave?"
    """
    interrupts.leave_at_once()
    wanted = options.parse_filter(filter_text)
    with options.load(pipeline, overrides, allow) as loaded:
        options.demand_stored(loaded, "ask", collection)
        with progress.waiting(progress.loading(loaded, "ask"), quiet=as_json):
            asked = loaded.record(question, filter=wanted, collection=collection, timeout=timeout)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(
            {"question": question, "trace": to_json(asked.trace), "error": to_json(asked.error)}
        )
    else:
        explain.tell_trace(asked.trace, output.show)
    if asked.error is not None:
        output.say(f"{asked.error.message} {asked.error.hint}".strip())
        raise typer.Exit(asked.error.exit_code)
