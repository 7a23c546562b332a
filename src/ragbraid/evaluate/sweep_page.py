"""A sweep as one page without scripts: every point, and what each setting does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragbraid.evaluate.grid import short_keys, told
from ragbraid.evaluate.page import filled
from ragbraid.evaluate.plots import BLUE, GREY, altair_module, data, svg, titled
from ragbraid.evaluate.sweep_result import Standing, Sweep
from ragbraid.replacing import replacing

_DRAWN = 60
"""Points that are drawn; all stand in the table."""
_GOOD, _WORSE = "as good, but for luck", "worse by more than luck"
_ROW = 18
"""The height of a point's row, in pixels."""


def save_sweep_page(path: Path, found: Sweep) -> None:
    """Write the page in one move. Raises `MissingDependency` without altair."""
    text = sweep_page(found)
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def sweep_page(found: Sweep) -> str:
    """The page's HTML; it asks nothing of any network."""
    altair = altair_module()
    plots = svg([_points(altair, found), *(_effect(altair, found, key) for key in _keys(found))])
    names = [
        name
        for name, each in found.base.evaluation.measures.items()
        if each.low is not None and name != found.by
    ]
    return filled(
        "sweep.html", found=found, plots=plots, keys=_keys(found), names=names, told=told,
        evaluation=found.base.evaluation,
    )  # fmt: skip


def _keys(found: Sweep) -> list[str]:
    return list(dict.fromkeys(key for each in found.standings for key in each.point.settings))


def _named(each: Standing, short: Mapping[str, str]) -> str:
    settings = each.point.settings.items()
    return ", ".join(f"{short[key]} {told(value)}" for key, value in settings) or "as it is"


def _points(altair: Any, found: Sweep) -> Any:
    rows = []
    short = dict(zip(_keys(found), short_keys(_keys(found)), strict=True))
    for each in found.standings[:_DRAWN]:
        measure = each.point.evaluation.measures[found.by]
        row = {"point": _named(each, short), "value": each.value, "low": measure.low, "high": measure.high}
        rows.append({**row, "standing": _WORSE if each.behind else _GOOD})
    base = altair.Chart(data(altair, rows)).encode(
        y=altair.Y("point:N", sort=[each["point"] for each in rows], title=None),
        color=altair.Color(
            "standing:N",
            title=None,
            scale=altair.Scale(domain=[_GOOD, _WORSE], range=[BLUE, GREY]),
        ),
    )
    drawn = base.mark_rule().encode(x=_scaled(altair, "low:Q", found), x2="high:Q")
    drawn += base.mark_point(filled=True, size=50).encode(x="value:Q")
    return titled(drawn, "Points, with 95% intervals", height=_ROW * len(rows))


def _effect(altair: Any, found: Sweep, key: str) -> Any:
    values = defaultdict(list)
    for each in found.standings:
        if key in each.point.settings:
            values[told(each.point.settings[key])].append(each.value)
    rows = [{"value": name, "mean": sum(each) / len(each)} for name, each in values.items()]
    chart = (
        altair.Chart(data(altair, rows))
        .mark_point(filled=True, size=70, color=BLUE)
        .encode(
            y=altair.Y("value:N", sort=sorted(values, key=_by_number), title=None),
            x=_scaled(altair, "mean:Q", found),
        )
    )
    return titled(chart, f"{key}: means of all points", height=_ROW * len(rows))


def _scaled(altair: Any, column: str, found: Sweep) -> Any:
    """The measure along an axis that is the same in every plot, so that effects can be compared."""
    measures = [each.point.evaluation.measures[found.by] for each in found.standings]
    low, high = (f([g for m in measures for g in (m.low, m.high) if g is not None]) for f in (min, max))
    room = max(high - low, 0.02) / 20
    scale = altair.Scale(domain=[low - room, high + room], nice=False, zero=False)
    return altair.X(column, scale=scale, axis=altair.Axis(tickCount=6), title=found.by)


def _by_number(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text
