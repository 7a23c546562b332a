"""How a failure leaves the server: in OpenAI's shape under /v1, by RFC 9457 elsewhere; never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ragbraid import errors
from ragbraid.serial import to_json
from ragbraid.serve.replies import Problem, Reply

LOG = logging.getLogger("ragbraid.serve")

_STATUS: tuple[tuple[type[errors.RagbraidError], int], ...] = (
    (errors.SourceMissing, 404),
    (errors.PipelineFileError, 422),
    (errors.InputError, 400),
    (errors.IndexMissing, 409),
    (errors.IndexMismatch, 409),
    (errors.IndexLocked, 503),
    (errors.LoadError, 422),
    (errors.Unsupported, 400),
    (errors.BudgetExceeded, 422),
    (errors.GenerationError, 502),
    (errors.DeadlineExceeded, 504),
)
"""The first that an error is one of tells its status; any other is the server's own trouble: 503."""

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
CLIENT_GONE = 499
"""What the log says of a request whose client went away; nobody reads the answer."""


class Refused(Exception):
    """A request that can't be served, with its status and what mends it."""

    def __init__(
        self, status: int, message: str, *, code: str = "", param: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = {} if retry_after is None else {"Retry-After": f"{max(1, round(retry_after))}"}


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


def refusal(error: errors.RagbraidError) -> Refused:
    """An error of ragbraid's as a status and a sentence. What a plug-in raised is for the log alone."""
    status = next((each for kind, each in _STATUS if isinstance(error, kind)), 503)
    told = str(error)
    if isinstance(error, errors.StepError):
        LOG.error("%s", error, exc_info=error.__cause__)
        told = "A step of the pipeline failed. The server's log says why."
    name = str(to_json(error)["error"])
    return Refused(status, told, code=name, retry_after=5 if isinstance(error, errors.IndexLocked) else None)


def body(path: str, refused: Refused, details: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What a client reads, in the shape that holds under this path."""
    if path.startswith("/v1/"):
        kind = _TYPES.get(refused.status, "invalid_request_error" if refused.status < 500 else "server_error")
        told = {"message": refused.message, "type": kind, "param": refused.param or None}
        return {"error": {**told, "code": refused.code or None}}
    title = _title(refused.status)
    found = {"type": "about:blank", "title": title, "status": refused.status, "detail": refused.message}
    if refused.code:
        found["code"] = refused.code
    return {**found, "errors": details} if details else found


def reply(path: str, refused: Refused, details: list[dict[str, Any]] | None = None) -> Response:
    """The response for a refused request."""
    kind = Reply if path.startswith("/v1/") else Problem
    return kind(body(path, refused, details), refused.status, headers=dict(refused.headers))


def install(app: FastAPI) -> None:
    """Have an app answer every failure in shape."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(errors.RagbraidError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientGone, _gone)
    app.add_exception_handler(Exception, _unforeseen)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return reply(request.url.path, error)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.RagbraidError)
    problems = [each.to_json() for each in getattr(error, "diagnostics", ())]
    return reply(request.url.path, refusal(error), problems)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [_detail(each) for each in error.errors()]
    first = found[0] if found else {"field": "", "message": "it can't be read"}
    unreadable = any(each["type"] == "json_invalid" for each in error.errors())
    openai = request.url.path.startswith("/v1/")
    told = f"{first['field']}: {first['message']}." if first["field"] else f"{first['message']}."
    if unreadable:
        told = "The body is not JSON."
    refused = Refused(400 if openai or unreadable else 422, told, param=str(first["field"]))
    return reply(request.url.path, refused, None if unreadable else found)


def _detail(found: Mapping[str, Any]) -> dict[str, Any]:
    """Where in a request something is wrong, and what; never the value itself, which may be a secret."""
    inside = [str(each) for each in found["loc"] if each not in ("body", "query", "path", "header")]
    return {"field": ".".join(inside), "message": str(found["msg"])}


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refused = Refused(error.status_code, str(error.detail) + ("" if str(error.detail).endswith(".") else "."))
    refused.headers = dict(error.headers or {})
    return reply(request.url.path, refused)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _unforeseen(request: Request, error: Exception) -> Response:
    LOG.error("Unforeseen: %s", request.url.path, exc_info=error)
    return reply(
        request.url.path, Refused(500, "Something unforeseen went wrong. The server's log says what.")
    )


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
