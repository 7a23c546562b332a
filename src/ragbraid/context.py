"""What a component may ask of the running question: deadline, cancellation, trace."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ragbraid.errors import Cancelled, DeadlineExceeded, Stopped
from ragbraid.types import Scope

_ANYTHING = Scope()
T = TypeVar("T")


class Cancellation:
    """A deadline and a flag, shared by everything that works for one run, which answers `questions`."""

    __slots__ = ("_cancelled", "_kept", "_whole", "deadline", "may_stop", "questions")

    def __init__(
        self, timeout: float | None = None, questions: int = 1, *, whole: Cancellation | None = None
    ) -> None:
        """`whole` is that of the run that this one is a part of: where that stops, this one does."""
        self._whole = whole
        self.deadline = None if timeout is None else time.monotonic() + timeout
        if whole is not None and whole.deadline is not None:
            self.deadline = whole.deadline if self.deadline is None else min(self.deadline, whole.deadline)
        self.questions = questions
        self._kept: dict[Hashable, Any] | None = None
        self._cancelled = False
        self.may_stop = timeout is not None or whole is not None
        """False where `check` would find nothing, for those who would call it very often."""

    def cancel(self) -> None:
        """Ask everything that works for this run to stop."""
        self._cancelled = self.may_stop = True

    @property
    def cancelled(self) -> bool:
        """Whether the caller gave up; a passed deadline isn't counted here."""
        return self._cancelled or (self._whole is not None and self._whole.cancelled)

    def kept(self, owner: Hashable, make: Callable[[], T]) -> T:
        """What `owner` keeps as long as the run goes on; made where it is asked for the first time."""
        if self._whole is not None:
            return self._whole.kept(owner, make)
        if self._kept is None:
            self._kept = {}
        if owner not in self._kept:
            self._kept.setdefault(owner, make())
        return self._kept[owner]  # type: ignore[no-any-return]

    def remaining(self) -> float | None:
        """Seconds until the deadline, never negative; None where there is no deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def check(self) -> None:
        """Raise `Cancelled` or `DeadlineExceeded` where the run shall stop."""
        if self.cancelled:
            raise Cancelled("The run was cancelled.")
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise self.overdue()

    def overdue(self) -> Stopped:
        """Why the run ends, for one who found that it has to."""
        if self.cancelled and self.remaining() != 0.0:
            return Cancelled("The run was cancelled.")
        return DeadlineExceeded("The time allowed for this run is up.", "Raise the timeout, or ask for less.")


class Context:
    """One step's view of its run. Call `check()` once per unit of work (a token, a batch)."""

    __slots__ = ("cancellation", "notes", "scope", "step")

    def __init__(
        self, cancellation: Cancellation | None = None, step: str = "", scope: Scope = _ANYTHING
    ) -> None:
        self.cancellation = cancellation or Cancellation()
        self.step = step
        self.scope = scope
        """What the run may see: for a step that finds passages by itself, past every index handle."""
        self.notes: dict[str, Any] = {}

    @property
    def cancelled(self) -> bool:
        """Whether the run shall stop, by cancellation or by deadline."""
        return self.cancellation.cancelled or self.cancellation.remaining() == 0.0

    def remaining(self) -> float | None:
        """Seconds until the deadline; None where there is none."""
        return self.cancellation.remaining()

    def check(self) -> None:
        """Raise `Cancelled` or `DeadlineExceeded` where the run shall stop."""
        self.cancellation.check()

    def note(self, name: str, value: Any) -> None:
        """Write a JSON-like value into this step's trace."""
        self.notes[name] = value
