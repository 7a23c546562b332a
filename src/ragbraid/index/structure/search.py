"""Searches a structure: candidates for the nearest vectors, which the caller compares exactly."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from ragbraid.index.rows import Ints
from ragbraid.index.structure.kinds import KINDS, Kind
from ragbraid.index.structure.state import Segment, State
from ragbraid.types import Vectors

_SPARE = 32
"""Candidates beyond those that each hit is given."""


class Structure:
    """An open structure; any number of threads may search it."""

    def __init__(self, state: State, kind: Kind, segments: list[tuple[Segment, Any]]) -> None:
        self.state, self.kind, self.segments = state, kind, segments

    @property
    def covered(self) -> int:
        """The slots below this one are in it."""
        return self.state.covered

    def width(self, k: int, segment: Segment) -> int:
        """How many candidates a segment gives where all may be found."""
        return min(self._kept(k), segment.end - segment.first)

    def _kept(self, k: int) -> int:
        return self.kind.keep * k + _SPARE

    def candidates(
        self,
        queries: Vectors,
        k: int,
        bits: npt.NDArray[np.uint8] | None = None,
        share: float = 1.0,
        effort: int | None = None,
    ) -> Ints:
        """Slots that are likely to be among the k nearest, for each query a row; -1 where there are no more.

        `bits` are the slots that may be found, a `share` of all that are covered. The fewer they are, the
        farther apart they lie, and the more lists are looked into.
        """
        effort = self.state.effort if effort is None else effort
        if share < 1 and self.kind.clustered:
            effort = min(self.state.lists, math.ceil(effort / math.sqrt(share)))
        selector = None if bits is None else faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
        parameters = self.kind.parameters(effort, selector)
        queries = np.ascontiguousarray(queries)
        rough, found = [], []
        near, lists = self._assigned(queries, effort) if self.kind.clustered else (None, None)
        for segment, index in self.segments:
            width = self.width(k, segment)
            if near is None:
                scores, slots = index.search(queries, width, params=parameters)
            else:
                scores, slots = _within(index, queries, width, lists, near, parameters)
            outside = (slots < segment.first) | (slots >= segment.end)
            scores[outside], slots[outside] = -np.inf, -1
            rough.append(scores)
            found.append(slots)
        return _best(np.concatenate(rough, axis=1), np.concatenate(found, axis=1), self._kept(k))

    def _assigned(self, queries: Vectors, effort: int) -> tuple[Vectors, Ints]:
        """How near the lists to look into are, and which: all segments have the same lists."""
        near: Vectors
        lists: Ints
        near, lists = self.segments[0][1].quantizer.search(queries, effort)
        return near, lists


def _best(scores: Vectors, slots: Ints, width: int) -> Ints:
    """The slots of the `width` best scores of each row."""
    if slots.shape[1] <= width:
        return slots
    best = np.argpartition(scores, -width, axis=1)[:, -width:]
    return np.take_along_axis(slots, best, axis=1)


def _within(
    index: Any, queries: Vectors, width: int, lists: Any, near: Any, parameters: Any
) -> tuple[Vectors, Ints]:
    """What FAISS's own wrapper of this does, which takes no parameters."""
    scores = np.empty((len(queries), width), np.float32)
    slots = np.empty((len(queries), width), np.int64)
    given = (faiss.swig_ptr(each) for each in (lists, near, scores, slots))
    index.search_preassigned_c(len(queries), faiss.swig_ptr(queries), width, *given, False, parameters)
    return scores, slots


def opened(folder: Path, state: State, dimensions: int) -> Structure | None:
    """The structure of a state, its files mapped; None where they aren't what was written."""
    kind = KINDS.get(state.kind)
    if kind is None:
        return None
    try:
        found = [(each, mapped(folder, each, dimensions)) for each in state.segments]
    except (OSError, RuntimeError, ValueError):
        return None
    return Structure(state, kind, found)


def mapped(folder: Path, segment: Segment, dimensions: int) -> Any:
    """A segment's FAISS index, mapped. Raises `OSError`, `RuntimeError` or `ValueError` for a damaged one."""
    path = folder / segment.file
    with path.open("rb") as file:
        if path.stat().st_size != segment.size or zlib.crc32(file.read(segment.head)) != segment.head_crc:
            raise ValueError
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    if index.ntotal != segment.end - segment.first or index.d != dimensions:
        raise ValueError
    return index
