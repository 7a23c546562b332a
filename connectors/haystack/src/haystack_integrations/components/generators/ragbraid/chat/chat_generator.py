"""The chat generator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from haystack import component
from haystack.components.generators.utils import _normalize_messages
from haystack.dataclasses import (
    ChatMessage,
    ComponentInfo,
    StreamingCallbackT,
    StreamingChunk,
    select_streaming_callback,
)
from haystack.dataclasses.streaming_chunk import ToolCallDelta, _invoke_streaming_callback
from haystack.tools import (
    ToolsType,
    deserialize_tools_or_toolset_inplace,
    flatten_tools_or_toolsets,
    serialize_tools_or_toolset,
)
from haystack.utils import deserialize_callable, serialize_callable
from haystack_integrations.common.ragbraid.lending import Lending, Spec, Where
from haystack_integrations.components.generators.ragbraid.chat.messages import prompt_of, reply_of, specs_of
from haystack_integrations.components.generators.ragbraid.chat.settings import settings_of

from ragbraid.generate.protocol import Completion, Request
from ragbraid.generate.tool_calls import ToolSpec

DEFAULT = {"type": "local"}


@component
class RagbraidChatGenerator(Lending):
    """Generates text by the generator of a ragbraid pipeline or by one alone.

    `component` is its name in the pipeline, by default the one that `ask` uses, or a component such as
    `{"type": "local", "model": "smollm2-135m-instruct"}`, which is what stands for nothing. Messages go
    through the model's own chat template as data: no text in them becomes a control token.

    `generation_kwargs` are `max_tokens`, `temperature` (0 unless given), `top_p`, `seed`, `stop`, and what
    the answer is held to: `response_format` (a JSON Schema or a pydantic model), `regex`, `quotes`, or by
    `tool_choice` a call of a tool. A call is one that is written as
    the model was told to.
    """

    def __init__(
        self,
        pipeline: Where = None,
        component: Spec = None,
        *,
        generation_kwargs: dict[str, Any] | None = None,
        streaming_callback: StreamingCallbackT | None = None,
        tools: ToolsType | None = None,
    ) -> None:
        Lending.__init__(self, pipeline, component, default=DEFAULT)
        self.generation_kwargs = dict(generation_kwargs or {})
        self.streaming_callback = streaming_callback
        self.tools = tools

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        callback = self.streaming_callback
        return self._to_dict(
            component=self.component,
            generation_kwargs=self.generation_kwargs,
            streaming_callback=None if callback is None else serialize_callable(callback),
            tools=serialize_tools_or_toolset(self.tools),
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RagbraidChatGenerator:
        """The component that `to_dict` told."""
        settings = dict(data.get("init_parameters", {}))
        deserialize_tools_or_toolset_inplace(settings, key="tools")
        if settings.get("streaming_callback"):
            settings["streaming_callback"] = deserialize_callable(settings["streaming_callback"])
        return cls(**settings)

    def warm_up(self) -> None:
        """Load the weights now."""
        self._lender.warm_up("generator")

    @component.output_types(replies=list[ChatMessage])
    def run(
        self,
        messages: list[ChatMessage] | str,
        streaming_callback: StreamingCallbackT | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        *,
        tools: ToolsType | None = None,
    ) -> dict[str, list[ChatMessage]]:
        """One reply, the same each time for the same messages and settings."""
        callback = select_streaming_callback(
            self.streaming_callback, streaming_callback, requires_async=False
        )
        request, specs = self._request(messages, generation_kwargs, tools)
        if callback is None:
            return {"replies": [reply_of(self._whole(request), specs, self._model)]}
        with closing(_Streaming(self, request, specs)) as streaming:
            for chunk in streaming.chunks:
                callback(chunk)
            return {"replies": [streaming.reply]}

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self,
        messages: list[ChatMessage] | str,
        streaming_callback: StreamingCallbackT | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        *,
        tools: ToolsType | None = None,
    ) -> dict[str, list[ChatMessage]]:
        """`run`, each piece made in a thread."""
        callback = select_streaming_callback(self.streaming_callback, streaming_callback, requires_async=True)
        request, specs = self._request(messages, generation_kwargs, tools)
        if callback is None:
            completion = await asyncio.to_thread(self._whole, request)
            return {"replies": [reply_of(completion, specs, self._model)]}
        streaming = _Streaming(self, request, specs)
        try:
            while (chunk := await asyncio.to_thread(next, streaming.chunks, None)) is not None:
                await _invoke_streaming_callback(callback, chunk)
        finally:
            await asyncio.to_thread(streaming.close)
        return {"replies": [streaming.reply]}

    @property
    def _model(self) -> str:
        if isinstance(self.component, Mapping):
            return str(self.component.get("model", self.component.get("type")))
        return self.component or "ragbraid"

    def _request(
        self, messages: Any, generation_kwargs: Mapping[str, Any] | None, tools: ToolsType | None
    ) -> tuple[Request, list[ToolSpec]]:
        given = {**self.generation_kwargs, **(generation_kwargs or {})}
        specs = specs_of(flatten_tools_or_toolsets(tools or self.tools))
        if given.get("tool_choice") == "none":
            specs = []
        return Request(prompt_of(_normalize_messages(messages), specs), **settings_of(given, specs)), specs

    def _whole(self, request: Request) -> Completion:
        (outcome,) = self._lender.part("generator").generate([request])
        if isinstance(outcome, Exception):
            raise outcome
        completion: Completion = outcome
        return completion


class _Streaming:
    """The chunks of one answer; when they are at an end, its reply."""

    reply: ChatMessage

    def __init__(self, owner: RagbraidChatGenerator, request: Request, specs: list[ToolSpec]) -> None:
        self._pieces = owner._lender.part("generator").stream(request)
        self._owner, self._specs = owner, specs
        self.chunks = self._chunks()

    def close(self) -> None:
        """Stop generating, where it isn't at an end."""
        self._pieces.close()

    def _chunks(self) -> Iterator[StreamingChunk]:
        info = ComponentInfo.from_component(self._owner)
        model = self._owner._model
        begun = False
        for piece in self._pieces:
            if isinstance(piece, Completion):
                self.reply = reply_of(piece, self._specs, model)
            elif piece and not self._specs:
                yield StreamingChunk(piece, {"model": model}, info, index=0, start=not begun)
                begun = True
        if self._specs and self.reply.text:  # what may be a call is shown when it is known to be none
            yield StreamingChunk(self.reply.text, {"model": model}, info, index=0, start=True)
        for number, call in enumerate(self.reply.tool_calls, 1):
            delta = ToolCallDelta(
                number, call.tool_name, json.dumps(call.arguments, ensure_ascii=False), call.id
            )
            yield StreamingChunk("", {"model": model}, info, index=number, start=True, tool_calls=[delta])
        yield StreamingChunk(
            "", dict(self.reply.meta), info, index=0, finish_reason=self.reply.meta["finish_reason"]
        )
