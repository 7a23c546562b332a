"""`/healthz`, `/readyz`: whether the process lives, and whether it can answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ragbraid.serve.clients import client_of
from ragbraid.serve.documented import API
from ragbraid.serve.replies import Reply
from ragbraid.serve.site import site_of

_DOCUMENTED: dict[int | str, dict[str, Any]] = {each: API[each] for each in (401, 403, 405, 421, 429, 503)}
router = APIRouter(tags=["Operations"], responses=_DOCUMENTED)
_OPEN: dict[int | str, dict[str, Any]] = {503: {"description": "Weights are still being loaded."}}


@router.get("/healthz", summary="Whether the process lives", response_model=None)
async def healthz() -> Response:
    """Is answered as long as the process answers anything."""
    return Reply({"status": "ok"})


@router.get("/readyz", summary="Whether questions can be answered", response_model=None, responses=_OPEN)
async def readyz(http: Request) -> Response:
    """Is 200 once weights are loaded; 503 before, and when the server is stopping."""
    site = site_of(http)
    told = {
        "status": "ok" if site.ready else "loading",
        **({"trouble": site.trouble} if site.trouble else {}),
    }
    return Reply(told, 200 if site.ready else 503)


@router.get("/metrics", summary="Metrics for Prometheus", response_model=None)
async def metrics(http: Request) -> Response:
    """Gives counts and times of requests, flows and steps. A key with `flows` needs `metrics` among them."""
    client_of(http).demand("metrics")
    return Response(site_of(http).observers.metrics.text(), media_type="text/plain; version=0.0.4")
