"""Which experts of a mixture take which questions, and what they drop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ragbraid.evaluate.page import filled
from ragbraid.evaluate.plots import altair_module, data, svg, titled
from ragbraid.evaluate.questions import Question
from ragbraid.generate.openmoe.component import OpenMoeRuntime
from ragbraid.replacing import replacing

_KINDS = ("who", "what", "when", "where", "which", "why", "how")


@dataclass(frozen=True, slots=True)
class Routed:
    """A question's tokens by the experts that they chose, and those that were dropped: a list a layer."""

    id: str
    kind: str
    chosen: list[list[int]]
    dropped: list[list[int]]

    @property
    def drop_rate(self) -> float:
        """Which part of all choices was dropped."""
        return float(np.sum(self.dropped) / max(1, np.sum(self.chosen)))


def kind_of(question: str) -> str:
    """The word that a question asks with, or other."""
    words = (word.strip("?,.!") for word in question.lower().split())
    return next((word for word in words if word in _KINDS), "other")


def routed(runtime: OpenMoeRuntime, questions: Sequence[Question], batch: int) -> Iterator[Routed]:
    """Each question as it is routed beside the others of its batch, in the order given."""
    for begin in range(0, len(questions), batch):
        held = questions[begin : begin + batch]
        load = runtime.load([each.text for each in held])
        for at, each in enumerate(held):
            yield Routed(each.id, kind_of(each.text), load.chosen[at].tolist(), load.dropped[at].tolist())


def shares(found: Sequence[Routed]) -> list[dict[str, Any]]:
    """Of each kind of question and layer with experts, which part of its choices each expert has."""
    total: dict[str, Any] = defaultdict(int)
    for each in found:
        total[each.kind] = total[each.kind] + np.asarray(each.chosen)
    return [
        {"kind": kind, "layer": layer + 1, "expert": expert, "share": float(count / max(1, row.sum()))}
        for kind, counts in total.items()
        for layer, row in enumerate(counts)
        for expert, count in enumerate(row)
    ]


def save_experts(path: Path, found: Sequence[Routed], name: str) -> None:
    """Write a page with a plot of each layer, in one move. Raises `MissingDependency` without altair."""
    altair = altair_module()
    rows = shares(found)
    plots = svg([_plot(altair, rows, layer) for layer in sorted({each["layer"] for each in rows})])
    worst = sorted(found, key=lambda each: -each.drop_rate)[:25]
    text = filled("study/experts.html", plots=plots, name=name, found=found, worst=worst)
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def _plot(altair: Any, rows: Sequence[dict[str, Any]], layer: int) -> Any:
    held = [each for each in rows if each["layer"] == layer]
    chart = (
        altair.Chart(data(altair, held))
        .mark_rect()
        .encode(
            x=altair.X("expert:O", axis=altair.Axis(labelAngle=0)),
            y=altair.Y("kind:N", title=None),
            color=altair.Color("share:Q", scale=altair.Scale(scheme="blues"), title="share"),
        )
    )
    kinds = len({each["kind"] for each in held})
    return titled(chart, f"Who takes which questions, {layer}. layer with experts", height=24 * kinds)
