"""Passages in the order in which a generator has read them before."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class CacheOrder:
    """Puts passages first that an earlier question's prompt began with, so that they aren't computed again.

    Generators keep what a prompt begins with (`cache_mb`). Of the orders that were given out, the last
    `remembered` ones, that one is taken up whose beginning is the longest of the first `passages` hits alone;
    the others follow as they were, and so do later hits, with their scores. It belongs right before
    `compose`, for what comes out isn't ordered by score. The passages are the same, and where a model heeds
    their order, an answer may depend on what was asked before: it is off where no file names it. Source: Jin
    and others, RAGCache, 2024.
    """

    passages: Annotated[int, Ge(1)] = 6
    remembered: Annotated[int, Ge(1)] = 256

    def open(self) -> CacheOrderRuntime:
        """The running step, which remembers nothing yet."""
        return CacheOrderRuntime(self.passages, self.remembered)


class CacheOrderRuntime:
    """Orders by what it gave out before; any number of threads may use it."""

    def __init__(self, passages: int, remembered: int) -> None:
        self._passages, self._most = passages, remembered
        self._given: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        """The same hits, the first of them in an order that begins as an earlier one did."""
        shown = {hit.id: hit for hit in hits[: self._passages]}
        with self._lock:
            first = self._longest(shown)
            order = (*first, *(each for each in shown if each not in first))
            self._given[order] = None
            self._given.move_to_end(order)
            if len(self._given) > self._most:
                self._given.popitem(last=False)
        return [*(shown[each] for each in order), *hits[self._passages :]]

    def _longest(self, shown: dict[str, Hit]) -> tuple[str, ...]:
        """The longest beginning of an order that is of these alone; of equal ones the latest."""
        longest: tuple[str, ...] = ()
        for order in reversed(self._given):
            length = next((at for at, each in enumerate(order) if each not in shown), len(order))
            if length > len(longest):
                longest = order[:length]
        return longest

    def close(self) -> None:
        """Forget the orders."""
        with self._lock:
            self._given.clear()
