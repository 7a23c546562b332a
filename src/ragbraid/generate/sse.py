"""Chat completions over HTTP: one request, its chunks as they come, faults as sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from ragbraid.errors import ServerError

if TYPE_CHECKING:
    import httpx


class Busy(ServerError):
    """An answer after which asking again may help."""


def shown(url: str) -> str:
    """The URL without user name, password and query, fit for a message."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def chunks(client: httpx.Client, url: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Post `body` and yield each chunk of the event stream until `[DONE]`. Raises `ServerError`."""
    import httpx

    try:
        with client.stream("POST", url, json=body) as response:
            if response.status_code >= 400:
                response.read()
                raise _refused(url, response)
            yield from _events(url, response)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Busy(
            f"The server at {shown(url)} can't be reached: {_reason(error)}.",
            "Start it, or set base_url to where it runs.",
        ) from error
    except httpx.TimeoutException as error:
        raise ServerError(
            f"The server at {shown(url)} went silent.", "Raise `timeout`, or look at the server's log."
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise ServerError(f"Talking to the server at {shown(url)} failed: {_reason(error)}.") from error


def _events(url: str, response: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            return
        try:
            chunk = json.loads(data)
        except ValueError as error:
            raise ServerError(
                f"The server at {shown(url)} sent a chunk that isn't JSON.",
                "It may not be OpenAI-compatible.",
            ) from error
        if not isinstance(chunk, dict):
            raise ServerError(f"The server at {shown(url)} sent a chunk of an unknown shape.")
        if "error" in chunk:
            raise ServerError(f"The server at {shown(url)} failed: {_message(chunk)}.")
        yield chunk
    raise ServerError(f"The server at {shown(url)} broke the stream off half-way.", "Ask again.")


def _refused(url: str, response: httpx.Response) -> ServerError:
    try:
        message = _message(response.json())
    except ValueError:
        message = response.text.strip()[:200]
    key, name = "Set api_key.", "Check base_url and model."
    hints = {401: key, 403: key, 404: name, 429: "Ask less often."}
    kind = Busy if response.status_code in (429, 500, 502, 503, 504) else ServerError
    return kind(
        f"The server at {shown(url)} answered {response.status_code}: {message or response.reason_phrase}.",
        hints.get(response.status_code, ""),
    )


def _message(answer: Any) -> str:
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    return str(error.get("message", error) if isinstance(error, dict) else error).strip()[:200].rstrip(".")


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
