"""`ragbraid search`: the passages alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import interrupts, options, output, progress
from ragbraid.cli.places import place

if TYPE_CHECKING:
    from ragbraid.types import Hit


def command(
    question: options.Question,
    k: Annotated[int, typer.Option("-k", min=1, help="How many passages.")] = 10,
    filter_text: options.FilterText = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Find the passages nearest to a question.

    For example: ragbraid search "parental leave" -k 3
    """
    interrupts.leave_at_once()
    wanted = options.parse_filter(filter_text)
    with options.load(pipeline, overrides, allow) as loaded:
        options.demand_stored(loaded, "search", collection)
        with progress.waiting(progress.loading(loaded, "search"), quiet=as_json):
            hits = loaded.search(question, k=k, filter=wanted, collection=collection)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(hits))
        return
    for number, hit in enumerate(hits, 1):
        _show(number, hit)
    if not hits:
        output.say("Nothing found.")


def _show(number: int, hit: Hit) -> None:
    output.show(f"{number}. {place(hit)}, score {hit.score:.3f}", bold=True, hanging=3)
    output.show(hit.text.strip() + "\n", hanging=0)
