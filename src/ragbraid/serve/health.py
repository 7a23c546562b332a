"""`/healthz`, `/readyz`: whether the process lives, and whether it can answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ragbraid.serve.documented import API
from ragbraid.serve.replies import Reply
from ragbraid.serve.site import site_of

router = APIRouter(tags=["Operations"], responses={503: API[503], 421: API[421]})
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
