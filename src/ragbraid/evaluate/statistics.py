"""How sure a figure is: bootstrap intervals, a paired test, and the ranking of two groups.

Sources: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 15 (percentile intervals,
permutation tests); Holm, Scandinavian Journal of Statistics 6, 1979; Hanley & McNeil, Radiology 143, 1982.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
_FLIPS = 10_000
_SEED = 20_261_127
_AT_ONCE = 4_000_000
"""Numbers drawn at a time."""


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """The bootstrap's percentile interval of the mean; the same for the same values."""
    import numpy as np

    held = np.asarray(values, dtype=np.float64)
    if len(held) < 2 or (held == held[0]).all():
        only = float(held[0]) if len(held) else float("nan")
        return only, only
    draw = np.random.default_rng(_SEED)
    rows = max(1, _AT_ONCE // len(held))
    means = np.concatenate(
        [
            held[draw.integers(len(held), size=(min(rows, RESAMPLES - done), len(held)))].mean(axis=1)
            for done in range(0, RESAMPLES, rows)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def worse(before: Sequence[float], now: Sequence[float]) -> float:
    """The chance of a fall of the mean as large as this one, or larger, if before and now were alike.

    A paired permutation test: under that hypothesis each difference might as well have the other sign.
    """
    import numpy as np

    differences = np.asarray(now, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    differences = differences[differences != 0]
    if not len(differences) or differences.sum() >= 0:
        return 1.0
    fall = differences.sum() + 1e-12
    count = len(differences)
    if 2**count <= _FLIPS:
        signs = 1 - 2 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
        return float(((signs @ differences) <= fall).mean())
    draw = np.random.default_rng(_SEED)
    rows = max(1, _AT_ONCE // count)
    below = 0
    for done in range(0, _FLIPS, rows):
        signs = 1 - 2 * draw.integers(2, size=(min(rows, _FLIPS - done), count))
        below += int(((signs @ differences) <= fall).sum())
    return (below + 1) / (_FLIPS + 1)


def rejected(chances: Mapping[str, float], level: float) -> list[str]:
    """The names whose hypothesis falls; that any falls wrongly has a chance of at most `level` (Holm)."""
    found = []
    for at, name in enumerate(sorted(chances, key=lambda each: chances[each])):
        if chances[name] > level / (len(chances) - at):
            break
        found.append(name)
    return found


def auroc(high: Sequence[float], low: Sequence[float]) -> float:
    """The chance that one of `high` is above one of `low`, ties as half; not a number where one is empty."""
    import numpy as np

    if not len(high) or not len(low):
        return float("nan")
    ordered = np.sort(np.asarray(low, dtype=np.float64))
    wanted = np.asarray(high, dtype=np.float64)
    below = np.searchsorted(ordered, wanted, side="left")
    upto = np.searchsorted(ordered, wanted, side="right")
    return float((below + upto).mean() / (2 * len(ordered)))
