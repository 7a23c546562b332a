"""How many hits a round of a loop looks at: more in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le


@dataclass(frozen=True, slots=True)
class Widen:
    """Makes `k` grow with a loop's rounds: k × `factor` in the first, k × `factor`² then, to `most`."""

    factor: Annotated[float, Gt(1), Le(100)] = 2.0
    most: Annotated[int, Ge(1)] = 200

    def __call__(self, k: int, round: int) -> int:  # noqa: A002 - what a loop gives a flow
        """The k of this round."""
        return max(k, min(self.most, int(k * min(self.factor**round, self.most))))
