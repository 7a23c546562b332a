"""An evaluation's plots, as SVG that stands in a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragbraid.errors import MissingDependency
from ragbraid.evaluate.result import Evaluation

_BLUE, _ORANGE, _GREY = "#2b6cb0", "#c05621", "#718096"


def plots(found: Evaluation, before: Evaluation | None) -> list[str]:
    """SVG texts: the measures with their intervals, confidence by what was right, seconds a question.

    One without data is left out. Raises `MissingDependency` without altair and vl-convert.
    """
    try:
        import altair
        import vl_convert
    except ImportError as error:
        raise MissingDependency(
            "Reports are drawn with altair and vl-convert, which aren't installed.",
            "Run `pip install 'ragbraid[eval]'`.",
        ) from error
    charts = [_measures(altair, found, before), _confidence(altair, found), _seconds(altair, found)]
    return [vl_convert.vegalite_to_svg(each.to_json()) for each in charts if each is not None]


def _measures(altair: Any, found: Evaluation, before: Evaluation | None) -> Any:
    rows = [
        {"measure": name, "value": each.value, "low": each.low, "high": each.high, "when": when}
        for when, whose in (("baseline", before), ("now", found))
        if whose is not None
        for name, each in whose.measures.items()
        if each.low is not None and name not in ("words", "tokens")
    ]
    if not rows:
        return None
    order = list(dict.fromkeys(each["measure"] for each in rows))
    base = altair.Chart(_data(altair, rows)).encode(
        y=altair.Y("measure:N", sort=order, title=None),
        yOffset=altair.YOffset("when:N", sort=["now", "baseline"]),
        color=altair.Color("when:N", scale=altair.Scale(domain=["now", "baseline"], range=[_BLUE, _GREY]))
        if before is not None
        else altair.value(_BLUE),
    )
    scale = altair.Scale(domain=[0, 1])
    drawn = base.mark_rule().encode(x=altair.X("low:Q", scale=scale, title=""), x2="high:Q")
    return _titled(
        drawn + base.mark_point(filled=True, size=50).encode(x="value:Q"), "Measures, with 95% intervals"
    )


def _confidence(altair: Any, found: Evaluation) -> Any:
    kinds = {True: "right", False: "wrong", None: "no answer there"}
    rows = [
        {"confidence": row["scores"]["confidence"], "answer": kinds[_right(row)]}
        for row in found.rows
        if row["answers"] is not None and "confidence" in row["scores"]
    ]
    if not rows:
        return None
    chart = (
        altair.Chart(_data(altair, rows))
        .mark_bar()
        .encode(
            x=altair.X("confidence:Q", bin=altair.Bin(maxbins=20, extent=[0, 1])),
            y=altair.Y("count()", title="questions"),
            color=altair.Color(
                "answer:N", scale=altair.Scale(domain=list(kinds.values()), range=[_BLUE, _ORANGE, _GREY])
            ),
        )
    )
    return _titled(chart, "Confidence, by what came of it")


def _seconds(altair: Any, found: Evaluation) -> Any:
    rows = [{"seconds": row["scores"]["seconds"]} for row in found.rows]
    chart = (
        altair.Chart(_data(altair, rows))
        .mark_bar(color=_BLUE)
        .encode(
            x=altair.X("seconds:Q", bin=altair.Bin(maxbins=30), title="seconds"),
            y=altair.Y("count()", title="questions"),
        )
    )
    return _titled(chart, "Time of a question")


def _right(row: Mapping[str, Any]) -> bool | None:
    return None if row["answers"] == [] else row["scores"].get("contains") == 1


def _data(altair: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    return altair.Data(values=list(rows))


def _titled(chart: Any, title: str) -> Any:
    return (
        chart.properties(width=420, height=220, title=title)
        .configure(background="transparent", font="sans-serif")
        .configure_axis(labelColor=_GREY, titleColor=_GREY, gridColor="#8885", labelLimit=0)
        .configure_title(color=_GREY)
        .configure_legend(labelLimit=0, labelColor=_GREY, titleColor=_GREY)
        .configure_view(stroke=None)
    )
