"""`/` and `/page/…`: the page's files, held in memory, under a policy that lets nothing else run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import Response

from ragbraid.serve.failures import Refused

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing inline, nothing from elsewhere; and no string becomes HTML, since no policy may make it trusted."""
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    etag: str

    def reply(self, http: Request) -> Response:
        headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-cache", "ETag": self.etag}
        if http.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def router() -> APIRouter:
    """The routes of the page. Its files are read once, so that a request waits for no disk."""
    held = {each.name: _file(each.name, each.read_bytes()) for each in _static()}
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page(http: Request) -> Response:
        return held["index.html"].reply(http)

    @routes.get("/page/{name}")
    async def file(name: str, http: Request) -> Response:
        if name not in held:
            raise Refused(404, "The page has no such file.")
        return held[name].reply(http)

    return routes


def _static() -> list[Traversable]:
    return [each for each in files(__package__).joinpath("static").iterdir() if each.is_file()]


def _file(name: str, content: bytes) -> _File:
    media_type = _TYPES[name[name.rindex(".") :]]
    return _File(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
