"""A server's settings, with what holds where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Settings:
    """`running` requests are worked on at a time and `waiting` more wait; what comes beyond is told to come
    again. A request has `timeout` seconds in all, `body_timeout` for its body to come, and at most `body_mb`
    or, for an upload, `upload_mb` megabytes. `hosts` are the names that it may be addressed by, besides those
    of this machine; `stop` is the seconds that what runs has to end when the server is stopped.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    """Other sites whose pages may call the API from a browser (CORS)."""
    running: int = 8
    waiting: int = 256
    timeout: float = 300.0
    body_timeout: float = 30.0
    body_mb: float = 4.0
    upload_mb: float = 64.0
    uploads: str = "uploads"
    """The folder beside a pipeline's file that keeps what is uploaded."""
    stop: float = 8.0
    keys: Path | None = None
    """The file of API keys; see `ragbraid.serve.keys`."""
    audit: Path | None = None
    """A log of requests, without what was asked or answered."""
