"""An engine that is asked again when it is away, after pauses that grow."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ragbraid.errors import IndexStoreError
from ragbraid.index.engine.protocol import AwayError, Condition, Engine, Row, Table
from ragbraid.types import Vectors

T = TypeVar("T")
PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0)
"""Seconds to wait before each further try."""


class Retrying:
    """Wraps an engine, every call of which may be made again, until `timeout` seconds have passed.

    Raises `IndexStoreError` when it stays away.
    """

    def __init__(self, engine: Engine, timeout: float, pauses: Sequence[float] = PAUSES) -> None:
        self._engine, self._timeout, self._pauses = engine, timeout, pauses
        self.shown, self.most_hits = engine.shown, engine.most_hits

    def head(self) -> str | None:
        """See `Engine.head`."""
        return self._again(self._engine.head)

    def create(self, dimensions: int | None) -> None:
        """See `Engine.create`."""
        self._again(lambda: self._engine.create(dimensions))

    def swap(self, expected: str | None, new: str) -> bool:
        """See `Engine.swap`. A first try whose answer was lost counts, if it was done."""
        tried = False

        def swap() -> bool:
            nonlocal tried
            if tried and self._engine.head() == new:
                return True
            tried = True
            return self._engine.swap(expected, new)

        return self._again(swap)

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """See `Engine.put`."""
        self._again(lambda: self._engine.put(table, rows))

    def remove(self, table: Table, where: Sequence[Condition]) -> None:
        """See `Engine.remove`."""
        self._again(lambda: self._engine.remove(table, where))

    def rows(
        self, table: Table, where: Sequence[Condition], columns: Sequence[str], vector: bool = False
    ) -> list[Row]:
        """See `Engine.rows`."""
        return self._again(lambda: [*self._engine.rows(table, where, columns, vector)])

    def count(self, table: Table, where: Sequence[Condition]) -> int:
        """See `Engine.count`."""
        return self._again(lambda: self._engine.count(table, where))

    def nearest(
        self, vector: Vectors, k: int, where: Sequence[Condition], columns: Sequence[str], exact: bool
    ) -> list[Row]:
        """See `Engine.nearest`."""
        return self._again(lambda: self._engine.nearest(vector, k, where, columns, exact))

    def close(self) -> None:
        """See `Engine.close`."""
        self._engine.close()

    def _again(self, call: Callable[[], T]) -> T:
        until = time.monotonic() + self._timeout
        for pause in (*self._pauses, math.inf):
            try:
                return call()
            except AwayError as error:
                said = str(error).strip().rstrip(".")
            if time.monotonic() + pause > until:
                break
            time.sleep(pause)
        raise IndexStoreError(
            f"The index at {self.shown} can't be reached: {said}.",
            "See whether the database runs, and whether `url` is right. What was stored is still there.",
        )
