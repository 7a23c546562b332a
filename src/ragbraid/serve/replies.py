"""JSON replies that can always be written, whatever a document or a client put into them."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


def encoded(value: Any) -> bytes:
    """JSON in UTF-8. A number that JSON doesn't know becomes null; half a surrogate pair is an escape."""
    try:
        return to_json(value, inf_nan_mode="null")
    except ValueError:  # the half of a pair
        return json.dumps(_finite(value), separators=(",", ":")).encode()


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
