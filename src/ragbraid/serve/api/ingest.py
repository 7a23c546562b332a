"""`/api/ingest` and `/api/jobs`: files and texts come in, and how far that is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeAlias

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import Field
from starlette.responses import Response

from ragbraid.serve.api.common import Body, json_object, stored_metadata
from ragbraid.serve.clients import client_of
from ragbraid.serve.documented import API
from ragbraid.serve.failures import Refused
from ragbraid.serve.places import uploads_of
from ragbraid.serve.replies import Reply
from ragbraid.serve.site import site_of
from ragbraid.serve.uploads import Uploads, checked_name

router = APIRouter(prefix="/api", tags=["ragbraid"], responses=API)


class Row(Body):
    """A text with what is known of it. Its `id` names the source; the same id again replaces it."""

    id: Annotated[str, Field(min_length=1, max_length=150)]
    text: Annotated[str, Field(min_length=1)]
    metadata: dict[str, Any] = Field(default_factory=dict)


class Rows(Body):
    """Texts to be stored."""

    rows: Annotated[list[Row], Field(min_length=1, max_length=1000)] = Field(
        examples=[[{"id": "leave", "text": "Parental leave is 14 months.", "metadata": {"lang": "en"}}]]
    )
    pipeline: str | None = None


@router.post("/ingest/rows", status_code=202, summary="Store texts", response_model=None)
async def rows(given: Rows, http: Request) -> Response:
    """Keeps each text as a file, and begins to ingest them; the job tells how far it is.

    Once this is answered they are on disk: a server that is killed takes them up at its next start.
    """
    kept = [
        (
            checked_name(f"{each.id}.txt"),
            _encoded(each.text),
            stored_metadata(each.metadata),
        )
        for each in given.rows
    ]
    return await _kept(http, given.pipeline, kept)


@router.post("/ingest", status_code=202, summary="Upload files", response_model=None)
async def upload(
    http: Request,
    files: Annotated[list[UploadFile], File(description="The files.", max_length=100)],
    metadata: Annotated[str | None, Form(description="What is known of them, a JSON object.")] = None,
    pipeline: Annotated[str | None, Form(description="Which pipeline is meant.")] = None,
) -> Response:
    """Keeps the files, and begins to ingest them. A file of the same name takes the place of the one before.

    Once this is answered they are on disk: a server that is killed takes them up at its next start.
    """
    known = stored_metadata(json_object(metadata, "metadata") or {})
    kept = [(checked_name(each.filename), each.file, known) for each in files]
    return await _kept(http, pipeline, kept)


@router.get("/jobs/{job}", summary="Ask how far an ingest is", response_model=None)
async def job(job: str, http: Request) -> Response:
    """Tells a job's state, and at its end what came of each source: a scan without text is `skipped`, too."""
    return Reply(site_of(http).jobs.find(job, client_of(http)).to_json())


_Files: TypeAlias = "Sequence[tuple[str, BinaryIO | bytes, dict[str, Any]]]"


async def _kept(http: Request, name: str | None, files: _Files) -> Response:
    site, client = site_of(http), client_of(http)
    served = site.shelf.get(name or None)
    client.demand("ingest")
    site.jobs.demand_room()
    uploads = uploads_of(site.settings, served.newest, client)
    paths = await asyncio.to_thread(_keep, uploads, files)
    begun = site.jobs.add(client, served, paths, [_source(each, served.newest.base) for each in paths])
    return Reply(begun.to_json(), 202, headers={"Location": f"/api/jobs/{begun.id}"})


def _source(path: Path, base: Path) -> str:
    """What the file will be called in citations."""
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.as_posix()


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Refused(400, "rows: half a surrogate pair isn't a character.", param="rows") from None


def _keep(uploads: Uploads, files: _Files) -> list[Path]:
    return list(dict.fromkeys(uploads.keep(name, content, metadata) for name, content, metadata in files))
