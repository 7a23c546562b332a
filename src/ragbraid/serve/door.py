"""What every request passes before it is looked at, and every reply on its way out; plain ASGI, for speed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragbraid.pipeline.serving import LOCAL, Settings
from ragbraid.serve.failures import Refused, reply

CSP = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_HEADERS = (
    (b"content-security-policy", CSP),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""On every reply that doesn't set its own; the API has no page, so that nothing may be loaded by one."""
_MB = 1_000_000


class Door:
    """Refuses hosts that aren't this server's (DNS rebinding), crowds, bodies too large or too slow."""

    def __init__(self, app: ASGIApp, settings: Settings, crowded: Callable[[], bool]) -> None:
        self._app = app
        self._crowded = crowded
        self._settings = settings
        self._hosts = {each.lower() for each in (*LOCAL, settings.host, *settings.hosts)}
        self._any_host = "*" in settings.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        outward = _Outward(send)
        try:
            host = headers.get(b"host", b"").decode("latin-1")
            self._demand_host(host)
            if scope["path"] != "/healthz" and self._crowded():
                raise _too_many()
            if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
                self._demand_origin(headers.get(b"origin", b"").decode("latin-1"), host)
            limit = self._limit(scope["path"])
            _demand_size(headers.get(b"content-length"), limit)
        except Refused as refused:
            return await reply(scope["path"], refused)(scope, receive, outward)
        body = _Body(receive, limit, self._settings.body_timeout)
        return await self._app(scope, body, outward)

    def _demand_host(self, host: str) -> None:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if not self._any_host and name.strip("[]").lower() not in self._hosts:
            raise Refused(
                421, "This server doesn't go by that name; `--allow-host` lets it.", code="unknown_host"
            )

    def _demand_origin(self, origin: str, host: str) -> None:
        """A form of another site needs no leave of its own to be sent here, and a browser names that site."""
        allowed = {f"http://{host}", f"https://{host}", *self._settings.origins}
        if origin and origin not in allowed and "*" not in allowed:
            raise Refused(
                403, "A page of another site sent this; `--allow-origin` lets it.", code="foreign_origin"
            )

    def _limit(self, path: str) -> int:
        return int((self._settings.upload_mb if path == "/api/ingest" else self._settings.body_mb) * _MB)


def _too_many() -> Refused:
    refused = Refused(503, "There are too many connections.", code="too_many_connections", retry_after=5)
    refused.headers["Connection"] = "close"
    return refused


class _Body:
    """The request's body, up to a size and for a time."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive, self._left = receive, limit
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._complete = False

    async def __call__(self) -> Message:
        """The next message. Raises `HTTPException`, which becomes the reply."""
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "The body didn't come in time.", {"Connection": "close"}) from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._left < 0:
                raise HTTPException(413, "The body is too large.", {"Connection": "close"})
        return message


class _Outward:
    """A reply with the headers that keep a browser from doing more with it than is meant."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        """Send a message on."""
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            message = {**message, "headers": [*headers, *_missing(headers)]}
        await self._send(message)


def _missing(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    return [each for each in _HEADERS if each[0] not in given]


def _demand_size(told: bytes | None, limit: int) -> None:
    if told is not None and told.isdigit() and int(told[:20]) > limit:
        raise Refused(413, f"The body is larger than {limit / _MB:g} MB.", code="too_large")
