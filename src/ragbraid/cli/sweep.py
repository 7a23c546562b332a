"""`ragbraid sweep`: many settings measured on the same questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import evaluate, interrupts, options, output, progress
from ragbraid.evaluate.measures import NAMES, figure
from ragbraid.text.counted import counted

if TYPE_CHECKING:
    from ragbraid.evaluate.sweep_result import Standing, Sweep

_BESIDE = ("contains", "ndcg@10", "refused", "words", "tokens")
"""Measures that are told beside the one that points are ranked by."""
_SHOWN = 30


def command(
    questions: Annotated[
        Path | None, typer.Argument(metavar="[QUESTIONS]", help="As for ragbraid eval.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=A,B,C",
            help="Values of a setting to try, each with those of the others. One value is set at all points.",
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="MEASURE", help="Rank by this measure, such as contains or ndcg@10.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep what is known so far; the same command goes on from there."),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with plots.")] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Ask so many questions side by side.")
    ] = None,
    limit: options.Limit = None,
    filter_text: options.FilterText = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure many settings of a pipeline on the same questions.

    What is the same at several points, such as a search before a step whose setting is tried, is done once.
    Points that are worse than the best by more than luck are marked.

    For example: ragbraid sweep questions.jsonl --set search.maxsim.candidates=10,30
    """
    interrupts.leave_at_once()
    from ragbraid import Pipeline
    from ragbraid.evaluate.grid import parse_grid
    from ragbraid.evaluate.sweep import sweep

    wanted = options.parse_filter(filter_text)
    grid = parse_grid(sets or ())

    def load(settings: Mapping[str, Any]) -> Pipeline:
        return Pipeline.load(pipeline, set=settings, allow=allow or ())

    with load(grid.fixed) as loaded:
        held = evaluate.questions_of(loaded, questions, limit)
        with progress.asking(quiet or as_json) as on_asked:
            found = sweep(
                load, grid, held, by=by, filter=wanted, collection=collection, out=out, jobs=jobs,
                on_asked=on_asked,
            )  # fmt: skip
    if report is not None:
        from ragbraid.evaluate.sweep_page import save_sweep_page

        save_sweep_page(report, found)
    if as_json:
        output.print_json(found.to_json())
    else:
        _show(found)


def _show(found: Sweep) -> None:
    from ragbraid.evaluate.grid import short_keys, told

    keys = list(dict.fromkeys(key for each in found.standings for key in each.point.settings))
    measures = found.base.evaluation.measures
    beside = [each for each in _BESIDE if each != found.by and each in measures and _varies(found, each)]
    head = [*short_keys(keys), NAMES[found.by], "95% interval", *(NAMES[each] for each in beside), "by luck"]
    rows = [head]
    for each in found.standings[:_SHOWN]:
        settings = each.point.settings
        values = [told(settings[key]) if key in settings else "as it is" for key in keys]
        rows.append([*values, *_figures(each, found.by, beside)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for at, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row[: len(keys)], widths, strict=False)]
        cells += [cell.rjust(width) for cell, width in zip(row, widths, strict=True)][len(keys) :]
        output.show("  ".join(cells).rstrip(), bold=at == 0)
    if len(found.standings) > _SHOWN:
        output.show(f"and {len(found.standings) - _SHOWN} more: --report shows them")
    _conclude(found)


def _figures(each: Standing, by: str, beside: Sequence[str]) -> list[str]:
    measures = each.point.evaluation.measures
    value = measures[by]
    others = [figure(name, measures[name].value if name in measures else None) for name in beside]
    luck = "" if each.chance_to_best == 1 else f"{each.chance_to_best:.4f}" + (" *" if each.behind else "  ")
    return [figure(by, value.value), f"{figure(by, value.low)} – {figure(by, value.high)}", *others, luck]


def _conclude(found: Sweep) -> None:
    behind = sum(each.behind for each in found.standings)
    if behind:
        points = f"{behind} points are" if behind > 1 else "1 point is"
        output.show(f"* {points} worse than the best by more than luck.")
    ahead = "The best is" if found.standings[0].ahead else "No point is"
    output.say(f"{ahead} better than the pipeline as it is by more than luck.")
    tally = found.tally
    output.say(
        f"Steps run: {tally.run:,}, in {tally.seconds:.1f} s. Taken over from another point: "
        f"{tally.shared:,}, which saved {tally.saved:.1f} s."
    )
    if found.known:
        output.say(f"{counted(found.known, 'question')} had been asked before.")


def _varies(found: Sweep, name: str) -> bool:
    measures = [each.point.evaluation.measures.get(name) for each in found.standings]
    return len({None if each is None else each.value for each in measures}) > 1
