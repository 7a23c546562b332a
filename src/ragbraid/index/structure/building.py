"""Makes a structure, or adds to it the vectors that have come since, while searches go on.

Segments are joined as in a log-structured merge tree (O'Neil and others, "The Log-Structured Merge-Tree",
1996): a new one takes in those before it that are no more than three times its size, so that there are few,
and each vector is written a few times at most.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from ragbraid.index.rows import Ints
from ragbraid.index.store import sync_file
from ragbraid.index.structure import state as states
from ragbraid.index.structure.clustering import centroids, nearest_lists
from ragbraid.index.structure.joining import join, lists_of
from ragbraid.index.structure.kinds import KINDS, Kind, lists_for, training_rows
from ragbraid.index.structure.measure import SAMPLE, measured
from ragbraid.index.structure.names import SMALL
from ragbraid.index.structure.search import mapped, opened
from ragbraid.index.structure.state import Segment, State
from ragbraid.index.vector_file import let_go, picked
from ragbraid.types import Vectors

STEP = 16_384
"""So many new vectors are compared one by one before they get a segment."""
FLAT = "flat"
_GROWTH = 4
"""Lists are learned anew when there are so many times as many vectors as they were learned for."""
_SWALLOWED = 3
_BLOCK = 16_384
"""So many vectors are read at a time: what is mapped counts as memory until it is let go."""
_PART = 65_536
"""So many new ones are sorted into lists in memory, before they are joined with others in files."""
_TOGETHER = 16
_CODED = 32_768
"""So many vectors, or up to twice as many, are what codes within lists are learned from."""
_SEED = 7

Blocks = Callable[[int], int]
"""A slot → the sum over the vector blocks below it."""


def caught_up(folder: Path, uuid: str, name: str, asked: float, matrix: Vectors, blocks: Blocks) -> None:
    """Bring the structure of an index up to the `matrix` of its vectors; the caller is the writer.

    Raises `OSError` where the disk is full.
    """
    before = states.read(folder, uuid)
    if before is not None and not _is_sound(folder, before, matrix, blocks):
        before = None
    kind = _kind(name, *matrix.shape)
    if kind == FLAT:
        if before is not None:
            states.drop(folder)
        return
    if before is None or _is_outgrown(before, name, asked, kind, len(matrix)):
        folder.mkdir(exist_ok=True)
        lists = lists_for(len(matrix))
        crc = _learn(folder, KINDS[kind], lists, matrix)
        blank = State(uuid, name, asked, kind, lists, crc, len(matrix), 0, 0.0, 0, 0, ())
        _write(folder, blank, matrix, blocks, anew=True)
    elif before.kind != FLAT and len(matrix) - before.covered >= STEP:
        _write(folder, before, matrix, blocks)


def _is_sound(folder: Path, state: State, matrix: Vectors, blocks: Blocks) -> bool:
    """Whether it is of these vectors, and its files are what was written."""
    if state.covered > len(matrix) or state.blocks != blocks(state.covered):
        return False
    if state.kind == FLAT:
        return True
    known = not KINDS[state.kind].clustered or states.has_lists(folder, state)
    return known and opened(folder, state, matrix.shape[1]) is not None


def _kind(name: str, count: int, dimensions: int) -> str:
    """What `auto` means for so many vectors: a byte for a number, or a bit where memory is short."""
    if count < SMALL or name in (FLAT, "cagra"):  # a graph for the GPU is on no disk
        return FLAT
    if name != "auto":
        return name
    return "ivf-sq8" if count * (dimensions + 8) < _memory() / 2 else "rabitq"


def _is_outgrown(state: State, name: str, asked: float, kind: str, count: int) -> bool:
    other = (state.name, state.asked) != (name, asked) or state.kind not in (kind, FLAT)
    return other or count >= _GROWTH * state.trained_on


def _learn(folder: Path, kind: Kind, lists: int, matrix: Vectors) -> int:
    """Learn the lists that segments begin from; the sum of their file."""
    if not kind.clustered:
        return 0
    index = kind.untrained(matrix.shape[1], lists)
    sample = _sampled(matrix, training_rows(len(matrix), lists))
    index.quantizer.add(centroids(sample, lists))
    index.train(sample[:: max(1, len(sample) // _CODED)])
    path = folder / "lists.partial"
    _save(index, path)
    crc = states.file_crc(path)
    sync_file(path)
    path.replace(folder / states.lists_file(crc))
    return crc


def _write(folder: Path, before: State, matrix: Vectors, blocks: Blocks, anew: bool = False) -> None:
    kept = list(before.segments)
    first = before.covered
    while kept and kept[-1].end - kept[-1].first <= _SWALLOWED * (len(matrix) - first):
        first = kept.pop().first
    fresh = _segment(folder, before, before.segments[len(kept) :], first, matrix)
    after = replace(before, segments=(*kept, fresh), blocks=blocks(len(matrix)))
    if anew or 2 * (fresh.end - fresh.first) > len(matrix):
        after = _measured(folder, after, matrix)
    states.write(folder, after)
    lists = states.lists_file(after.lists_crc)
    states.tidy(folder, [states.FILE, lists, *(each.file for each in after.segments)])


def _measured(folder: Path, state: State, matrix: Vectors) -> State:
    """The state with the effort it needs; flat where none is enough."""
    efforts = tuple(each for each in KINDS[state.kind].efforts if each <= max(state.lists, 1)) or (
        state.lists,
    )
    search = partial(_candidates, folder, state)
    effort, recall = measured(matrix, search, efforts, state.asked)
    state = replace(state, effort=effort, recall=round(recall, 4), sample=min(SAMPLE, len(matrix)))
    return state if recall >= state.asked else replace(state, kind=FLAT, segments=())


def _candidates(folder: Path, state: State, queries: Vectors, k: int, effort: int) -> Ints:
    """As `Structure.candidates`. It is opened anew for every few queries, to let go of what they read."""
    found = []
    for first in range(0, len(queries), _TOGETHER):
        structure = opened(folder, state, queries.shape[1])
        if structure is None:
            raise OSError("what was written of the index's structure can't be read")
        found.append(structure.candidates(queries[first : first + _TOGETHER], k, effort=effort))
    return np.concatenate(found)


def _segment(folder: Path, state: State, joined: Iterable[Segment], first: int, matrix: Vectors) -> Segment:
    """A file with the codes of the slots from `first` on; those in `joined` are taken over if they can be."""
    kind, end = KINDS[state.kind], len(matrix)
    if not kind.clustered:
        index = kind.untrained(matrix.shape[1], 0)
        index.train(_sampled(matrix, training_rows(end - first, 1), first))
        _add(index, matrix, first, end)
        return _stored(folder, index, first, end)
    blank: Any = faiss.read_index(str(folder / states.lists_file(state.lists_crc)))
    parts = [lists_of(folder / each.file, mapped(folder, each, matrix.shape[1])) for each in joined]
    index, centres = faiss.clone_index(blank), blank.quantizer.reconstruct_n(0, blank.nlist)
    for low in range(state.covered, end, _PART):
        _add(index, matrix, low, min(low + _PART, end), centres)
        path = folder / f"{low}.part"
        _save(index, path)
        parts.append(lists_of(path, index))
        index.reset()
    path = _free(folder)
    written = join(path, blank, parts)
    return Segment(path.name, first, end, written.size, written.head, written.head_crc, written.crc)


def _add(index: Any, matrix: Vectors, first: int, end: int, centres: Vectors | None = None) -> None:
    for low in range(first, end, _BLOCK):
        part = np.ascontiguousarray(matrix[low : min(low + _BLOCK, end)])
        slots = np.arange(low, low + len(part))
        if centres is None:
            index.add_with_ids(part, slots)
        else:
            lists = nearest_lists(part, centres)
            index.add_core(len(part), *(faiss.swig_ptr(each) for each in (part, slots, lists)))
        let_go(matrix)


def _stored(folder: Path, index: Any, first: int, end: int) -> Segment:
    path = _free(folder)
    _save(index, path)
    sync_file(path)
    size, crc = path.stat().st_size, states.file_crc(path)
    return Segment(path.name, first, end, size, size, crc, crc)


def _free(folder: Path) -> Path:
    """A file that isn't there yet."""
    paths = (folder / f"{number}.faiss" for number in range(1 << 30))
    return next(each for each in paths if not each.exists())


def _save(index: Any, path: Path) -> None:
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # in which FAISS says that the disk is full
        raise OSError(str(error)) from error


def _sampled(matrix: Vectors, count: int, first: int = 0) -> Vectors:
    chosen = np.random.default_rng(_SEED).choice(len(matrix) - first, count, replace=False)
    return picked(matrix, first + np.sort(chosen))


def _memory() -> int:
    """Bytes of memory that this machine has; where it doesn't say, as if it had 8 GB."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 << 30
