"""Lets in who has a key, no more often than the key may, and writes down who asked for what."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragbraid.serve.clients import ANYONE, Client
from ragbraid.serve.failures import Refused, reply
from ragbraid.serve.keys import Keys
from ragbraid.serve.metrics import Metrics

OPEN = ("/", "/healthz", "/readyz")
"""What is answered without a key; so are the page and its files, which ask for one themselves."""


class Guard:
    """Finds the client of each request, or refuses it."""

    def __init__(self, app: ASGIApp, keys: Keys, audit: Audit) -> None:
        self._app, self._keys, self._audit = app, keys, audit
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; either is noted."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        noted = self._audit.begin(scope, send)
        try:
            noted.client = self._client(scope)
            self._demand_rate(noted.client)
            scope["ragbraid.client"] = noted.client
            await self._app(scope, receive, noted.send)
        except Refused as refused:
            await reply(scope["path"], refused)(scope, receive, noted.send)
        finally:
            self._audit.end(noted)

    def _client(self, scope: Scope) -> Client:
        if not self._keys.wanted or scope["path"] in OPEN or scope["path"].startswith("/page/"):
            return ANYONE
        key = _key(scope["headers"])
        client = self._keys.find(key) if key else None
        if client is None:
            told = (
                "This key is unknown, or its time is over."
                if key
                else "A key is wanted: Authorization: Bearer …"
            )
            refused = Refused(401, told, code="invalid_api_key")
            refused.headers["WWW-Authenticate"] = "Bearer"
            raise refused
        return client

    def _demand_rate(self, client: Client) -> None:
        if client.per_minute is None:
            return
        limit = RateLimitItemPerMinute(client.per_minute)
        if not self._limiter.hit(limit, client.name):
            after = self._limiter.get_window_stats(limit, client.name).reset_time - time.time()
            told = f"This key may ask {client.per_minute} times a minute."
            raise Refused(429, told, code="rate_limit_exceeded", retry_after=max(after, 1))


class Noted:
    """A request as the audit log has it: who, which route, how it ended; nothing of what was said."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.id = uuid.uuid4().hex
        self.scope, self._send = scope, send
        self.began = time.perf_counter()
        self.client = ANYONE
        self.status = 499

    async def send(self, message: Message) -> None:
        """Send a message on, with the request's id."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), (b"x-request-id", self.id.encode())]
            message = {**message, "headers": headers}
        await self._send(message)

    @property
    def route(self) -> str:
        """The address as it is declared, without what stands for a source's name; empty for none."""
        return getattr(self.scope.get("route"), "path", "")

    @property
    def seconds(self) -> float:
        """Since it came."""
        return time.perf_counter() - self.began

    def line(self) -> str:
        """One line of JSON. Of the address the route alone is told, since names of sources say something."""
        told = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": self.id,
            "client": self.client.name,
            "method": self.scope["method"],
            "route": self.route,
            "status": self.status,
            "ms": round(self.seconds * 1000, 1),
        }
        return json.dumps(told)


class Audit:
    """Counts requests, and logs them where there is a file for it, a JSON object a line."""

    def __init__(self, path: Path | None, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log: logging.Logger | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.FileHandler(path, encoding="utf-8")
            handler.setFormatter(logging.Formatter("%(message)s"))
            self._log = logging.Logger("ragbraid.audit")
            self._log.addHandler(handler)

    def begin(self, scope: Scope, send: Send) -> Noted:
        """Note that a request came."""
        return Noted(scope, send)

    def end(self, noted: Noted) -> None:
        """Note how it ended."""
        self._metrics.request(noted.scope["method"], noted.route, noted.status, noted.seconds)
        if self._log is not None:
            self._log.info(noted.line())

    def close(self) -> None:
        """Close the file."""
        for each in [] if self._log is None else self._log.handlers:
            each.close()


def _key(headers: Sequence[tuple[bytes, bytes]]) -> str:
    found = dict(headers)
    kind, _, key = found.get(b"authorization", b"").decode("latin-1").partition(" ")
    return key.strip() if kind.lower() == "bearer" else found.get(b"x-api-key", b"").decode("latin-1")
