"""What is done of a connection that says nothing, and of more of them than a process bears."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn.config import Config

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

MOST = 4000
"""Connections at a time; what asks beyond them is told to come again."""


def room() -> int:
    """How many connections there may be, once the process may open as many files as the system lets it."""
    if resource is None:
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST if hard == resource.RLIM_INFINITY else min(hard, 2 * MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 2)


def protocol(seconds: float) -> type[H11Protocol]:
    """uvicorn's protocol, which closes a connection on which no head of a request comes whole in time."""

    class Connection(H11Protocol):
        def __init__(self, config: Config, *arguments: Any, **keywords: Any) -> None:
            super().__init__(config, *arguments, **keywords)
            self._head: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._head = self.loop.call_later(seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._came()
            elif self._head is None:  # a further request has begun, and its head isn't whole
                self._head = self.loop.call_later(seconds, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            self._came()
            super().connection_lost(exc)

        def _came(self) -> None:
            if self._head is not None:
                self._head.cancel()
                self._head = None

    return Connection
