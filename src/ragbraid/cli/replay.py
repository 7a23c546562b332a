"""`ragbraid replay`: a recorded question once more, and where it differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import failures, options, output
from ragbraid.cli.output import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ragbraid.pipeline.recording.compare import Comparison, Difference, ValueChange
    from ragbraid.pipeline.recording.hits import HitChange

_MOST = 12
"""Hits that are shown of a step."""


def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A recording, made with ragbraid ask --record.")
    ],
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask a recorded question again, and show what differs and where it begins.

    It is asked of the pipeline file as it is now, with the overrides of then; --set comes on top. The exit
    code is 0 where every step gives the same, 4 where one doesn't.

    For example: ragbraid replay wrong.json
    Or: ragbraid replay wrong.json --set search.maxsim.candidates=50
    """
    from ragbraid import Pipeline
    from ragbraid.pipeline.overrides import parse_overrides
    from ragbraid.pipeline.recording.values import Recording

    recording = Recording.load(file)
    values = {**recording.pipeline.kept_overrides(), **parse_overrides(overrides or ())}
    path = pipeline or recording.pipeline.file
    with Pipeline.load(path, set=values, allow=allow or ()) as loaded:
        comparison = recording.replay(loaded)
    if as_json:
        output.print_json(comparison.to_json())
    else:
        _show(comparison)
    if not comparison.equal:
        raise typer.Exit(failures.GATE)


def _show(comparison: Comparison) -> None:
    cause = comparison.cause
    if cause is None:
        output.show("Equal: every step gives what it gave.", bold=True)
    else:
        place = f", in the step {cause.step}" if cause.step else ""
        output.show(f"It differs, first in {_named(cause.stage)}{place}: the likely cause.", bold=True)
    if comparison.changes:
        output.show("\nChanged since the recording", bold=True)
        _show_values(comparison.changes)
    for each in comparison.differences:
        output.show(f"\n{_named(each.stage).capitalize()}: {each.step}".removesuffix(": "), bold=True)
        _show_difference(each)


def _named(stage: str) -> str:
    return "a step before the search or beside it" if stage == "other" else f"the {stage}"


def _show_difference(difference: Difference) -> None:
    _show_values(difference.settings)
    _show_values(difference.values)
    for each in difference.hits[:_MOST]:
        _show_hit(each)
    if len(difference.hits) > _MOST:
        output.show(f"  … and {len(difference.hits) - _MOST} more")
    for line in difference.diff.splitlines():
        output.show(f"  {line}")


def _show_hit(hit: HitChange) -> None:
    if hit.was is None:
        what = f"new, rank {hit.now}"
    elif hit.now is None:
        what = f"lost, was rank {hit.was}"
    elif hit.was == hit.now:
        what = f"rank {hit.was}"
    else:
        what = f"rank {hit.was} → {hit.now}"
    document = "" if hit.document == "same" else f" (the document is {hit.document})"
    output.show(f"  {what}: {one_line(hit.source)}, characters {hit.start}–{hit.end}{document}")
    if hit.was is not None and hit.now is not None and hit.scores:
        told = (f"{name} {_number(was)} → {_number(now)}" for name, (was, now) in hit.scores.items())
        output.show(f"    {', '.join(told)}", dim=True)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _show_values(changes: Iterable[ValueChange]) -> None:
    for each in changes:
        if each.name.startswith("document "):
            output.show(f"  {one_line(each.name)}: {'changed' if each.now else 'gone'}")
        else:
            output.show(f"  {one_line(each.name)}: {_told(each.was)} → {_told(each.now)}")


def _told(value: Any) -> str:
    if value is None:
        return "none"
    return one_line(" ".join(str(value).split())) or '""'
