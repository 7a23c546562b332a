"""The application: its endpoints, and what it does when it starts and stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from ragbraid import __version__
from ragbraid.errors import RagbraidError
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.serving import Settings
from ragbraid.serve import failures, health
from ragbraid.serve.api import ask, check, documents, graph, ingest
from ragbraid.serve.clients import ANYONE
from ragbraid.serve.door import Door
from ragbraid.serve.guard import Guard
from ragbraid.serve.mcp.http import mounted, running
from ragbraid.serve.openai import chat, vectors
from ragbraid.serve.openapi import described
from ragbraid.serve.page import routes as page
from ragbraid.serve.places import uploads_of
from ragbraid.serve.reload import Watched, watch
from ragbraid.serve.site import Site

LOG = logging.getLogger("ragbraid.serve")
_THREADS = 32
"""Besides one for each request that is worked on: for short looks at files and tokens."""


def build(
    pipelines: Sequence[Pipeline],
    settings: Settings | None = None,
    *,
    watched: Mapping[str, Watched] | None = None,
) -> FastAPI:
    """The application that serves these pipelines, and closes them when it is shut down.

    `watched` are the files that are taken up anew when they change, by the names of their pipelines. Raises
    `InputError` where two have the same name, and for a file of keys that is wrong.
    """
    settings = settings or Settings()
    site = Site.of(pipelines, settings, watched)
    app = FastAPI(
        title="ragbraid",
        version=__version__,
        description="Documents in, answers with verified citations out.",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.site = site
    for each in (chat, vectors, ask, documents, ingest, check, graph, health):
        app.include_router(each.router)
    app.include_router(page.router())
    failures.install(app)
    described(app, site)
    mounted(app, site)
    app.add_middleware(Guard, keys=site.keys, audit=site.audit)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key"],
        )
    app.add_middleware(Door, settings=settings, crowded=lambda: site.crowded())
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    site: Site = app.state.site
    threads = ThreadPoolExecutor(site.settings.running + _THREADS, "ragbraid-serve")
    asyncio.get_running_loop().set_default_executor(threads)
    loading = asyncio.create_task(_load(site))
    watching = asyncio.create_task(watch(site.shelf, site.watched, site.keys, site.settled))
    try:
        async with running(site):
            yield
    finally:
        site.ready = False
        loading.cancel()
        watching.cancel()
        await asyncio.to_thread(site.jobs.close, 2.0)
        left = await asyncio.to_thread(site.shelf.close, 3.0)
        if left:
            LOG.warning("Steps that couldn't be stopped: %s", ", ".join(left))
        site.audit.close()
        if site.observers.tracing is not None:
            await asyncio.to_thread(site.observers.tracing.close)


async def _load(site: Site) -> None:
    """Load weights, and take up what was uploaded and not ingested when the server was stopped."""
    for served in site.shelf.all.values():
        try:
            await asyncio.to_thread(served.newest.open)
        except RagbraidError as error:  # said to each request that needs it, too
            LOG.warning("%s: %s", served.name, error)
            site.trouble = str(error)
        uploads = uploads_of(site.settings, served.newest, ANYONE)
        if uploads.folder.is_dir():
            site.jobs.add(ANYONE, served, [uploads.folder])
    await asyncio.to_thread(site.settled)
    site.ready = True
