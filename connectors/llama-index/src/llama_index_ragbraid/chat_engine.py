"""A whole pipeline as a chat engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, closing
from threading import Thread
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.chat_engine.types import (
    AgentChatResponse,
    BaseChatEngine,
    StreamingAgentChatResponse,
)

from llama_index_ragbraid.asking import Asking, Filters, inputs_of, last
from llama_index_ragbraid.lending import Where
from llama_index_ragbraid.values import as_response
from ragbraid import Answer


class RagbraidChatEngine(BaseChatEngine):
    """Converses about the documents of a ragbraid pipeline, with verified citations in each answer.

    It runs the flow `chat` where the pipeline has one, else `ask`, with the turns before. A response's
    source nodes and metadata are as a query engine's; those of a stream are there when it is at an end.
    """

    def __init__(
        self,
        pipeline: Where = None,
        *,
        filters: Filters = None,
        collection: str | None = None,
        timeout: float | None = None,
        chat_history: Sequence[ChatMessage] = (),
    ) -> None:
        self._asking = Asking(pipeline, filters, collection, timeout)
        self._turns = _Turns(chat_history)

    @property
    def chat_history(self) -> list[ChatMessage]:
        """The turns so far, oldest first."""
        return list(self._turns.said)

    def reset(self) -> None:
        """Forget the turns."""
        self._turns.said.clear()

    def close(self) -> None:
        """Close the pipeline, if it was opened here; the next message opens it again."""
        self._asking.close()

    def chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """The answer; it joins the turns, as does the message."""
        flow, inputs = self._begin(message, chat_history)
        return self._answered(self._asking.pipeline.run(flow, **inputs, **self._asking.options))

    async def achat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """`chat` under asyncio."""
        flow, inputs = self._begin(message, chat_history)
        return self._answered(await self._asking.pipeline.arun(flow, **inputs, **self._asking.options))

    def stream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """The answer as it comes."""
        flow, inputs = self._begin(message, chat_history)
        response = StreamingAgentChatResponse()

        def replies() -> Generator[ChatResponse, None, None]:
            event, said = None, ""
            with closing(self._asking.pipeline.stream(**inputs, flow=flow, **self._asking.options)) as events:
                for event in events:
                    if event.kind == "delta":
                        said += event.value
                        yield _reply(said, event.value)
            last(event, lambda answer: _keep(response, answer))
            yield _reply(said, "")

        response.chat_stream = replies()
        thread = Thread(target=response.write_response_to_history, args=(self._turns,), daemon=True)
        response.write_response_to_history_thread = thread
        thread.start()
        return response

    async def astream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """`stream_chat` under asyncio."""
        flow, inputs = self._begin(message, chat_history)
        response = StreamingAgentChatResponse()

        async def replies() -> AsyncGenerator[ChatResponse, None]:
            event, said = None, ""
            stream = self._asking.pipeline.astream(**inputs, flow=flow, **self._asking.options)
            async with aclosing(stream) as events:
                async for event in events:
                    if event.kind == "delta":
                        said += event.value
                        yield _reply(said, event.value)
            last(event, lambda answer: _keep(response, answer))
            yield _reply(said, "")

        response.achat_stream = replies()
        work = response.awrite_response_to_history(self._turns)
        response.awrite_response_to_history_task = asyncio.create_task(work)
        return response

    def _begin(self, message: str, history: list[ChatMessage] | None) -> tuple[str, dict[str, Any]]:
        if history is not None:
            self._turns.said[:] = history
        inputs = inputs_of(message, self._turns.said)
        self._turns.put(ChatMessage(role=MessageRole.USER, content=message))
        return "chat" if "chat" in self._asking.pipeline.flows else "ask", inputs

    def _answered(self, answer: Answer) -> AgentChatResponse:
        self._turns.put(ChatMessage(role=MessageRole.ASSISTANT, content=answer.text))
        told = as_response(answer)
        return AgentChatResponse(answer.text, source_nodes=told.source_nodes, metadata=told.metadata)


class _Turns:
    """What LlamaIndex's streams write their answer to."""

    def __init__(self, said: Sequence[ChatMessage]) -> None:
        self.said = list(said)

    def put(self, message: ChatMessage) -> None:
        """A turn at the end."""
        self.said.append(message)

    async def aput(self, message: ChatMessage) -> None:
        """`put`, for who awaits it."""
        self.put(message)


def _reply(said: str, delta: str) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=said), delta=delta)


def _keep(response: StreamingAgentChatResponse, answer: Answer) -> None:
    told = as_response(answer)
    response.source_nodes = told.source_nodes
    response.metadata = told.metadata  # type: ignore[attr-defined]
