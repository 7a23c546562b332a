"""Who may work when: so many at a time, a bounded number waiting, each client in turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

from ragbraid.serve.clients import Client
from ragbraid.serve.failures import Refused

_Waiting: TypeAlias = "deque[asyncio.Future[None]]"


class Turn:
    """The right to work, until `leave`."""

    def __init__(self, queue: Queue, client: Client) -> None:
        self._queue, self._client, self._left = queue, client, False

    def leave(self) -> None:
        """Let the next one work. Leaving twice does nothing."""
        if not self._left:
            self._left = True
            self._queue._leave(self._client)


class Queue:
    """Hands out turns, within one event loop.

    Of those who wait, each client is served in turn, so that one who asks a thousand times delays another by
    one of these. Beyond `waiting` a request is refused at once, and so is a client's beyond its own
    `concurrency`.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._free = running
        self._most = waiting
        self._waiting: OrderedDict[Client, _Waiting] = OrderedDict()
        self._held: dict[Client, int] = {}

    @property
    def depth(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    @property
    def running(self) -> int:
        """How many work."""
        return sum(self._held.values()) - self.depth

    @asynccontextmanager
    async def turn(self, client: Client) -> AsyncIterator[Turn]:
        """Wait for a turn, and hold it inside. Raises `Refused` where too many wait."""
        self._demand_room(client)
        self._held[client] = self._held.get(client, 0) + 1
        try:
            await self._wait(client)
        except BaseException:
            self._forget(client)
            raise
        turn = Turn(self, client)
        try:
            yield turn
        finally:
            turn.leave()

    def _demand_room(self, client: Client) -> None:
        if client.concurrency is not None and self._held.get(client, 0) >= client.concurrency:
            told = f"This key has {client.concurrency} requests under way, as many as it may."
            raise Refused(429, told, code="too_many_at_once", retry_after=1)
        if not self._free and self.depth >= self._most:
            raise Refused(503, "The server is busy, and its queue is full.", code="queue_full", retry_after=2)

    async def _wait(self, client: Client) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came in that very moment
                self._pass_on()
            else:
                self._drop(client, turn)
            raise

    def _leave(self, client: Client) -> None:
        self._forget(client)
        self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            client, waiting = next(iter(self._waiting.items()))
            turn = waiting.popleft()
            if waiting:
                self._waiting.move_to_end(client)
            else:
                del self._waiting[client]
            if not turn.done():  # else who waited has just given up
                turn.set_result(None)
                return
        self._free += 1

    def _drop(self, client: Client, turn: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(client, deque())
        with suppress(ValueError):
            waiting.remove(turn)
        if not waiting:
            self._waiting.pop(client, None)

    def _forget(self, client: Client) -> None:
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]
