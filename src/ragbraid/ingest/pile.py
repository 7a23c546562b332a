"""A bounded heap of prepared sources."""

from __future__ import annotations

import time

from ragbraid.ingest.prepare import Prepared


class Pile:
    """Sources that wait for the next step together, until they hold so much; one is always taken in."""

    def __init__(self, *, chunks: int, characters: int) -> None:
        self.most_chunks = chunks
        self._most_characters = characters
        self._start_anew()

    @property
    def full(self) -> bool:
        """Whether the limit of chunks or of characters is reached."""
        return self._chunks >= self.most_chunks or self._characters >= self._most_characters

    @property
    def age(self) -> float:
        """Seconds since the first one was added; 0 while empty."""
        return time.monotonic() - self._began if self._sources else 0.0

    def add(self, source: Prepared) -> None:
        """Put a source on the pile."""
        if not self._sources:
            self._began = time.monotonic()
        self._sources.append(source)
        self._chunks += source.chunks
        self._characters += source.characters

    def take(self) -> list[Prepared]:
        """All of them, in order; the pile is empty afterwards."""
        sources = self._sources
        self._start_anew()
        return sources

    def _start_anew(self) -> None:
        self._sources: list[Prepared] = []
        self._chunks = self._characters = 0
        self._began = 0.0
