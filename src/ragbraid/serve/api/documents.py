"""`/api/sources` and `/api/documents`: what is stored, as far as the caller may see it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from ragbraid.errors import InputError
from ragbraid.pipeline.holdings import StoredDocument
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.serial import to_json
from ragbraid.serve.api.common import CollectionName, FilterText, PipelineName, json_object
from ragbraid.serve.clients import client_of
from ragbraid.serve.documented import API
from ragbraid.serve.failures import Refused
from ragbraid.serve.places import uploads_of
from ragbraid.serve.replies import Reply
from ragbraid.serve.site import site_of
from ragbraid.text.lines import lines_at
from ragbraid.text.pages import page_at

router = APIRouter(prefix="/api", tags=["ragbraid"], responses=API)
_RANGE = re.compile(r"(\d{1,12})-(\d{1,12})\Z", re.ASCII)
SourceName = Annotated[str, Path(examples=["docs/leave.md"])]


@router.get("/sources", summary="List the stored sources", response_model=None)
async def sources(
    http: Request,
    pipeline: PipelineName = None,
    collection: CollectionName = None,
    filter: FilterText = None,  # noqa: A002 - the field's usual name
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: Annotated[str, Query(description="Begin behind this source.")] = "",
) -> Response:
    """Lists sources by name, with their metadata; `next` is the `after` of the following page, or null."""
    site, client = site_of(http), client_of(http)
    served = site.shelf.get(pipeline)
    client.demand("search")
    wanted = json_object(filter, "filter")

    def listed(pipeline: Pipeline) -> list[Any]:
        return pipeline.sources(filter=wanted, collection=collection)

    found = [each for each in await site.work.call(http, client, served, listed) if each.source > after]
    page = found[:limit]
    following = page[-1].source if len(found) > limit else None
    return Reply({"sources": to_json(page), "next": following})


@router.get("/documents/{source:path}", summary="Read a document", response_model=None)
async def document(
    source: SourceName,
    http: Request,
    highlight: Annotated[
        list[str] | None,
        Query(description="Ranges to mark, as START-END in characters.", max_length=100),
    ] = None,
    pipeline: PipelineName = None,
    collection: CollectionName = None,
) -> Response:
    """Gives a document's text as it is stored and cited, its chunks, and the ranges asked for.

    Each range comes with its quote, and with its page or lines, where the document has any.
    """
    site, client = site_of(http), client_of(http)
    served = site.shelf.get(pipeline)
    client.demand("search")
    ranges = [_range(each) for each in highlight or ()]
    found = await site.work.call(
        http, client, served, lambda pipeline: pipeline.document(source, collection=collection)
    )
    return Reply({**to_json(found), "highlights": _highlights(found, ranges)})


@router.delete("/documents/{source:path}", summary="Remove a source", response_model=None)
async def remove(
    source: SourceName,
    http: Request,
    pipeline: PipelineName = None,
    collection: CollectionName = None,
    purge: Annotated[bool, Query(description="Leave no byte of it in the index's files.")] = False,
) -> Response:
    """Takes a source out of the index, and its file away where it was uploaded. Other files stay."""
    site, client = site_of(http), client_of(http)
    served = site.shelf.get(pipeline)
    client.demand("ingest")

    def removed(pipeline: Pipeline) -> list[Any]:
        take = pipeline.purge if purge else pipeline.remove
        if any(each in source for each in "*?"):
            raise InputError("A pattern may mean several sources.", "Name one.")
        uploads = uploads_of(site.settings, pipeline, client)
        gone = take(source, collection=collection)
        for origin in {each.origin for each in gone}:
            uploads.remove(pipeline.base / origin)
        return gone

    gone = await site.work.call(http, client, served, removed)
    return Reply({"removed": [each.source for each in gone]})


def _range(text: str) -> tuple[int, int]:
    found = _RANGE.match(text)
    if found is None or int(found[1]) >= int(found[2]):
        raise Refused(400, "highlight: write START-END, in characters.", param="highlight")
    return int(found[1]), int(found[2])


def _highlights(document: StoredDocument, ranges: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    length = len(document.text)
    within = [(start, min(end, length)) for start, end in ranges if start < length]
    ends = (at for start, end in within for at in (start, end - 1))
    lines = lines_at(document.text, ends) if document.reading.verbatim else {}
    return [
        {
            "start": start, "end": end, "quote": document.text[start:end],
            "page": page_at(document.pages, start), "line": lines.get(start), "last_line": lines.get(end - 1),
        }
        for start, end in within
    ]  # fmt: skip
