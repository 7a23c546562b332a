"""A server's settings, with what holds where nothing is said; the section `serve` of a file gives them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from ragbraid.pipeline.diagnostics import Problems, listed, meant
from ragbraid.pipeline.settings import validate
from ragbraid.pipeline.signature import Setting, signature_of
from ragbraid.pipeline.tree import List, Map

LOCAL = ("127.0.0.1", "localhost", "::1")
SECTION = "serve"


@dataclass(frozen=True, slots=True)
class Settings:
    """`running` requests are worked on at a time and `waiting` more wait; what comes beyond is told to come
    again. A request has `timeout` seconds in all, `body_timeout` for its head and for its body to come, and
    at most `body_mb` or, for an upload, `upload_mb` megabytes. `hosts` are the names that it may be addressed
    by, besides those of this machine; `stop` is the seconds that what runs has to end when the server is
    stopped.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Ge(0), Le(65535)] = 8000
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    """Other sites whose pages may call the API from a browser (CORS)."""
    running: Annotated[int, Ge(1), Le(1024)] = 8
    waiting: Annotated[int, Ge(0)] = 256
    timeout: Annotated[float, Gt(0)] = 300.0
    body_timeout: Annotated[float, Gt(0)] = 30.0
    body_mb: Annotated[float, Gt(0)] = 4.0
    upload_mb: Annotated[float, Gt(0)] = 64.0
    uploads: str = "uploads"
    """The folder beside a pipeline's file that keeps what is uploaded."""
    stop: Annotated[float, Ge(1), Le(60)] = 8.0
    keys: Path | None = None
    """The file of API keys; see `ragbraid.serve.keys`."""
    audit: Path | None = None
    """A log of requests, without what was asked or answered."""
    logs: Literal["text", "json"] = "text"
    """How the log on standard error is written: sentences, or a JSON object a line."""
    flows: tuple[str, ...] | None = None
    """The flows of this file that are served; all, where nothing is said."""


def known_settings() -> tuple[Setting, ...]:
    """What the section may hold."""
    return signature_of(Settings).settings


def given_settings(
    node: Map | None, base: Path, flows: Collection[str], problems: Problems
) -> dict[str, Any]:
    """The values that a file's section gives; what is wrong is noted. Its paths count from `base`."""
    if node is None:
        return {}
    settings = known_settings()
    names = [each.name for each in settings]
    for key in node.items:
        if key not in names:
            near = meant(key, names) or f"; there is {listed(names)}"
            problems.add(node.where(key), f"`{SECTION}` has no setting {key!r}{near}")
    values = validate(settings, node.items, base, problems) or {}
    served = node.items.get("flows")
    for each, name in zip(
        served.items if isinstance(served, List) else (), values.get("flows", ()), strict=False
    ):
        if name not in flows:
            near = meant(name, flows) or (f"; there is {listed(flows)}" if flows else "")
            problems.add(each.place, f"flows: there is no flow {name!r}{near}")
    return values
