"""The bars of `progress`, by Rich: what is done, how fast, how long it still takes."""

from __future__ import annotations

import time
from collections import deque

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Column
from rich.text import Text

_FRAME = 0.1
"""Seconds between two pictures of the bar."""
_WINDOW = 30.0
"""Seconds whose pace is taken for that of the rest."""


class Pace:
    """How fast sources were dealt with lately.

    They are committed in groups, some seconds apart, so the time up to now counts as well.
    """

    def __init__(self, now: float) -> None:
        self._moments = deque([(now, 0)])

    def note(self, done: int, now: float) -> None:
        """So many are done by now."""
        self._moments.append((now, done))
        while len(self._moments) > 2 and self._moments[1][0] < now - _WINDOW:
            self._moments.popleft()

    def per_second(self, now: float) -> float:
        """Sources a second; 0 as long as none was dealt with."""
        (began, before), (_, done) = self._moments[0], self._moments[-1]
        return (done - before) / max(now - began, 1e-3)


def rate(per_second: float) -> str:
    """A pace as people say it: `53/s`, `4.2/s`, or `12/min` where it is slow."""
    if per_second < 1:
        return f"{per_second * 60:.0f}/min"
    return f"{per_second:.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"


def left(seconds: float) -> str:
    """A time that is still to pass: `12 s left`, `3 min left`, `2 h left`."""
    if seconds < 60:
        return f"{seconds:.0f} s left"
    return f"{seconds / 60:.0f} min left" if seconds < 5400 else f"{seconds / 3600:.0f} h left"


class _Left(ProgressColumn):
    """The time left, from the bytes of late."""

    def render(self, task: Task) -> Text:
        seconds = task.time_remaining
        return Text("" if seconds is None else left(seconds))


class Sources:
    """The bar of an ingest. A name is as long as the terminal has room for it.

    What is unchanged costs next to nothing, and says nothing of how long the rest will take.
    """

    def __init__(self) -> None:
        self._pace = Pace(time.monotonic())
        self._worked = 0
        self._found_at = 0.0
        name = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True))
        self.bar = _progress(TextColumn("{task.fields[told]}"), name, expand=True)
        self._task = self.bar.add_task("Reading …", total=None, told="")

    def find(self, source: str, count: int) -> None:
        """A source is found, one of so many up to now: of a large folder or a slow site in many seconds."""
        now = time.monotonic()
        if now - self._found_at >= _FRAME:
            self._found_at = now
            self.bar.update(self._task, description=source, told=f"{count} found ")

    def advance(self, source: str, done: int, total: int, *, unchanged: bool = False) -> None:
        """A source is dealt with."""
        now = time.monotonic()
        if not unchanged:
            self._worked += 1
            self._pace.note(self._worked, now)
        elif not self._worked:
            self._pace = Pace(now)  # the time of comparing isn't that of the work to come
        speed = self._pace.per_second(now)
        told = f"{done}/{total}"
        if speed:
            told += f"  {rate(speed)}  {left((total - done) / speed)} "
        self.bar.update(self._task, description=source, completed=done, total=total, told=told)


def download(name: str) -> tuple[Progress, TaskID]:
    """The bar of a download, and its task; completed and total are bytes."""
    bar = _progress(DownloadColumn(), TransferSpeedColumn(), _Left(), TextColumn("{task.description}"))
    return bar, bar.add_task(name, total=None)


def _progress(*columns: ProgressColumn, expand: bool = False) -> Progress:
    console = Console(stderr=True)
    # Colours that every terminal's theme has, so that they are legible on dark and on light.
    bar = BarColumn(
        max(4, min(30, console.width // 4)), style="bright_black",
        complete_style="cyan", finished_style="cyan", pulse_style="cyan",
    )  # fmt: skip
    return Progress(bar, *columns, console=console, transient=True, expand=expand)
