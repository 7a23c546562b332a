"""A study as one page without scripts: gain by step and by size, what was copied, and the published curve."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError
from ragbraid.evaluate.page import filled
from ragbraid.evaluate.plots import GREY, altair_module, data, svg, titled
from ragbraid.evaluate.study.contexts import GOLD, NONE
from ragbraid.evaluate.study.summary import Cell, Figure
from ragbraid.replacing import replacing

PUBLISHED = ("model", "shots", "step", "task", "metric", "value")
"""The columns of a file of published results."""
_MARKED = 10
"""The most steps that are all marked on an axis."""


def save_report(
    path: Path, found: Sequence[Cell], *, name: str, questions: int, published: Sequence[dict[str, Any]] = ()
) -> None:
    """Write the page in one move. Raises `MissingDependency` without altair."""
    altair = altair_module()
    plots = svg(
        [
            _by_step(altair, found, "gain", "Gain over no context, nats a token"),
            _by_step(altair, found, "logprob", "Log-probability of the answer, nats a token"),
            _by_size(altair, found),
            _by_step(altair, found, "copied", "Answers that are copied"),
            _published(altair, published, _models(found)),
        ]
    )
    text = filled(
        "study/study.html", cells=found, plots=plots, name=name, questions=questions, told=conclusion(found)
    )
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def read_published(path: Path, models: Sequence[str]) -> list[dict[str, Any]]:
    """The published accuracies of these models, without examples. Raises `InputError` for another file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if not rows or set(PUBLISHED) - set(rows[0]):
            raise ValueError("it has other columns")
        return [
            {
                "model": row["model"],
                "step": int(row["step"]),
                "task": row["task"],
                "value": float(row["value"]),
            }
            for row in rows
            if row["model"] in models and row["shots"] == "zero-shot" and row["metric"] == "acc"
        ]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"The published results {path} can't be read: {error}.",
            f"It must be a CSV file with the columns {', '.join(PUBLISHED)}.",
        ) from error


def _by_step(altair: Any, found: Sequence[Cell], measure: str, title: str) -> Any:
    rows = []
    for each in found:
        figure: Figure | None = getattr(each, measure)
        if figure is not None and not (measure == "gain" and each.context == NONE):
            told = {"value": figure.value, "low": figure.low, "high": figure.high}
            rows.append({"step": each.step, "model": each.model, "context": each.context, **told})
    base = altair.Chart(data(altair, rows)).encode(
        x=_steps(altair, {each.step for each in found}),
        color=_contexts(altair, found),
        strokeDash=_dashes(altair, _models(found)),
    )
    band = base.mark_errorbar(opacity=0.4).encode(y=altair.Y("low:Q", title=""), y2="high:Q")
    return titled(band + base.mark_line(point=True).encode(y=altair.Y("value:Q", title="")), title)


def _by_size(altair: Any, found: Sequence[Cell]) -> Any:
    last = {model: max(each.step for each in found if each.model == model) for model in _models(found)}
    rows = [
        {"parameters": each.parameters, "gain": each.gain.value, "context": each.context}
        for each in found
        if each.step == last[each.model] and each.context != NONE
    ]
    if len(last) < 2:
        return None
    chart = altair.Chart(data(altair, rows)).mark_line(point=True)
    encoded = chart.encode(
        x=altair.X("parameters:Q", scale=altair.Scale(type="log", nice=False)),
        y=altair.Y("gain:Q", title=""),
        color=_contexts(altair, found),
    )
    return titled(encoded, "Gain at the last step, by size")


def _published(altair: Any, rows: Sequence[dict[str, Any]], models: Sequence[str]) -> Any:
    if not rows:
        return None
    chart = altair.Chart(data(altair, rows)).mark_line(point=True)
    encoded = chart.encode(
        x=_steps(altair, {each["step"] for each in rows}),
        y=altair.Y("value:Q", title=""),
        color=altair.Color("task:N", legend=altair.Legend(symbolType="circle")),
        strokeDash=_dashes(altair, models),
    )
    return titled(encoded, "Published accuracies, zero-shot")


def _steps(altair: Any, steps: Collection[int]) -> Any:
    """Few steps are all marked, of many the powers of ten."""
    marked = sorted(steps) if len(steps) <= _MARKED else [0, *(10**at for at in range(7))]
    return altair.X(
        "step:Q",
        scale=altair.Scale(type="symlog", domain=[min(steps), max(steps)], nice=False),
        axis=altair.Axis(values=marked, labelOverlap=True, format=",d"),
        title="training step",
    )


def _contexts(altair: Any, found: Sequence[Cell]) -> Any:
    """The same colours in each plot."""
    names = list(dict.fromkeys(each.context for each in found))
    return altair.Color(
        "context:N", scale=altair.Scale(domain=names), sort=None, legend=altair.Legend(symbolOpacity=1)
    )


def _dashes(altair: Any, models: Sequence[str]) -> Any:
    legend = altair.Legend(
        symbolType="stroke", symbolStrokeColor=GREY, symbolFillColor=GREY, symbolSize=200, symbolOpacity=1
    )
    return altair.StrokeDash("model:N", scale=altair.Scale(domain=list(models)), legend=legend)


def _models(found: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(each.model for each in found))


def conclusion(found: Sequence[Cell]) -> list[str]:
    """Of each model, from which step on it makes more of the gold passage than luck would, in a sentence."""
    told = []
    for model in _models(found):
        gold = sorted(
            (each for each in found if (each.model, each.context) == (model, GOLD)), key=lambda c: c.step
        )
        # The step from which on the whole interval stays above nothing, not the first that chances to.
        sure = next((at for at in range(len(gold)) if all(each.gain.low > 0 for each in gold[at:])), None)
        if sure is None:
            told.append(f"{model} makes nothing of the gold passage yet.")
        else:
            last = gold[-1].gain
            told.append(
                f"{model} uses the gold passage from step {gold[sure].step:,} on; at the last step it gains "
                f"{last.value:.2f} nats a token ({last.low:.2f} – {last.high:.2f})."
            )
    return told
