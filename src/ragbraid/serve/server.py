"""Running the application until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack

import uvicorn
from fastapi import FastAPI

from ragbraid.errors import InputError
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.connection import protocol, room
from ragbraid.serve.site import Site

_IDLE = 15
"""Seconds that a connection may be idle."""


class Server(uvicorn.Server):
    """uvicorn that says when it listens, and hands back what it can't finish."""

    def __init__(self, config: uvicorn.Config, site: Site, on_listening: Callable[[str], None]) -> None:
        super().__init__(config)
        self._site = site
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started and sockets:
            self._on_listening(_address(sockets[0]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, and let what runs end; what doesn't is handed back before it is broken off."""
        self._site.ready = False
        asyncio.get_running_loop().call_later(self._site.settings.stop - 1, self._site.work.hand_back)
        await super().shutdown(sockets)


def run(app: FastAPI, settings: Settings, on_listening: Callable[[str], None] = lambda _: None) -> None:
    """Serve until SIGTERM or Ctrl-C; what runs then has `settings.stop` seconds to end.

    Raises `InputError` where the address is taken.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=round(settings.stop),
        h11_max_incomplete_event_size=32_768,
        http=protocol(settings.body_timeout),
        ws="none",
        lifespan="on",
    )
    app.state.site.settled, most = _freeze, room()
    listening = _listen(settings.host, settings.port)
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again when it is done
    try:
        server = Server(config, app.state.site, on_listening)
        app.state.site.crowded = lambda: len(server.server_state.connections) > most
        server.run([listening])
    finally:
        signal.signal(signal.SIGTERM, before)
        listening.close()


def _freeze() -> None:
    """Take what stays for good out of the garbage collector's sight, whose full rounds are long pauses."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `InputError`."""
    with ExitStack() as opened:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listening = opened.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
        except OSError as error:
            raise InputError(
                f"The server can't listen on {host}:{port}: {error.strerror or error}.",
                "Give another address with --host and --port.",
            ) from None
        opened.pop_all()
    listening.set_inheritable(True)
    return listening


def _address(listening: socket.socket) -> str:
    host, port, *_ = listening.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
