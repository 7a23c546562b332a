"""Makes a structure, or adds to it the vectors that have come since, while searches go on.

Segments are joined as in a log-structured merge tree (O'Neil and others, "The Log-Structured Merge-Tree",
1996): a new one takes in those before it that are no more than three times its size, so that there are few,
and each vector is written a few times at most.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from ragbraid.index.store import sync_file
from ragbraid.index.structure import state as states
from ragbraid.index.structure.kinds import KINDS, Kind, lists_for, training_rows
from ragbraid.index.structure.measure import SAMPLE, measured
from ragbraid.index.structure.names import SMALL
from ragbraid.index.structure.search import mapped, opened
from ragbraid.index.structure.state import Segment, State
from ragbraid.index.vector_file import let_go
from ragbraid.types import Vectors

STEP = 16_384
"""So many new vectors are compared one by one before they get a segment."""
FLAT = "flat"
_GROWTH = 4
"""Lists are learned anew when there are so many times as many vectors as they were learned for."""
_SWALLOWED = 3
_BLOCK = 32_768
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
    index.train(_sampled(matrix, training_rows(len(matrix), lists)))
    partial = folder / "lists.partial"
    _save(index, partial)
    crc = zlib.crc32(partial.read_bytes())
    sync_file(partial)
    partial.replace(folder / states.lists_file(crc))
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
    structure = opened(folder, state, matrix.shape[1])
    if structure is None:
        raise OSError("what was written of the index's structure can't be read")
    efforts = tuple(each for each in KINDS[state.kind].efforts if each <= max(state.lists, 1)) or (
        state.lists,
    )
    search = structure.candidates
    effort, recall = measured(
        matrix, lambda queries, k, each: search(queries, k, effort=each), efforts, state.asked
    )
    state = replace(state, effort=effort, recall=round(recall, 4), sample=min(SAMPLE, len(matrix)))
    return state if recall >= state.asked else replace(state, kind=FLAT, segments=())


def _segment(folder: Path, state: State, joined: Iterable[Segment], first: int, matrix: Vectors) -> Segment:
    """A file with the codes of the slots from `first` on; those in `joined` are taken over if they can be."""
    kind = KINDS[state.kind]
    if kind.clustered:
        index = faiss.read_index(str(folder / states.lists_file(state.lists_crc)))
        for each in joined:
            _take(index, mapped(folder, each, matrix.shape[1]))
        start = state.covered
    else:
        index, start = kind.untrained(matrix.shape[1], 0), first
        index.train(_sampled(matrix[first:], training_rows(len(matrix) - first, 1)))
    for low in range(start, len(matrix), _BLOCK):
        part = np.ascontiguousarray(matrix[low : low + _BLOCK])
        let_go(matrix)
        index.add_with_ids(part, np.arange(low, low + len(part)))
    return _stored(folder, kind, index, first, len(matrix))


def _take(index: Any, other: Any) -> None:
    """Append another index's lists, which may be mapped, to this one's."""
    for number in range(other.nlist):
        size = other.invlists.list_size(number)
        if size:
            ids, codes = other.invlists.get_ids(number), other.invlists.get_codes(number)
            index.invlists.add_entries(number, size, ids, codes)
            other.invlists.release_ids(number, ids)
            other.invlists.release_codes(number, codes)
    index.ntotal += other.ntotal


def _stored(folder: Path, kind: Kind, index: Any, first: int, end: int) -> Segment:
    taken = {each.name for each in folder.iterdir()}
    name = next(each for number in range(1 << 30) if (each := f"{number}.faiss") not in taken)
    path = folder / name
    _save(index, path)
    size = path.stat().st_size
    codes = (index.code_size + 8) * (end - first) if kind.clustered else 0
    with path.open("rb+") as file:
        head_crc = zlib.crc32(file.read(size - codes))
        crc = head_crc
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
        os.fsync(file.fileno())
    return Segment(name, first, end, size, size - codes, head_crc, crc)


def _save(index: Any, path: Path) -> None:
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # in which FAISS says that the disk is full
        raise OSError(str(error)) from error


def _sampled(matrix: Vectors, count: int) -> Vectors:
    chosen = np.random.default_rng(_SEED).choice(len(matrix), count, replace=False)
    sample = np.ascontiguousarray(matrix[np.sort(chosen)])
    let_go(matrix)
    return sample


def _memory() -> int:
    """Bytes of memory that this machine has; where it doesn't say, as if it had 8 GB."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 << 30
