"""MCP on standard input and output: nothing but the protocol goes there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mcp.server.stdio import stdio_server

from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.mcp.server import server
from ragbraid.serve.site import Site


def run(pipelines: Sequence[Pipeline], settings: Settings | None = None) -> None:
    """Serve until standard input ends. Whoever started the process may see everything.

    Raises `InputError` where two pipelines have the same name.
    """
    asyncio.run(_run(Site.of(pipelines, settings or Settings())))


async def _run(site: Site) -> None:
    serving = server(site)
    try:
        async with stdio_server() as (incoming, outgoing):
            await serving.run(incoming, outgoing, serving.create_initialization_options())
    finally:
        await asyncio.to_thread(site.shelf.close, 3.0)
