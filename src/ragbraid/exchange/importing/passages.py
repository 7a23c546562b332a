"""Passages of another framework's store, and putting them into an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.bridge.values import crossed
from ragbraid.errors import IndexMismatch, InputError
from ragbraid.exchange.importing.swelling import SwellingError, copied
from ragbraid.index.metadata import MAX_DEPTH, encode
from ragbraid.index.protocol import Change, Entry, Index
from ragbraid.types import Chunk, Document, Scope

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Rows = npt.NDArray[np.float32]

_BATCH = 256
_VALUES = 100_000
"""How many values the metadata of one passage may have: a small file can name one list very often."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with its id and metadata."""

    id: str
    text: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """What a store holds. `vectors` has a row for each passage; None where there are none that can be read,
    for the reason `without`. `textless` counts what has no text, and is left out."""

    kind: str
    passages: Sequence[Passage]
    vectors: Rows | None = None
    without: str = "it holds no vectors"
    textless: int = 0


def plain(value: Any, owner: str) -> dict[str, Any]:
    """Metadata as values of JSON. Raises `InputError`, naming `owner`, for anything else."""
    if not isinstance(value, Mapping):
        raise InputError(f"The metadata of {owner} is no mapping.", "Import what its framework wrote.")
    try:
        users, *_ = crossed(copied(value, _VALUES, MAX_DEPTH))
    except SwellingError:
        raise InputError(
            f"The metadata of {owner} has more than {_VALUES:,} values, or is nested more than {MAX_DEPTH} "
            "levels deep.",
            "Leave out what no filter needs.",
        ) from None
    encode(users, owner)
    return users


def store(index: Index, held: Held, scope: Scope, *, same: bool) -> bool:
    """Put them into an index, each as a source of its own that has its id; whether their vectors were kept.

    With `same` the vectors are said to be those of the index's embedder; else texts are embedded anew. It
    commits batch by batch; interrupted, it can be repeated. Raises `InputError` where an id occurs twice,
    and `IndexMismatch` where vectors can't be those of the embedder.
    """
    if len({each.id for each in held.passages}) < len(held.passages):
        raise InputError("Two documents of the store have one id.", "Give each its own.")
    embedder = index.embedder
    rows = _unit(held, embedder.dimensions, embedder.identity) if same and embedder is not None else None
    for at in range(0, len(held.passages), _BATCH):
        batch = held.passages[at : at + _BATCH]
        texts = [each.text for each in batch]
        vectors: Any = None
        if rows is not None:
            vectors = rows[at : at + _BATCH]
        elif embedder is not None:
            vectors = embedder.embed(texts, "passage")
        changes = [
            Change(each.id, [_entry(each, None if vectors is None else vectors[[number]], rows is not None)])
            for number, each in enumerate(batch)
        ]
        index.upsert(changes, scope=scope)
    return rows is not None


def _entry(passage: Passage, row: Any, kept: bool) -> Entry:
    document = Document(passage.id, passage.text, dict(passage.metadata))
    chunk = Chunk(passage.id, 0, len(passage.text), passage.text, id=passage.id)
    # A kept vector needn't be what the embedder makes of this text, so none is shared by their text.
    return Entry(document, [chunk], row, [row.tobytes().hex()] if kept else None)


def _unit(held: Held, dimensions: int, identity: str) -> Rows:
    """The vectors at unit length."""
    import numpy as np

    if held.vectors is None:
        raise IndexMismatch(
            f"The store's vectors can't be kept: {held.without}.",
            "Leave --embedder-is-same out: texts are embedded.",
        )
    if held.vectors.shape[1] != dimensions:
        raise IndexMismatch(
            f"The store's vectors have {held.vectors.shape[1]} dimensions; {identity} makes {dimensions}.",
            "Use the embedder that the store was made with, or leave --embedder-is-same out.",
        )
    lengths = np.linalg.norm(held.vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise IndexMismatch(
            "The store has a vector that is zero, or isn't of numbers.",
            "Leave --embedder-is-same out: texts are embedded.",
        )
    rows: Rows = np.ascontiguousarray(held.vectors / lengths, np.float32)
    return rows
