"""Who may write: one at a time, by a claim in the ledger that ends with its holder."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from ragbraid.errors import IndexLocked, IndexStoreError
from ragbraid.index.engine import ledger as ledgers
from ragbraid.index.engine.ledger import Claim, Ledger
from ragbraid.index.engine.retrying import Retrying

_LEASE = 30.0
"""Seconds that a claim holds unless it is renewed: so long others wait for one whose machine died."""
_PAUSE = 0.02


class Turn:
    """The right to make one commit, of the number `commit`; `ledger` is the index as it found it."""

    def __init__(self, engine: Retrying, ledger: Ledger, text: str) -> None:
        self._engine, self._text = engine, text
        self.ledger = ledger
        self._renewed = time.monotonic()

    @property
    def commit(self) -> int:
        """The number of the commit."""
        assert self.ledger.claim is not None
        return self.ledger.claim.commit

    def renew(self) -> None:
        """Keep the claim. Raises `IndexLocked` where another has taken it since."""
        if time.monotonic() - self._renewed > _LEASE / 3:
            claim = self.ledger.claim
            assert claim is not None
            after = replace(self.ledger, claim=replace(claim, until=time.time() + _LEASE))
            if not self._swapped(after):
                raise self._lost()
            self._renewed = time.monotonic()

    def end(self, after: Ledger) -> None:
        """Let the index be as `after` says, in one step, and give up the claim."""
        commit = self.commit
        if self._swapped(replace(after, claim=None)):
            return
        # The answer to a swap may have been lost, and another have committed since.
        now = self._engine.head()
        ledger = None if now is None else ledgers.read(now, self._engine.shown)
        if ledger is None or ledger.head < commit or commit in ledger.void or after.head < commit:
            raise self._lost()
        self.ledger = replace(after, claim=None)

    def tidy(self) -> None:
        """Forget what was dead and is removed now, unless somebody writes already."""
        self._engine.swap(self._text, replace(self.ledger, dead=()).written())

    def _swapped(self, after: Ledger) -> bool:
        text = after.written()
        if not self._engine.swap(self._text, text):
            return False
        self.ledger, self._text = after, text
        return True

    def _lost(self) -> IndexLocked:
        return IndexLocked(
            f"Another writer took over the index at {self._engine.shown}, since this one took too long.",
            "Nothing of this was stored; try again.",
        )


class Claims:
    """Hands out turns, to one thread of one process at a time."""

    def __init__(self, engine: Retrying, timeout: float) -> None:
        self._engine, self._timeout = engine, timeout
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, fresh: Callable[[], Ledger] | None) -> Iterator[Turn | None]:
        """A turn of the one writer; None where there is no index and nothing makes a `fresh` one.

        Raises `IndexLocked` where others write for longer than the timeout.
        """
        until = time.monotonic() + self._timeout
        if not self._lock.acquire(timeout=self._timeout):
            raise self._busy("another thread")
        try:
            turn = self._claimed(fresh, until)
            try:
                yield turn
            except BaseException:
                if turn is not None and turn.ledger.claim is not None:
                    with suppress(IndexStoreError):  # then the claim ends by itself
                        turn.end(turn.ledger.over(turn.ledger.claim))
                raise
        finally:
            self._lock.release()

    def _claimed(self, fresh: Callable[[], Ledger] | None, until: float) -> Turn | None:
        while True:
            before = self._engine.head()
            if before is None:
                if fresh is None:
                    return None
                ledger = fresh()
                self._engine.create(ledger.dimensions)
            else:
                ledger = ledgers.read(before, self._engine.shown)
            claim = ledger.claim
            if claim is None or _is_over(claim):
                free = ledger.over(claim)
                mine = Claim(free.next, socket.gethostname(), os.getpid(), time.time() + _LEASE)
                claimed = replace(free, next=free.next + 1, claim=mine)
                text = claimed.written()
                if self._engine.swap(before, text):
                    return Turn(self._engine, claimed, text)
            if time.monotonic() > until:
                raise self._busy(f"{claim.host}, process {claim.process}" if claim else "others in turn")
            time.sleep(_PAUSE)

    def _busy(self, who: str) -> IndexLocked:
        return IndexLocked(
            f"The index at {self._engine.shown} is being written to by someone else ({who}).",
            "Try again when that ingest is done.",
        )


def _is_over(claim: Claim) -> bool:
    """Whether a claim's time is up, or its process, on this machine, is gone."""
    if claim.until < time.time():
        return True
    if claim.host != socket.gethostname() or sys.platform == "win32":
        return False
    try:
        os.kill(claim.process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
