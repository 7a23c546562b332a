"""Embeds what an index holds with another embedder, while it is searched and written to as before.

The new set of vectors is filled slot by slot, so that how far it has come is its length: killed, it goes on
from there. Once it is as long as the current one it takes its place, in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

import numpy as np

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import IndexMismatch, InputError
from ragbraid.index import reading, schema, vector_sets
from ragbraid.index.checks import text_hash
from ragbraid.index.rewriting import Build
from ragbraid.index.rows import Ints
from ragbraid.index.vector_file import BLOCK_ROWS
from ragbraid.index.vector_sets import VectorSet
from ragbraid.text.context import in_context
from ragbraid.text.counted import counted
from ragbraid.types import Vectors

Transaction = Callable[[], AbstractContextManager[Connection]]
_IN = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Slots that chunks refer to from some slot on, and a row of each, while `file` is the current set's."""

    file: int
    end: int
    slots: Ints
    rows: Ints


class Migration:
    """Fills the set of an embedder. `reading` and `writing` begin a transaction; who writes is alone."""

    def __init__(
        self, folder: Path, embedder: Embedder, reading: Transaction, writing: Transaction, build: Build
    ) -> None:
        self._folder, self._embedder, self._build = folder, embedder, build
        self._reading, self._writing = reading, writing

    def run(self) -> Iterator[tuple[int, int]]:
        """Embed what has no vector yet, then switch; yields how many slots are done, and of how many.

        Raises `InputError` where there are no vectors to take the place of.
        """
        with self._writing() as connection:
            held = self._begun(connection)
        if held.role == "current":
            return
        plan = None
        while True:
            with self._writing() as connection:
                done, goal = self._place(connection)
                if done == goal:
                    vector_sets.switch(connection, held)
                    return
                if plan is None or not self._holds(connection, plan, done):
                    plan = _planned(connection, done)
            yield done, goal
            if not self._step(plan, done):
                plan = None

    def _begun(self, connection: Connection) -> VectorSet:
        if vector_sets.current(connection) is None:
            raise InputError(
                f"The index at {self._folder} has no vectors that others could take the place of.",
                "Run `ragbraid ingest`: it embeds what is stored.",
            )
        if getattr(self._embedder, "late", False):
            raise InputError(
                "A migration embeds each chunk by itself, and this embedder is to see what stands around it.",
                "Leave `late` out, or ingest into an index at another path.",
            )
        identity, dimensions = self._embedder.identity, self._embedder.dimensions
        for each in vector_sets.every(connection):
            if each.role == "next" and each.embedder != identity:
                raise IndexMismatch(
                    f"The index at {self._folder} is being migrated to {each.embedder!r} already.",
                    "Finish that, or give it up: `ragbraid index migrate --undo`.",
                )
        found = vector_sets.made_by(connection, identity)
        return found or vector_sets.begin(connection, identity, dimensions, "next")

    def _place(self, connection: Connection) -> tuple[int, int]:
        return vector_sets.end(connection, self._own(connection).number), _goal(connection)

    def _own(self, connection: Connection) -> VectorSet:
        found = vector_sets.made_by(connection, self._embedder.identity)
        if found is None:
            raise InputError(f"The migration of the index at {self._folder} was undone meanwhile.")
        return found

    def _holds(self, connection: Connection, plan: _Plan, done: int) -> bool:
        stored = vector_sets.current(connection)
        return stored is not None and stored.file == plan.file and done < plan.end

    def _step(self, plan: _Plan, first: int) -> bool:
        """Embed and store the slots from `first` on; False where something has come in between."""
        end = min(first + BLOCK_ROWS, plan.end)
        low, high = np.searchsorted(plan.slots, [first, end])
        slots, rows = plan.slots[low:high], plan.rows[low:high]
        with self._reading() as connection:
            texts = _texts(connection, rows)
        there = np.array([row in texts for row in rows.tolist()], bool)
        chosen = [texts[row] for row in rows[there].tolist()]
        vectors = self._embedded(chosen)
        with self._writing() as connection:
            held = self._own(connection)
            if vector_sets.end(connection, held.number) != first or not self._holds(connection, plan, first):
                return False
            if not _let_go(connection, slots[~there]):
                return False
            _forget_others(connection, slots[there], chosen)
            # Slots that no chunk refers to are filled with the like of the others: zeros would be measured.
            block = np.resize(vectors, (end - first, vectors.shape[1]))
            block[slots[there] - first] = vectors
            file = held.opened(connection, self._folder)
            vector_sets.add_blocks(connection, held.number, file.append(first, block))
            self._build(connection, held, file.map(end))
        return True

    def _embedded(self, texts: list[str]) -> Vectors:
        if texts:
            return np.ascontiguousarray(self._embedder.embed(texts, "passage"), np.float32)
        return np.full((1, self._embedder.dimensions), self._embedder.dimensions**-0.5, np.float32)


