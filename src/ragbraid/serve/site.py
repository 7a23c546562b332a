"""What a running server has, for whoever answers a request."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.guard import Audit
from ragbraid.serve.jobs import Jobs
from ragbraid.serve.keys import Keys
from ragbraid.serve.metrics import Metrics
from ragbraid.serve.observed import Observers
from ragbraid.serve.queue import Queue
from ragbraid.serve.reload import Watched
from ragbraid.serve.shelf import Shelf
from ragbraid.serve.tracing import from_environment
from ragbraid.serve.work import Work

if TYPE_CHECKING:
    from mcp.server import Server


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
    observers: Observers
    ready: bool = False
    mcp: Server[Any] | None = None
    trouble: str = ""
    """Why something couldn't be loaded, which the requests that need it will say as well."""
    crowded: Callable[[], bool] = lambda: False
    """Whether there are more connections than can be served."""
    settled: Callable[[], None] = lambda: None
    """Called in a thread once weights are loaded, and after each change of what is served."""

    @classmethod
    def of(
        cls, pipelines: Sequence[Pipeline], settings: Settings, watched: Mapping[str, Watched] | None = None
    ) -> Site:
        """A site of these pipelines. Raises `InputError` for two of one name, and for keys that are wrong."""
        queue, jobs = Queue(settings.running, settings.waiting), Jobs()
        observers = Observers(Metrics(queue, jobs), from_environment())
        jobs.observe = observers.ingested
        work = Work(queue, settings.timeout, observers)
        keys, audit = Keys(settings.keys, os.environ), Audit(settings.audit, observers.metrics)
        return cls(
            settings,
            Shelf(pipelines, settings.running),
            work,
            jobs,
            keys,
            dict(watched or {}),
            audit,
            observers,
        )


def site_of(request: HTTPConnection) -> Site:
    """The server that a request came to."""
    found: Site = request.app.state.site
    return found
