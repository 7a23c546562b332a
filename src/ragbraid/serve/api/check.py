"""`/api/check` and `/api/pipelines`: whether a pipeline file is right, and what the served ones are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from ragbraid.pipeline.check import check
from ragbraid.pipeline.find import PipelineSource
from ragbraid.serial import to_json
from ragbraid.serve.api.common import Body
from ragbraid.serve.api.inputs import schema_of
from ragbraid.serve.clients import client_of
from ragbraid.serve.documented import API
from ragbraid.serve.replies import Reply
from ragbraid.serve.site import site_of

router = APIRouter(prefix="/api", tags=["ragbraid"], responses=API)
_EXAMPLE = "ragbraid: 1\ncomponents:\n  index: {type: faiss}\nsearch:\n  - {type: lexcal, index: index}\n"


class Text(Body):
    """A pipeline file's text."""

    text: Annotated[str, Field(max_length=200_000)] = Field(examples=[_EXAMPLE])


@router.post("/check", summary="Check a pipeline file", response_model=None)
async def checked(given: Text) -> Response:
    """Gives every problem of a pipeline file's text. Nothing is loaded, run or written."""

    def problems() -> list[object]:
        text = given.text.encode("utf-8", "replace").decode()
        source = PipelineSource(text, "pipeline.yaml", Path("/"))
        return [to_json(each) for each in check(source, env=False).diagnostics]

    found = await asyncio.to_thread(problems)
    return Reply({"valid": not found, "problems": found})


@router.get("/pipelines", summary="List the pipelines", response_model=None)
async def pipelines(http: Request) -> Response:
    """Lists the served pipelines with the flows that the caller may run, and the inputs of each."""
    site, client = site_of(http), client_of(http)
    told = [
        {
            "name": name,
            "flows": [
                {"name": flow, "inputs": schema_of(served.newest.flow(flow))}
                for flow in served.flows
                if client.may(flow)
            ],
        }
        for name, served in site.shelf.all.items()
    ]
    return Reply({"pipelines": told})
