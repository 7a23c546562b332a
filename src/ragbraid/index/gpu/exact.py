"""Exact search in torch: every vector is compared, on whatever device torch has.

The vectors lie on the device twice: in half precision, which is what a pass over all of them reads, and in
full, of which the best of that pass are compared in double precision. What half precision may get wrong is
bounded, and a query that could be decided otherwise within that bound looks at more.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import torch

from ragbraid.index.rows import Ints
from ragbraid.index.vector_file import let_go
from ragbraid.types import Vectors

_BLOCK = 1 << 18
_QUERIES = 1024
"""Queries that are compared at once: their scores with a block take half a gigabyte."""
_LEAST, _MOST = 256, 1 << 14
"""How many candidates a query looks at first, and at last."""
_GATHERED = 1 << 26
"""Numbers of candidates that are compared in double precision at once: half a gigabyte."""
_COPIED = 1 << 16
_HALF, _FULL = 3e-3, 1e-5
"""No inner product of unit vectors is further than this from the exact one.

Half precision rounds each factor by 2^-11 at most and the result, or parts of it, again.
"""


class Exact:
    """The vectors of an index on a device; any number of threads may search."""

    def __init__(self, device: str, dimensions: int, half: bool, block: int = _BLOCK) -> None:
        self._device, self._dimensions, self._block = torch.device(device), dimensions, block
        self._kind = torch.float16 if half else torch.float32
        self._rounding = _HALF if half else _FULL
        self._lock = threading.Lock()
        self._held = 0
        self._full = torch.empty((0, dimensions), dtype=torch.float32, device=self._device)
        self._rough = self._full.to(self._kind)

    def nearest(
        self, matrix: Vectors, queries: Vectors, k: int, bits: npt.NDArray[np.uint8] | None
    ) -> list[tuple[Ints, Vectors] | None]:
        """For each query the slots of the k nearest rows and all that tie with the last, with their scores.

        `bits` are the slots that may be found. None stands for a query where too many are too close to tell
        apart in half precision. Raises `torch.OutOfMemoryError`.
        """
        full, rough = self._grown(matrix)
        allowed = None if bits is None else self._unpacked(bits, len(matrix))
        there = len(matrix) if allowed is None else int(allowed.sum())
        most = min(max(4 * k, _MOST), there)
        results: list[tuple[Ints, Vectors] | None] = [None] * len(queries)
        for first in range(0, len(queries), _QUERIES):
            part = torch.from_numpy(np.array(queries[first : first + _QUERIES])).to(self._device)
            open_ = np.arange(len(part))
            width = min(max(4 * k, _LEAST), most)
            while len(open_) and width:
                asked = part[torch.from_numpy(open_).to(self._device)]
                slots, floor = self._pass(rough, asked.to(self._kind), width, allowed)
                decided = self._decide(full, asked, slots, floor, min(k, there), width == there)
                for place, pair in zip(open_, decided, strict=True):
                    results[first + int(place)] = pair
                open_ = open_[[each is None for each in decided]]
                if width == most:
                    break
                width = min(4 * width, most)
        return results

    def _pass(
        self, vectors: torch.Tensor, queries: torch.Tensor, width: int, allowed: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The slots of the `width` best rough scores, and the last of these scores."""
        best = torch.empty((len(queries), 0), dtype=self._kind, device=self._device)
        slots = torch.empty((len(queries), 0), dtype=torch.int64, device=self._device)
        for low in range(0, len(vectors), self._block):
            scores = queries @ vectors[low : low + self._block].T
            if allowed is not None:
                scores.masked_fill_(~allowed[low : low + self._block], -torch.inf)
            found, where = torch.topk(scores, min(width, scores.shape[1]), dim=1, sorted=False)
            best, slots = torch.cat([best, found], dim=1), torch.cat([slots, where + low], dim=1)
            if best.shape[1] > width:
                best, chosen = torch.topk(best, width, dim=1, sorted=False)
                slots = slots.gather(1, chosen)
        return slots, best.amin(dim=1)

    def _decide(
        self,
        vectors: torch.Tensor,
        queries: torch.Tensor,
        slots: torch.Tensor,
        floor: torch.Tensor,
        k: int,
        all_: bool,
    ) -> list[tuple[Ints, Vectors] | None]:
        """The best of the candidates by exact scores; None where one that was left out might be better."""
        scores = self._scores(vectors, queries, slots)
        last = torch.topk(scores, k, dim=1).values[:, -1]
        slack = self._rounding * torch.linalg.vector_norm(queries, dim=1).clamp(min=1.0)
        sure = torch.ones_like(last, dtype=torch.bool) if all_ else floor.float() < last - slack
        width = int((scores >= last[:, None]).sum(dim=1).max())
        top, order = torch.topk(scores, width, dim=1)
        found, values = slots.gather(1, order).cpu().numpy(), top.cpu().numpy()
        rows = zip(found, values, last.cpu().numpy(), sure.cpu().numpy(), strict=True)
        return [(each[row >= low], row[row >= low]) if certain else None for each, row, low, certain in rows]

    def _scores(self, vectors: torch.Tensor, queries: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """float32 of the inner products in double precision."""
        scores = torch.empty(slots.shape, dtype=torch.float32, device=self._device)
        step = max(1, _GATHERED // (slots.shape[1] * self._dimensions))
        for first in range(0, len(slots), step):
            rows = vectors[slots[first : first + step]].double()
            products = torch.einsum("qwd,qd->qw", rows, queries[first : first + step].double())
            scores[first : first + step] = products.float()
        return scores

    def _grown(self, matrix: Vectors) -> tuple[torch.Tensor, torch.Tensor]:
        """The vectors in full and in half precision, after those that have come since were brought here."""
        with self._lock:
            if len(matrix) > len(self._full):
                self._full = self._widened(self._full, len(matrix))
                halved = self._kind is not torch.float32
                self._rough = self._widened(self._rough, len(matrix)) if halved else self._full
            for low in range(self._held, len(matrix), _COPIED):
                part = torch.from_numpy(np.array(matrix[low : low + _COPIED], np.float32)).to(self._device)
                let_go(matrix)
                self._full[low : low + len(part)] = part
                if self._rough is not self._full:
                    self._rough[low : low + len(part)] = part.to(self._kind)
            self._held = max(self._held, len(matrix))
            return self._full[: len(matrix)], self._rough[: len(matrix)]

    def _widened(self, held: torch.Tensor, count: int) -> torch.Tensor:
        """The same with room for so many, and, where it has grown before, for some more."""
        room = count if not self._held else count + count // 8
        wide = torch.empty((room, self._dimensions), dtype=held.dtype, device=self._device)
        wide[: self._held] = held[: self._held]
        return wide

    def _unpacked(self, bits: npt.NDArray[np.uint8], count: int) -> torch.Tensor:
        packed = torch.from_numpy(np.array(bits)).to(self._device)
        places = torch.arange(8, dtype=torch.uint8, device=self._device)
        return ((packed[:, None] >> places) & 1).bool().flatten()[:count]
