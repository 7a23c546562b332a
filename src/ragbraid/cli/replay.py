"""`ragbraid replay`: a recorded question once more, and where it differs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import failures, options, output
from ragbraid.cli.output import one_line
from ragbraid.cli.places import place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ragbraid.pipeline.recording.compare import Comparison, Difference, ValueChange
    from ragbraid.pipeline.recording.hits import HitChange

_MOST, _MOST_LATER = 12, 4
"""Hits that are shown of the step where it begins, and of each later one."""


def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A recording, made with ragbraid ask --record.")
    ],
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask a recorded question again, and show where it differs.

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
        output.show(f"It differs. The likely cause, where it begins: {_titled(cause)}.", bold=True)
    if comparison.changes:
        output.show("\nChanged since the recording", bold=True)
        _show_values(comparison.changes)
    for each in comparison.differences:
        title = _titled(each)
        output.show(f"\n{title[0].upper()}{title[1:]}", bold=True)
        if each is cause:
            _show_values(each.settings)
        _show_difference(each, _MOST if each is cause else _MOST_LATER)


def _titled(difference: Difference) -> str:
    stage = "step" if difference.stage == "other" else difference.stage
    return f"{stage}, {difference.step}" if difference.step else stage


def _show_difference(difference: Difference, most: int) -> None:
    _show_values(difference.values)
    for each in difference.hits[:most]:
        _show_hit(each)
    if len(difference.hits) > most:
        output.show(f"  … and {len(difference.hits) - most} more")
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
    score = f"score {_number(hit.score_was)} → {_number(hit.score_now)}"
    if hit.was is None or hit.now is None or hit.score_was == hit.score_now:
        score = f"score {_number(hit.score_was if hit.now is None else hit.score_now)}"
    output.show(f"  {what}, {score}: {place(hit)}{document}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _show_values(changes: Iterable[ValueChange]) -> None:
    for each in changes:
        if each.name.startswith("document "):
            output.show(f"  {one_line(each.name)}: {'changed' if each.now else 'gone'}")
        else:
            was, now = _told(each.was), _told(each.now)
            told = f" {was} → {now}" if len(was + now) < 60 else f"\n    then: {was}\n    now:  {now}"
            output.show(f"  {one_line(each.name)}:{told}")


def _told(value: Any) -> str:
    if value is None or isinstance(value, float):
        return _number(value)
    return one_line(" ".join(str(value).split())) or '""'
