"""An answer's text up to a stop string or a budget of tokens, as it comes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ragbraid.errors import InputError
from ragbraid.pipeline.pipeline import Pipeline

_WORD = re.compile(r"\s*\S+|\s+\Z")


class Cut:
    """Passes text on until it ends. What might be the beginning of a stop string is held back until it is
    told apart; `reason` is `stop` or `length` in the end."""

    def __init__(self, stops: Sequence[str], budget: int | None, count: Callable[[str], int]) -> None:
        self._stops, self._budget, self._count = tuple(stops), budget, count
        self._held = ""
        self._shown = ""
        self._ended = False
        self.reason = "stop"

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        if self._ended:
            return ""
        text = self._held + piece
        ends = [at for at in (text.find(each) for each in self._stops) if at >= 0]
        if ends:
            self._ended, self._held = True, ""
            return self._within(text[: min(ends)])
        kept = max((_overlap(text, each) for each in self._stops), default=0)
        self._held = text[len(text) - kept :]
        return self._within(text[: len(text) - kept])

    def finish(self) -> str:
        """What was held back at the end."""
        if self._ended:
            return ""
        held, self._held = self._held, ""
        return self._within(held)

    def _within(self, text: str) -> str:
        """As much of it as the budget allows, in whole words."""
        if self._budget is None or self._count(self._shown + text) <= self._budget:
            self._shown += text
            return text
        self._ended, self.reason = True, "length"
        fitting = ""
        for word in _WORD.findall(text):
            if self._count(self._shown + fitting + word) > self._budget:
                break
            fitting += word
        self._shown += fitting
        return fitting


def counter(pipeline: Pipeline) -> Callable[[str], int]:
    """What counts the tokens of a text: the pipeline's generator, or, where there is none, its words."""

    def count(text: str) -> int:
        try:
            return pipeline.part("generator").count_tokens(text)
        except InputError:
            return len(text.split())

    return count


def _overlap(text: str, stop: str) -> int:
    """How many of the text's last characters may be the first of the stop string's."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
