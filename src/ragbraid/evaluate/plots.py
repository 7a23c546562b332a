"""An evaluation's plots, as SVG that stands in a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragbraid.errors import MissingDependency
from ragbraid.evaluate.measures import NAMES
from ragbraid.evaluate.result import Evaluation

BLUE, ORANGE, GREY = "#2b6cb0", "#c05621", "#718096"


def plots(found: Evaluation, before: Evaluation | None) -> list[str]:
    """SVG texts: the measures with their intervals, confidence by what was right, seconds a question.

    One without data is left out. Raises `MissingDependency` without altair and vl-convert.
    """
    altair = altair_module()
    return svg([_measures(altair, found, before), _confidence(altair, found), _seconds(altair, found)])


def altair_module() -> Any:
    """What charts are made with. Raises `MissingDependency` without it, or without what draws them."""
    try:
        import altair
        import vl_convert  # noqa: F401 - missing is told before anything is drawn
    except ImportError as error:
        raise MissingDependency(
            "Reports are drawn with altair and vl-convert, which aren't installed.",
            "Run `pip install 'ragbraid[eval]'`.",
        ) from error
    return altair


def svg(charts: Sequence[Any]) -> list[str]:
    """Charts as SVG texts; None is left out."""
    import vl_convert

    return [vl_convert.vegalite_to_svg(each.to_json()) for each in charts if each is not None]


def _measures(altair: Any, found: Evaluation, before: Evaluation | None) -> Any:
    rows = [
        {
            "measure": NAMES.get(name, name),
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "when": when,
        }
        for when, whose in (("baseline", before), ("now", found))
        if whose is not None
        for name, each in whose.measures.items()
        if each.low is not None and name not in ("words", "tokens")
    ]
    if not rows:
        return None
    order = list(dict.fromkeys(each["measure"] for each in rows))
    base = altair.Chart(data(altair, rows)).encode(
        y=altair.Y("measure:N", sort=order, title=None),
        yOffset=altair.YOffset("when:N", sort=["now", "baseline"]),
        color=altair.Color("when:N", scale=altair.Scale(domain=["now", "baseline"], range=[BLUE, GREY]))
        if before is not None
        else altair.value(BLUE),
    )
    scale = altair.Scale(domain=[0, 1])
    drawn = base.mark_rule().encode(x=altair.X("low:Q", scale=scale, title=""), x2="high:Q")
    return titled(
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
        altair.Chart(data(altair, rows))
        .mark_bar()
        .encode(
            x=altair.X("confidence:Q", bin=altair.Bin(maxbins=20, extent=[0, 1])),
            y=altair.Y("count()", title="questions"),
            color=altair.Color(
                "answer:N", scale=altair.Scale(domain=list(kinds.values()), range=[BLUE, ORANGE, GREY])
            ),
        )
    )
    return titled(chart, "Confidence, by what came of it")


def _seconds(altair: Any, found: Evaluation) -> Any:
    rows = [{"seconds": row["scores"]["seconds"]} for row in found.rows]
    chart = (
        altair.Chart(data(altair, rows))
        .mark_bar(color=BLUE)
        .encode(
            x=altair.X("seconds:Q", bin=altair.Bin(maxbins=30), title="seconds"),
            y=altair.Y("count()", title="questions"),
        )
    )
    return titled(chart, "Time of a question")


def _right(row: Mapping[str, Any]) -> bool | None:
    return None if row["answers"] == [] else row["scores"].get("contains") == 1


def data(altair: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows as a chart takes them."""
    return altair.Data(values=list(rows))


def titled(chart: Any, title: str, height: int = 220) -> Any:
    """The chart in the page's colours."""
    return (
        chart.properties(width=420, height=height, title=title)
        .configure(background="transparent", font="sans-serif")
        .configure_axis(labelColor=GREY, titleColor=GREY, gridColor="#8885", labelLimit=0)
        .configure_title(color=GREY)
        .configure_legend(labelLimit=0, labelColor=GREY, titleColor=GREY)
        .configure_view(stroke=None)
    )
