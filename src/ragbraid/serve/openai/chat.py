"""`/v1/chat/completions`: a question to a flow, answered in OpenAI's shape, whole or as a stream."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from ragbraid.errors import RagbraidError
from ragbraid.serial import to_json
from ragbraid.serve.clients import client_of
from ragbraid.serve.documented import V1
from ragbraid.serve.failures import Refused, body, refusal
from ragbraid.serve.openai.cited import cited
from ragbraid.serve.openai.cut import Cut, counter
from ragbraid.serve.openai.messages import inputs_of
from ragbraid.serve.openai.schema import ChatRequest
from ragbraid.serve.openai.structured import Format, completed, format_of, logprobs
from ragbraid.serve.replies import Reply, event
from ragbraid.serve.shelf import Model
from ragbraid.serve.site import Site, site_of
from ragbraid.serve.work import Job, chained, first_words, unless_gone
from ragbraid.types import Answer, Event

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=V1)


@dataclass(frozen=True, slots=True)
class Said:
    """What the client reads of an answer: its content, how that ended, what it took."""

    content: str
    reason: str
    usage: dict[str, int]
    logprobs: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """A request with what serving it needs."""

    request: ChatRequest
    http: Request
    site: Site
    model: Model
    job: Job
    wanted: Format | None
    id: str
    created: int

    def cut(self) -> Cut:
        """What ends the answer's text where the client wants."""
        return Cut(self.request.stops, self.request.budget, counter(self.model.served.newest))

    def chunk(self, delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
        """A piece of a stream."""
        choice = {"index": 0, "delta": delta, "logprobs": more.pop("logprobs", None), "finish_reason": reason}
        return event("", {**self.head("chat.completion.chunk"), "choices": [choice], **more})

    def told(self, answer: Answer) -> dict[str, Any]:
        """What OpenAI's shape has no place for."""
        passed_over = self.request.passed_over(self.job.wishes, structured=self.wanted is not None)
        return {"answer": to_json(answer), "ignored": passed_over}

    def head(self, kind: str) -> dict[str, Any]:
        """What every object of this completion begins with."""
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model.id}


@router.post("/chat/completions", summary="Answer a conversation", response_model=None)
async def complete(request: ChatRequest, http: Request) -> Response:
    """Answers the last message of the user's by a flow; `model` names it.

    `message.content` is the answer's text. `message.annotations` are its citations as OpenAI tells them,
    and `ragbraid.answer` is the whole answer, as `/api/ask` gives it. With `response_format` the generator
    puts the answer into JSON. `temperature`, `top_p` and `seed` are those of the prose that a generator
    writes; what has no part in an answer is passed over, and named in `ragbraid.ignored`.
    """
    asking = _asking(request, http)
    return await _streamed(asking) if request.stream else await _whole(asking)


def _asking(request: ChatRequest, http: Request) -> Asking:
    client, site = client_of(http), site_of(http)
    model = site.shelf.model(request.model, client)
    wanted = format_of(request)
    _demand_possible(request, wanted)
    inputs = inputs_of(model.served.newest, model.flow, request.messages)
    wishes = None if wanted is not None else request.wishes()
    job = Job(client, model.served, model.flow, inputs, request.filter, request.collection, wishes=wishes)
    return Asking(request, http, site, model, job, wanted, f"chatcmpl-{uuid.uuid4().hex}", int(time.time()))


def _demand_possible(request: ChatRequest, wanted: Format | None) -> None:
    if request.n not in (None, 1):
        raise Refused(400, "n: a pipeline gives one answer.", param="n")
    if request.tool_choice == "required" or isinstance(request.tool_choice, dict):
        raise Refused(400, "tool_choice: a pipeline calls no tools.", param="tool_choice")
    if request.logprobs and wanted is None:
        told = "logprobs: an answer's quotes have none; they come with response_format."
        raise Refused(400, told, code="unsupported_parameter", param="logprobs")


