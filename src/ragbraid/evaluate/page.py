"""An evaluation as one page without scripts: figures, plots, and the questions that went wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragbraid.evaluate.against import Comparison
from ragbraid.evaluate.measures import NAMES, figure
from ragbraid.evaluate.plots import plots
from ragbraid.evaluate.result import Evaluation
from ragbraid.evaluate.stages import FAULTS, fault
from ragbraid.replacing import replacing
from ragbraid.text.counted import counted

MOST = 25
"""Questions that are shown of each fault."""


def save_page(
    path: Path, found: Evaluation, before: Evaluation | None, comparison: Comparison | None
) -> None:
    """Write the page in one move. Raises `MissingDependency` without altair."""
    text = page(found, before, comparison)
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def page(found: Evaluation, before: Evaluation | None = None, comparison: Comparison | None = None) -> str:
    """The page's HTML; it asks nothing of any network."""
    return filled(
        "page.html", found=found, before=before, comparison=comparison, plots=plots(found, before),
        faults=FAULTS, worst=_worst(found.rows), shown=MOST,
        counts={name: len(rows) for name, rows in _by_fault(found.rows).items()},
    )  # fmt: skip


def filled(template: str, **values: Any) -> str:
    """A template of this folder with its values, in the style of every page."""
    import jinja2

    folder = Path(__file__).parent
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    text = (folder / template).read_text(encoding="utf-8")
    style = (folder / "page.css").read_text(encoding="utf-8")
    shared = {"style": style, "called": NAMES, "figure": figure, "counted": counted}
    return environment.from_string(text).render(shared | values)


def _by_fault(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    grouped: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if (wrong := fault(row)) is not None:
            grouped[wrong].append(row)
    return {name: grouped[name] for name in FAULTS if name in grouped}


def _worst(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Of each fault the questions that the pipeline was surest of."""
    return {
        name: sorted(each, key=lambda row: -row["scores"].get("confidence", 0.0))[:MOST]
        for name, each in _by_fault(rows).items()
    }
