"""What a running server has, for whoever answers a request."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from ragbraid.serve.guard import Audit
from ragbraid.serve.jobs import Jobs
from ragbraid.serve.keys import Keys
from ragbraid.serve.reload import Watched
from ragbraid.serve.settings import Settings
from ragbraid.serve.shelf import Shelf
from ragbraid.serve.work import Work


@dataclass(slots=True)
class Site:
    """A server's pipelines, its work and its jobs. `ready` is set once weights are loaded."""

    settings: Settings
    shelf: Shelf
    work: Work
    jobs: Jobs
    keys: Keys
    watched: dict[str, Watched]
    audit: Audit
    ready: bool = False
    trouble: str = ""
    """Why something couldn't be loaded, which the requests that need it will say as well."""


def site_of(request: HTTPConnection) -> Site:
    """The server that a request came to."""
    found: Site = request.app.state.site
    return found
