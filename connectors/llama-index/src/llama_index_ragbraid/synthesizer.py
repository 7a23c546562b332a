"""A step that answers, as a response synthesizer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent, SynthesizeStartEvent
from llama_index.core.llms import MockLLM
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryType
from llama_index.core.types import RESPONSE_TEXT_TYPE
from llama_index_instrumentation import get_dispatcher

from llama_index_ragbraid.values import as_response, hit_of_node
from ragbraid.errors import InputError
from ragbraid.pipeline.one_step import ANSWERING, OneStep

DEFAULT = {"type": "quote"}
_events = get_dispatcher(__name__)


class RagbraidSynthesizer(BaseSynthesizer):
    """Answers a query from the nodes given, by any of ragbraid's steps that answer, with verified citations.

    `step` is one as a pipeline file writes it, such as `{"type": "quote", "max_sentences": 3}`, which quotes,
    or `{"type": "compose", "generator": {…}}`, which writes prose; by default it quotes. The response is that
    of a `RagbraidQueryEngine`. Without nodes it abstains.
    """

    def __init__(self, step: Mapping[str, Any] | None = None, **given: Any) -> None:
        super().__init__(llm=MockLLM(), **given)  # LlamaIndex wants one; the step brings its own
        self._step = OneStep(dict(step or DEFAULT), ANSWERING)

    def close(self) -> None:
        """Give the weights back."""
        self._step.close()

    def synthesize(
        self,
        query: QueryType,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **_: Any,
    ) -> RESPONSE_TYPE:
        """The answer. `additional_source_nodes` are put behind its own."""
        _events.event(SynthesizeStartEvent(query=query))
        question = query if isinstance(query, str) else query.query_str
        payload: dict[str, Any] = {EventPayload.QUERY_STR: question}
        with self._callback_manager.event(CBEventType.SYNTHESIZE, payload=payload) as event:
            hits = [hit_of_node(each) for each in nodes]
            response = as_response(self._step(question=question, hits=hits))
            response.source_nodes.extend(additional_source_nodes or ())
            event.on_end(payload={EventPayload.RESPONSE: response})
        _events.event(SynthesizeEndEvent(query=query, response=response))
        return response

    async def asynthesize(
        self,
        query: QueryType,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **_: Any,
    ) -> RESPONSE_TYPE:
        """`synthesize`, in a thread."""
        return await asyncio.to_thread(self.synthesize, query, nodes, additional_source_nodes)

    def get_response(self, query_str: str, text_chunks: Sequence[str], **_: Any) -> RESPONSE_TEXT_TYPE:
        """Raises `InputError`: what has no place can't be cited."""
        del query_str, text_chunks
        raise InputError("A RagbraidSynthesizer answers from nodes, not from texts.", "Call `synthesize`.")

    async def aget_response(self, query_str: str, text_chunks: Sequence[str], **_: Any) -> RESPONSE_TEXT_TYPE:
        """Raises `InputError`, as `get_response` does."""
        return self.get_response(query_str, text_chunks)

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts: PromptDictType) -> None:
        del prompts
