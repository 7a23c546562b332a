"""A whole pipeline as one component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any

from haystack import Document, GeneratedAnswer, component
from haystack.dataclasses import (
    ChatMessage,
    ComponentInfo,
    StreamingCallbackT,
    StreamingChunk,
    select_streaming_callback,
)
from haystack.dataclasses.streaming_chunk import _invoke_streaming_callback
from haystack.utils import deserialize_callable, serialize_callable
from haystack_integrations.common.ragbraid import as_generated_answer
from haystack_integrations.common.ragbraid.lending import Lending, Where
from haystack_integrations.common.ragbraid.values import as_filter, turns

from ragbraid import Answer, Event


@component
class RagbraidPipeline(Lending):
    """Answers questions by a ragbraid pipeline, with verified citations.

    `pipeline` is a file or an open pipeline; None is the `ragbraid.yaml` of this folder or one above it. Each
    answer's documents are its hits; its citations, its short answer, its confidence and whether it abstained
    stand under `ragbraid` in its meta. What is streamed ends in that same answer.
    """

    def __init__(
        self,
        pipeline: Where = None,
        *,
        flow: str = "ask",
        filters: dict[str, Any] | None = None,
        collection: str | None = None,
        timeout: float | None = None,
        streaming_callback: StreamingCallbackT | None = None,
    ) -> None:
        Lending.__init__(self, pipeline)
        self.flow = flow
        self.filters = filters
        self.collection = collection
        self.timeout = timeout
        self.streaming_callback = streaming_callback

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        callback = self.streaming_callback
        return self._to_dict(
            flow=self.flow,
            filters=self.filters,
            collection=self.collection,
            timeout=self.timeout,
            streaming_callback=None if callback is None else serialize_callable(callback),
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RagbraidPipeline:
        """The component that `to_dict` told."""
        settings = dict(data.get("init_parameters", {}))
        if settings.get("streaming_callback"):
            settings["streaming_callback"] = deserialize_callable(settings["streaming_callback"])
        return cls(**settings)

    def warm_up(self) -> None:
        """Load weights and index now."""
        self._lender.pipeline.open()

    @component.output_types(answers=list[GeneratedAnswer], documents=list[Document])
    def run(
        self,
        query: str,
        filters: dict[str, Any] | None = None,
        history: list[ChatMessage] | None = None,
        streaming_callback: StreamingCallbackT | None = None,
    ) -> dict[str, Any]:
        """One answer, and the documents that it was made from.

        `history` are the turns before, oldest first. Raises what the pipeline raises, as it is.
        """
        callback = select_streaming_callback(
            self.streaming_callback, streaming_callback, requires_async=False
        )
        pipeline, inputs, options = self._lender.pipeline, _inputs(query, history), self._options(filters)
        if callback is None:
            return _told(query, pipeline.run(self.flow, **inputs, **options))
        info = ComponentInfo.from_component(self)
        with closing(pipeline.stream(**inputs, flow=self.flow, **options)) as events:
            for event in events:
                if event.kind == "delta":
                    callback(StreamingChunk(event.value, component_info=info, index=0))
        return _told(query, _last(event))

    @component.output_types(answers=list[GeneratedAnswer], documents=list[Document])
    async def run_async(
        self,
        query: str,
        filters: dict[str, Any] | None = None,
        history: list[ChatMessage] | None = None,
        streaming_callback: StreamingCallbackT | None = None,
    ) -> dict[str, Any]:
        """`run` under asyncio; cancelling the task cancels the run."""
        callback = select_streaming_callback(self.streaming_callback, streaming_callback, requires_async=True)
        pipeline, inputs, options = self._lender.pipeline, _inputs(query, history), self._options(filters)
        if callback is None:
            return _told(query, await pipeline.arun(self.flow, **inputs, **options))
        info = ComponentInfo.from_component(self)
        async with aclosing(pipeline.astream(**inputs, flow=self.flow, **options)) as events:
            async for event in events:
                if event.kind == "delta":
                    await _invoke_streaming_callback(
                        callback, StreamingChunk(event.value, component_info=info, index=0)
                    )
        return _told(query, _last(event))

    def _options(self, filters: Mapping[str, Any] | None) -> dict[str, Any]:
        wanted = as_filter(self.filters if filters is None else filters)
        return {"filter": wanted, "collection": self.collection, "timeout": self.timeout}


def _inputs(query: str, history: Sequence[ChatMessage] | None) -> dict[str, Any]:
    return {"question": query, "history": turns(history)} if history else {"question": query}


def _last(event: Event) -> Answer:
    if event.kind == "error":
        raise event.value
    answer: Answer = event.value
    return answer


def _told(query: str, answer: Answer) -> dict[str, Any]:
    generated = as_generated_answer(query, answer)
    return {"answers": [generated], "documents": generated.documents}
