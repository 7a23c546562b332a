"""MCP over HTTP, as a part of the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from mcp.server.transport_security import TransportSecuritySettings

from ragbraid.serve.mcp.server import server
from ragbraid.serve.site import Site


def mounted(app: FastAPI, site: Site) -> None:
    """Answer MCP at /mcp. Each request stands for itself: no session could be another key's."""
    site.mcp = server(site)
    inner = site.mcp.streamable_http_app(
        stateless_http=True,
        max_request_body_size=int(site.settings.body_mb * 1_000_000),
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the door's
    )
    app.router.routes.extend(inner.routes)


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[None]:
    """Answer while inside."""
    assert site.mcp is not None, "it was mounted"
    async with site.mcp.session_manager.run():
        yield