async def _whole(asking: Asking) -> Response:
    async def told() -> dict[str, Any]:
        answer = await asking.site.work.result(asking.job)
        said = await _said(asking, answer)
        message = {
            "role": "assistant",
            "content": said.content,
            "refusal": None,
            "annotations": cited(answer, said.content),
        }
        choice = {"index": 0, "message": message, "logprobs": said.logprobs, "finish_reason": said.reason}
        return {
            **asking.head("chat.completion"),
            "choices": [choice],
            "usage": said.usage,
            "ragbraid": asking.told(answer),
        }

    return Reply(await unless_gone(asking.http, told()))


def _value(event: Event) -> Answer:
    if event.kind == "error":
        raise event.value
    answer: Answer = event.value
    return answer


async def _said(asking: Asking, answer: Answer) -> Said:
    if asking.wanted is not None:
        return await _structured(asking, asking.wanted, answer)

    def cut() -> tuple[str, str]:
        cut = asking.cut()
        return cut.feed(answer.text) + cut.finish(), cut.reason

    content, reason = await asyncio.to_thread(cut)
    return Said(content, reason, _usage(answer))


async def _structured(asking: Asking, wanted: Format, answer: Answer) -> Said:
    question = str(asking.job.inputs.get("question", ""))
    found = await asking.site.work.inner(
        asking.job.client,
        asking.job.served,
        lambda pipeline, cancellation: completed(
            pipeline, cancellation, asking.request, wanted, question, answer
        ),
    )
    usage = _usage(answer, found.usage.prompt_tokens, found.usage.completion_tokens)
    told = logprobs(found) if asking.request.logprobs else None
    return Said(found.text, found.finish_reason, usage, told)


def _usage(answer: Answer, prompt: int = 0, completion: int = 0) -> dict[str, int]:
    prompt, completion = prompt + answer.usage.prompt_tokens, completion + answer.usage.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


async def _streamed(asking: Asking) -> Response:
    stack = AsyncExitStack()
    events = await stack.enter_async_context(asking.site.work.events(asking.job))
    try:
        held = await unless_gone(asking.http, first_words(events))
    except BaseException:
        await stack.aclose()
        raise

    async def chunks() -> AsyncIterator[bytes]:
        async with stack:
            try:
                async for each in _chunks(asking, held, events):
                    yield each
            except RagbraidError as error:
                yield event("", body("/v1/", refusal(error)))
            except Refused as error:
                yield event("", body("/v1/", error))
            yield b"data: [DONE]\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _chunks(asking: Asking, held: list[Event], events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    cut, content, answer = asking.cut(), "", None
    yield asking.chunk({"role": "assistant", "content": ""})
    streamed = False
    async for each in chained(held, events):
        if each.kind == "delta" and asking.wanted is None:
            streamed = True
            piece = await _fed(asking, cut, each.value)
            content += piece
            if piece:
                yield asking.chunk({"content": piece})
        elif each.kind in ("answer", "error"):
            answer = _value(each)
    assert answer is not None, "a stream ends in an answer or an error"
    if asking.wanted is not None:
        said = await _structured(asking, asking.wanted, answer)
    else:
        rest = "" if streamed else await _fed(asking, cut, answer.text)
        rest += await asyncio.to_thread(cut.finish)
        said = Said(rest, cut.reason, _usage(answer))
    if said.content:
        content += said.content
        yield asking.chunk({"content": said.content}, logprobs=said.logprobs)
    noted = cited(answer, content)
    yield asking.chunk({"annotations": noted} if noted else {}, said.reason, ragbraid=asking.told(answer))
    if asking.request.stream_options is not None and asking.request.stream_options.include_usage:
        yield event("", {**asking.head("chat.completion.chunk"), "choices": [], "usage": said.usage})


async def _fed(asking: Asking, cut: Cut, piece: str) -> str:
    """What of a piece can be shown; tokens are counted in a thread, where the tokenizer may load."""
    return cut.feed(piece) if asking.request.budget is None else await asyncio.to_thread(cut.feed, piece)
