"""From how near, to near enough: each route's threshold, and how sure a decision is, by cross-validation.

No question of an unknown intent is needed: an utterance whose own route is left out is one. Where examples of
what no route is for are given, they count as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragbraid.route.evidence import NOWHERE, Evidence

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_UNKNOWN = 0.5
"""What it weighs to take an unknown intent for a route, against refusing a question that a route is for: an
intent left out of a router is nearer to the others than most of what people ask besides."""
_OWN = 0.25
"""How far a route's own threshold follows how high its utterances score, compared with all routes'."""
_FLAT = 0.01
_LOST = 0.15
"""The share of utterances refused where nothing unknown is there to weigh against."""
_UNTOLD = 0.6
"""The threshold where there are too few utterances to tell, about what routers of 20 routes come to."""
_FEW = 3


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What cross-validation found. `slope` and `offset` make a margin above the threshold a chance."""

    thresholds: tuple[float, ...]
    slope: float
    offset: float
    recognised: float
    accepted: float
    refused: float

    def chance(self, margin: float) -> float:
        """The chance in [0, 1] that a route is right whose score is so far above its threshold."""
        import math

        return 1 / (1 + math.exp(-min(max(self.slope * margin + self.offset, -50), 50)))


def calibrate(evidence: Evidence, routes: int, fixed: Sequence[float | None] = ()) -> Calibrated:
    """Thresholds for all routes; `fixed` ones are used as they are in what is told of the outcome."""
    import numpy as np

    labels = evidence.labels
    own = labels >= 0
    alone = evidence.without_itself()
    left_out = evidence.without_its_route(alone)
    known, unknown = alone[own], np.vstack([left_out[own], alone[~own]])
    best, right = known.max(axis=1), known.argmax(axis=1) == labels[own]
    strange = unknown.max(axis=1)
    strange = strange[strange > NOWHERE / 2]
    common = _common(best, right, strange)
    thresholds = np.full(routes, common)
    scores = known[np.arange(len(known)), labels[own]]
    usual = scores[scores > NOWHERE / 2]
    for route in range(routes):
        its = scores[(labels[own] == route) & (scores > NOWHERE / 2)]
        if len(its) >= _FEW:
            thresholds[route] += _OWN * (its.mean() - usual.mean())
    for route, each in enumerate(fixed):
        if each is not None:
            thresholds[route] = each
    above = known - thresholds
    margins, right = above.max(axis=1), above.argmax(axis=1) == labels[own]
    others = (unknown - thresholds).max(axis=1)
    slope, offset = _logistic(
        np.concatenate([margins, others]), np.concatenate([right, np.zeros(len(others), bool)])
    )
    return Calibrated(
        tuple(float(each) for each in thresholds),
        slope,
        offset,
        float(right.mean()),
        float((right & (margins >= 0)).mean()),
        float((others < 0).mean()) if routes > 1 or not own.all() else 1.0,
    )


def _common(best: Floats, right: npt.NDArray[np.bool_], strange: Floats) -> float:
    """The threshold that loses least. Of those that are about as good, the middle."""
    import numpy as np

    told = best[right & (best > NOWHERE / 2)]
    if len(told) < _FEW:
        return _UNTOLD
    if not len(strange):
        return float(np.quantile(told, _LOST))
    tried = np.linspace(min(told.min(), strange.min()), told.max(), 200)
    kept = (told[:, None] >= tried).sum(axis=0) / len(best)
    refused = (strange[:, None] < tried).mean(axis=0)
    worth = kept + _UNKNOWN * refused
    return float(tried[worth >= worth.max() - _FLAT].mean())


def _logistic(margins: Floats, right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of a logistic regression, by Newton's method, with targets short of 0 and 1.

    Source: Platt, Probabilistic Outputs for Support Vector Machines, 1999.
    """
    import numpy as np

    margins = margins.clip(-2, 2)
    many = right.sum()
    targets = np.where(right, (many + 1) / (many + 2), 1 / (len(right) - many + 2))
    rows = np.column_stack([margins, np.ones(len(margins))])
    weights = np.array([1.0, 0.0])
    for _ in range(30):
        chances = 1 / (1 + np.exp(-(rows @ weights)))
        curve = rows.T @ (rows * (chances * (1 - chances))[:, None]) + 1e-3 * np.eye(2)
        step = np.linalg.solve(curve, rows.T @ (chances - targets) + 1e-3 * (weights - [1.0, 0.0]))
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return (float(weights[0]), float(weights[1])) if weights[0] > 0 else (1.0, 0.0)
