"""An index as a table of records whose vectors the caller makes: what a store of another framework is.

Each record is a source of its own with one chunk, and all three have its id. What isn't metadata but has to
come back with the record stands under the key `OWN` of its metadata.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ragbraid.errors import IndexMissing, InputError
from ragbraid.index.protocol import Change, Entry
from ragbraid.types import Chunk, Document, Filter, Hit, Scope

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ragbraid.embed.protocol import Embedder
    from ragbraid.index.faiss import FaissRuntime

    Numbers = npt.NDArray[np.float64]

OWN = "ragbraid-record"
"""The key of the metadata that is no record's own."""
_BARE = f"{OWN}.bare"
_UNIT = 1e-6
"""How far a squared length may be from 1 for the vector to be kept as it is: a rounding of float32."""


@dataclass(frozen=True, slots=True)
class Record:
    """A text with metadata and, where somebody made one, a vector of any length but zero.

    `beside` is what else comes back with it, of what JSON can hold; filters name it as `ragbraid-record.KEY`.
    `score` is of the search that found it: the cosine, or BM25. `hit` is the passage that it is, where that
    is a chunk of a source that was ingested: with its place, its page and the score of the stage.
    """

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    vector: Sequence[float] | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    hit: Hit | None = None


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Stands for the embedder that the caller has: the index asks no more of it than this."""

    identity: str
    dimensions: int


class Records:
    """The records of one collection of the index in a folder; any number of threads may use them.

    `dimensions` is the length of the vectors; None is for texts alone. Where the folder's index holds
    something already, its own embedder and dimensions hold. Nothing is written before the first `put`.
    """

    def __init__(self, path: str | Path, dimensions: int | None, collection: str = "default") -> None:
        self._path = Path(path)
        self._collection = collection
        self._wanted = dimensions
        self._runtime: FaissRuntime | None = None

    @property
    def dimensions(self) -> int | None:
        """The length of its vectors; None for texts alone."""
        embedder = self._index().embedder
        return None if embedder is None else embedder.dimensions

    def put(self, records: Sequence[Record]) -> None:
        """Store them, each in place of the one with its id; all of them or none.

        Raises `InputError` for what wouldn't come back as it is: see `ragbraid.index.metadata`; and for a
        vector that is zero or of another length.
        """
        index = self._index()
        width = self.dimensions
        changes = [Change(each.id, [_entry(each, width)]) for each in records]
        index.upsert(changes, scope=self._scope(None))

    def get(self, ids: Sequence[str]) -> list[Record]:
        """Those with these ids, in the order asked for; the ones that aren't there are left out."""
        return self._whole(self._read(lambda index, scope: index.get(ids, scope=scope), None))

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are taken."""
        return {each.id for each in self._read(lambda index, scope: index.get(ids, scope=scope), None)}

    def select(self, filter: Filter | None = None, *, vectors: bool = True) -> list[Record]:  # noqa: A002
        """All that a filter lets through, in the order in which they were stored."""
        found = self._read(lambda index, scope: index.select(scope=scope), filter)
        return self._whole(found) if vectors else [_record(each) for each in found]

    def count(self, filter: Filter | None = None) -> int:  # noqa: A002
        """How many a filter lets through."""
        try:
            return self._index().count(scope=self._scope(filter))
        except IndexMissing:
            return 0

    def delete(self, ids: Iterable[str]) -> int:
        """Take out those with these ids; returns how many there were.

        Raises `InputError` for a chunk of a source that was ingested, which goes with its source alone.
        """
        wanted = list(dict.fromkeys(ids))
        found = self._read(lambda index, scope: index.get(wanted, scope=scope), None)
        for each in found:
            if each.source != each.id:
                raise InputError(
                    f"{each.id!r} is a chunk of {each.source!r}, and can't be taken out alone.",
                    "Remove that source: `ragbraid index delete SOURCE`.",
                )
        return self._index().delete([each.id for each in found], scope=self._scope(None))

    def clear(self, *, compact: bool = False) -> None:
        """Take out everything that the collection holds; with `compact`, give its space on disk back, too."""
        index = self._index()
        try:
            held = self._collection in index.collections()
        except IndexMissing:
            return
        if held:
            index.drop(self._collection)
        if compact:
            index.compact()

    def nearest(
        self,
        vector: Sequence[float],
        k: int,
        filter: Filter | None = None,  # noqa: A002
        *,
        vectors: bool = False,
    ) -> list[Record]:
        """The k whose vectors have the largest cosine with this one, best first, ties by id."""
        import numpy as np

        width = self.dimensions
        if width is None:
            raise InputError(f"The index at {self._path} holds no vectors.", "Say how long they are.")
        query, _ = _unit(np.asarray(vector, np.float64), width, "the question")

        def search(index: FaissRuntime, scope: Scope) -> list[Hit]:
            (found,) = index.search_vector(query[None, :], k, scope=scope)
            if any(OWN in each.metadata and each.metadata[OWN].get("bare") for each in found):
                dense: Filter = {_BARE: {"$ne": True}}
                both = {"$and": [scope.filter, dense]} if scope.filter else dense
                (found,) = index.search_vector(query[None, :], k, scope=replace(scope, filter=both))
            return found

        hits = self._read(search, filter)
        return self._whole(hits) if vectors else [_record(each, each.score) for each in hits]

    def search(
        self,
        text: str,
        k: int,
        filter: Filter | None = None,  # noqa: A002
        *,
        vectors: bool = False,
    ) -> list[Record]:
        """The k best by BM25, best first, ties by id; no text is a syntax error."""
        hits = self._read(lambda index, scope: index.search_text([text], k, scope=scope)[0], filter)
        return self._whole(hits) if vectors else [_record(each, each.score) for each in hits]

    def close(self) -> None:
        """Let go of every file; what is asked next opens them again."""
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None

    def _read(self, read: Any, filter: Filter | None) -> list[Hit]:  # noqa: A002
        """What is found, which is nothing where nothing was ever stored."""
        try:
            found: list[Hit] = read(self._index(), self._scope(filter))
        except IndexMissing:
            return []
        return found

    def _whole(self, hits: Sequence[Hit]) -> list[Record]:
        """The records behind hits, with their vectors."""
        with_vector = [each.id for each in hits if not each.metadata.get(OWN, {}).get("bare")]
        rows = self._index().vectors(with_vector, scope=self._scope(None)) if with_vector else None
        vectors = {} if rows is None else dict(zip(with_vector, rows, strict=True))
        return [_record(each, each.score or None, vectors.get(each.id)) for each in hits]

    def _scope(self, filter: Filter | None) -> Scope:  # noqa: A002
        return Scope(self._collection, filter or None)

    def _index(self) -> FaissRuntime:
        if self._runtime is None:
            self._runtime = self._opened()
        return self._runtime

    def _opened(self) -> FaissRuntime:
        from ragbraid.index.faiss import Faiss, FaissRuntime

        try:
            stats = Faiss(self._path).open().stats()
        except IndexMissing:
            stats = None
        if stats is not None and stats.embedder is not None and stats.dimensions is not None:
            held = _Elsewhere(stats.embedder, stats.dimensions)
            if self._wanted not in (None, held.dimensions):
                raise InputError(
                    f"The index at {self._path} holds vectors of {held.dimensions} dimensions, "
                    f"not {self._wanted}.",
                    "Use the embedder that it was made with, or another folder.",
                )
        elif self._wanted is None or (stats is not None and any(each.chunks for each in stats.collections)):
            return FaissRuntime(self._path, None)
        else:
            held = _Elsewhere(f"given-{self._wanted}", self._wanted)
        return FaissRuntime(self._path, cast("Embedder", held))


def _entry(record: Record, width: int | None) -> Entry:
    """A record as the index keeps it."""
    import numpy as np

    owner = repr(record.id)
    if OWN in record.metadata:
        raise InputError(f"The metadata of {owner} has the key {OWN!r}, which is kept for ragbraid itself.")
    _demand_no_dollar(record.metadata, owner)
    beside = dict(record.beside)
    vectors = texts = None
    if width is None and record.vector is not None:
        raise InputError(
            f"{owner} has a vector, and this index holds texts alone.",
            "Use another folder, and say how long vectors are.",
        )
    if width is not None:
        if record.vector is None:
            row = np.eye(1, width, dtype=np.float32)
            beside["bare"] = True
        else:
            unit, kept = _unit(np.asarray(record.vector, np.float64), width, owner)
            row = unit[None, :]
            if kept:
                beside["vector"] = kept
        vectors, texts = row, [row.tobytes().hex()]  # vectors are shared by what they are, not by their text
    metadata = {**record.metadata, **({OWN: beside} if beside else {})}
    document = Document(record.id, record.text, metadata)
    chunk = Chunk(record.id, 0, len(record.text), record.text, id=record.id)
    return Entry(document, [chunk], vectors, texts)


def _record(hit: Hit, score: float | None = None, row: Any = None) -> Record:
    metadata = dict(hit.metadata)
    beside = dict(metadata.pop(OWN, {}))
    beside.pop("bare", None)
    kept = beside.pop("vector", None)
    vector = None
    if row is not None:
        vector = row.tolist() if kept is None else _unpacked(kept)
    return Record(hit.id, hit.text, metadata, vector, beside, score, None if hit.source == hit.id else hit)


def _unit(vector: Numbers, width: int, owner: str) -> tuple[Any, str]:
    """A vector as the index keeps it, and its own numbers as text where those aren't the same."""
    import numpy as np

    if vector.shape != (width,):
        raise InputError(
            f"The vector of {owner} has {vector.size} numbers; {width} are needed.",
            "Use the embedder whose vectors are stored.",
        )
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or not length:
        raise InputError(f"The vector of {owner} is zero, or holds NaN or infinity.", "Check the embedder.")
    short = vector.astype("<f4")
    exact = bool((short == vector).all())
    if exact and abs(length * length - 1) <= _UNIT:
        return short, ""
    packed = base64.b64encode((short if exact else vector.astype("<f8")).tobytes()).decode()
    return (vector / length).astype(np.float32), f"{'f4' if exact else 'f8'}:{packed}"


def _unpacked(kept: str) -> list[float]:
    import numpy as np

    kind, _, packed = kept.partition(":")
    numbers: list[float] = np.frombuffer(base64.b64decode(packed), f"<{kind}").tolist()
    return numbers


def _demand_no_dollar(value: Any, owner: str) -> None:
    """Refuse what reads as a date in a pipeline's own metadata, and so would come back as one."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(key, str) and key.startswith("$"):
                raise InputError(
                    f"The metadata of {owner} has the key {key!r}; keys can't begin with a dollar.",
                    "Rename it.",
                )
            _demand_no_dollar(each, owner)
    elif isinstance(value, list | tuple):
        for each in value:
            _demand_no_dollar(each, owner)
