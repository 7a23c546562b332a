"""JSON replies that can always be written, whatever a document or a client put into them."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.responses import Response


def dumps(value: Any) -> str:
    """JSON in one line; a number that JSON doesn't know becomes null."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))


def encoded(value: Any) -> bytes:
    """JSON in UTF-8; half a surrogate pair stays an escape."""
    text = dumps(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(json.loads(text)).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


class Reply(Response):
    """A value as `application/json`."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return encoded(content)


class Problem(Reply):
    """An error by RFC 9457."""

    media_type = "application/problem+json"


def event(name: str, value: Any, number: int | None = None) -> bytes:
    """A server-sent event (WHATWG HTML, 9.2)."""
    head = f"event: {name}\n".encode() if name else b""
    tail = b"" if number is None else f"id: {number}\n".encode()
    return head + tail + b"data: " + encoded(value) + b"\n\n"
