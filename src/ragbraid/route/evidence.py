"""How near a text is to each route: its utterances' centroid, and kernel ridge regression over all of them.

The centroid says what a route is about; the regression, fitted to all routes at once, says where one ends and
the next begins, and gives way to zero far from every utterance. Both can be worked out for an utterance as if
it, or its whole route, had never been there, without fitting anew.

Sources: Saunders, Gammerman & Vovk, Ridge Regression Learning Algorithm in Dual Variables, ICML 1998; the
leave-out identities: Rifkin & Lippert, Notes on Regularized Least Squares, MIT 2007, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbraid.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_WIDTH = 3.0
"""The kernel is exp(_WIDTH · (cosine - 1)): a Gaussian of the distance between unit vectors."""
_RIDGE = 0.3
NOWHERE = -9.0
"""The score of a route that isn't there: below all others."""


class Evidence:
    """Scores by route, fitted to unit vectors of utterances.

    `labels` has each utterance's route by number, or -1 for an example of what is for no route: the
    regression is held to zero there.
    """

    def __init__(self, vectors: Vectors, labels: Sequence[int], routes: int) -> None:
        import numpy as np

        self._vectors = vectors
        self.labels = np.asarray(labels, np.int64)
        self._own = self.labels >= 0
        self._targets = np.zeros((len(vectors), routes))
        self._targets[self._own, self.labels[self._own]] = 1.0
        kernel = np.exp(_WIDTH * (vectors @ vectors.T - 1)).astype(np.float64)
        self._inverse = np.linalg.inv(kernel + _RIDGE * np.eye(len(vectors)))
        self._duals = self._inverse @ self._targets
        self._sums = self._targets.T @ vectors
        self._small = self._duals.astype(np.float32)
        self._centroids = _unit(self._sums).astype(np.float32)

    def scores(self, vectors: Vectors) -> Vectors:
        """float32 of shape (len(vectors), routes): about 1 for a near paraphrase, 0 for nothing alike."""
        import numpy as np

        near = np.exp(np.float32(_WIDTH) * (vectors @ self._vectors.T - np.float32(1)))
        found: Vectors = vectors @ self._centroids.T + near @ self._small
        return found

    def cosines(self, vectors: Vectors) -> Vectors:
        """float32 of shape (len(vectors), utterances)."""
        found: Vectors = vectors @ self._vectors.T
        return found

    def without_itself(self) -> Floats:
        """Each utterance's scores by all others, of shape (utterances, routes)."""
        import numpy as np

        held = self._targets - self._duals / np.diag(self._inverse)[:, None]
        near = self._near()
        rows = np.flatnonzero(self._own)
        routes = self.labels[rows]
        left = self._sums[routes] - self._vectors[rows]
        alone = np.linalg.norm(left, axis=1) < 1e-6
        near[rows, routes] = (_unit(left) * self._vectors[rows]).sum(axis=1)
        scores: Floats = near + held
        scores[rows[alone], routes[alone]] = NOWHERE
        return scores

    def without_its_route(self, alone: Floats) -> Floats:
        """Each utterance's scores by the other routes alone, its own being `NOWHERE`; same shape.

        `alone` is what `without_itself` gives.
        """
        import numpy as np

        scores, near = alone.copy(), self._near()
        for route in np.unique(self.labels[self._own]):
            rows = np.flatnonzero(self.labels == route)
            block = self._inverse[np.ix_(rows, rows)]
            held = self._targets[rows] - np.linalg.solve(block, self._duals[rows])
            scores[rows] = near[rows] + held
            scores[rows, route] = NOWHERE
        return scores

    def _near(self) -> Floats:
        """Each utterance's cosines with the routes' centroids, its own counted in, same shape."""
        import numpy as np

        found: Floats = self._vectors.astype(np.float64) @ _unit(self._sums).T
        return found


def _unit(rows: Floats) -> Floats:
    import numpy as np

    found: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)
    return found
