"""The failures that each endpoint documents: their statuses and shapes."""

from __future__ import annotations

from typing import Any

_WHY = {
    400: "The request can't be understood.",
    401: "A key is wanted, and none, or a wrong one, was given.",
    403: "The key may not do this, or a page of another site asks.",
    404: "There is no such thing here.",
    405: "The method isn't one of this address.",
    408: "The body didn't come in time.",
    409: "Nothing was ingested yet, or the index was built by another embedder.",
    413: "The body is too large.",
    421: "The host isn't one of this server's names.",
    422: "A field is wrong.",
    429: "Too many requests; Retry-After says when to come again.",
    502: "The generator failed, or the server that it asks.",
    503: "The server is busy, stopping, or lacks something; Retry-After may say when to come again.",
    504: "The time for the request was up.",
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}

Documented = dict[int | str, dict[str, Any]]
V1: Documented = {
    status: {"description": why, "content": {"application/json": {"schema": _ERROR}}}
    for status, why in _WHY.items()
}
API: Documented = {
    status: {"description": why, "content": {"application/problem+json": {"schema": _PROBLEM}}}
    for status, why in _WHY.items()
}
STREAM: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}