def undo(connection: Connection, folder: Path) -> str:
    """Give up a migration that is under way, or switch back; the embedder whose vectors are then current.

    A migration back to the former embedder isn't given up: switching back is what it would have come to.
    Raises `InputError` where there is nothing to undo, and `IndexMismatch` where chunks have come since that
    the former embedder has no vectors of.
    """
    sets = vector_sets.every(connection)
    stored = next((each for each in sets if each.role == "current"), None)
    coming = [each for each in sets if each.role == "next"]
    for each in coming:
        vector_sets.forget(connection, each)
    former = next((each for each in reversed(sets) if each.role == "former"), None)
    if stored is None or (former is None and not coming):
        raise InputError(f"No migration of the index at {folder} can be undone.")
    if coming or former is None:
        return stored.embedder
    if more := vector_sets.beyond(connection, former):
        raise IndexMismatch(
            f"Since then {counted(more, 'chunk')} came, of which {former.embedder!r} has no vectors.",
            "Put it into the pipeline file and run `ragbraid index migrate`: it embeds these alone.",
        )
    vector_sets.switch(connection, former)
    end = vector_sets.end(connection, former.number)
    if vector_sets.end(connection, stored.number) > end:  # its further slots will be of other texts
        connection.execute("DELETE FROM vectors WHERE slot >= ?", (end,))
        vector_sets.forget(connection, stored)
    return former.embedder


def _goal(connection: Connection) -> int:
    stored = vector_sets.current(connection)
    return 0 if stored is None else vector_sets.end(connection, stored.number)


def _planned(connection: Connection, first: int) -> _Plan:
    """What is to be embedded from a slot on. Texts of slots without a chunk count as unknown from now on."""
    there = "FROM chunks WHERE slot >= ?"
    connection.execute(
        f"DELETE FROM vectors WHERE slot >= ? AND slot NOT IN (SELECT slot {there})", (first, first)
    )
    found = connection.execute(
        f"SELECT slot, MIN(row) {there} GROUP BY slot ORDER BY slot", (first,)
    ).fetchall()
    slots, rows = np.array(found, np.int64).reshape(-1, 2).T
    stored = vector_sets.current(connection)
    return _Plan(0 if stored is None else stored.file, _goal(connection), slots, rows)


def _let_go(connection: Connection, slots: Ints) -> bool:
    """Let the texts of slots whose chunk is gone count as unknown; False where another refers to one."""
    if not len(slots):
        return True
    named = (json.dumps(slots.tolist()),)
    if connection.execute(f"SELECT 1 FROM chunks WHERE slot {_IN} LIMIT 1", named).fetchone():
        return False
    connection.execute(f"DELETE FROM vectors WHERE slot {_IN}", named)
    return True


def _forget_others(connection: Connection, slots: Ints, texts: list[str]) -> None:
    """Let other texts that are known by these slots count as unknown: their vectors are of `texts` now."""
    hashes = [text_hash(each) for each in texts]
    known = reading.known_slots(connection, list(dict.fromkeys(hashes)))
    odd = [slot for slot, each in zip(slots.tolist(), hashes, strict=True) if known.get(each) != slot]
    if odd:
        connection.execute(f"DELETE FROM vectors WHERE slot {_IN}", (json.dumps(odd),))


def _texts(connection: Connection, rows: Ints) -> dict[int, str]:
    """What was embedded of these chunks, for those that are still there."""
    named = (json.dumps(rows.tolist()),)
    found = dict(connection.execute(f"SELECT row, text FROM passages WHERE row {_IN}", named).fetchall())
    if schema.has_contexts(connection):
        above = connection.execute(f"SELECT row, text FROM contexts WHERE row {_IN}", named)
        found |= {row: in_context(context, found[row]) for row, context in above if row in found}
    return found
