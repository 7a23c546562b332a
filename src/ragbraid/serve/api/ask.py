"""`/api/ask` and `/api/search`: a question's answer, or its hits; and any other flow by its own inputs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from ragbraid.errors import RagbraidError
from ragbraid.pipeline.diagnostics import meant
from ragbraid.pipeline.wishes import Wishes
from ragbraid.serial import to_json
from ragbraid.serve.api.common import Body
from ragbraid.serve.api.inputs import read_inputs
from ragbraid.serve.clients import Client, client_of
from ragbraid.serve.documented import API, STREAM
from ragbraid.serve.failures import Refused, body, refusal
from ragbraid.serve.replies import Reply, event
from ragbraid.serve.shelf import Served
from ragbraid.serve.site import site_of
from ragbraid.serve.work import Job, chained, first_words, unless_gone
from ragbraid.types import Event, Filter

router = APIRouter(prefix="/api", tags=["ragbraid"], responses=API)
_QUESTION = {"question": "How long is parental leave?"}


class Turn(Body):
    """A turn of the conversation before."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class Scoped(Body):
    """What every question may say of where it is looked and how long that may take (seconds)."""

    pipeline: str | None = None
    filter: Filter | None = Field(
        None, description='Only where metadata fits, e.g. {"year": {"$gte": 2020}}.'
    )
    collection: Annotated[str, Field(min_length=1)] | None = None
    timeout: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    without: Annotated[list[str], Field(max_length=100)] = Field(
        [], description="Rerankers to leave out this time, by the steps that /api/graph names."
    )


class Ask(Scoped):
    """A question."""

    question: str = Field(examples=[_QUESTION["question"]])
    flow: str = "ask"
    history: list[Turn] | None = None
    stream: bool = False


class Search(Scoped):
    """A question whose hits are wanted, `k` of them."""

    question: str = Field(examples=[_QUESTION["question"]])
    k: Annotated[int, Field(ge=1, le=10_000)] = 10


class Run(Scoped):
    """A flow's inputs by name."""

    inputs: dict[str, Any] = Field(default_factory=dict, examples=[_QUESTION])
    stream: bool = False


@router.post("/ask", summary="Answer a question", response_model=None, responses={200: {"content": STREAM}})
async def ask(asked: Ask, http: Request) -> Response:
    """Answers a question with citations, each verified against the stored document.

    With `stream` the answer comes as server-sent events: `step` for each step as it ends, `hits`, `delta`
    with pieces of the text, and last `answer`, which is what comes without `stream`, or `error`.
    """
    inputs: dict[str, Any] = {"question": asked.question}
    if asked.history is not None:
        inputs["history"] = [each.model_dump() for each in asked.history]
    return await _reply(http, asked, asked.flow, inputs, asked.stream)


@router.post("/search", summary="Search", response_model=None)
async def search(asked: Search, http: Request) -> Response:
    """Gives the best hits for a question, best first, each with the score of every stage."""
    site, client = site_of(http), client_of(http)
    served = site.shelf.flow(asked.pipeline, "search", client)
    inputs = {"question": asked.question, "k": asked.k}
    job = _job(client, served, "search", inputs, asked)
    return Reply({"hits": to_json(await site.work.value(http, job))})


@router.post("/flows/{flow}", summary="Run a flow", response_model=None, responses={200: {"content": STREAM}})
async def run(flow: str, asked: Run, http: Request) -> Response:
    """Runs any flow of the pipeline by its own inputs, as its file declares them."""
    return await _reply(http, asked, flow, asked.inputs, asked.stream, read=True)


async def _reply(
    http: Request, asked: Scoped, flow: str, inputs: dict[str, Any], stream: bool, *, read: bool = False
) -> Response:
    site, client = site_of(http), client_of(http)
    served = site.shelf.flow(asked.pipeline, flow, client)
    if read:
        inputs = read_inputs(served.newest.flow(flow), inputs)
    job = _job(client, served, flow, inputs, asked)
    if stream:
        return await _streamed(http, job)
    value = to_json(await site.work.value(http, job))
    return Reply({"output": value} if read else value)


def _job(client: Client, served: Served, flow: str, inputs: dict[str, Any], asked: Scoped) -> Job:
    wishes = Wishes(asked.without) if asked.without else None
    known = served.newest.rerankers(flow) if asked.without else ()
    for each in asked.without:
        if each not in known:
            told = f"without: the flow {flow!r} has no reranker {each!r}{meant(each, known) or '.'}"
            raise Refused(422, told, param="without")
    return Job(client, served, flow, inputs, asked.filter, asked.collection, asked.timeout, wishes)


async def _streamed(http: Request, job: Job) -> Response:
    stack = AsyncExitStack()
    events = await stack.enter_async_context(site_of(http).work.events(job))
    try:
        held = await unless_gone(http, first_words(events))
    except BaseException:
        await stack.aclose()
        raise

    async def told() -> AsyncIterator[bytes]:
        async with stack:
            async for each in chained(held, events):
                yield _event(each)

    return StreamingResponse(told(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _event(each: Event) -> bytes:
    if isinstance(each.value, RagbraidError):
        return event("error", body("", refusal(each.value)), each.seq)
    value = {"step": each.step, "text": each.value} if each.kind == "delta" else to_json(each.value)
    return event(each.kind, value, each.seq)
