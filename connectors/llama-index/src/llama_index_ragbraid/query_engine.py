"""A whole pipeline as a query engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    StreamingResponse,
)
from llama_index.core.callbacks import CallbackManager
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_ragbraid.asking import Asking, Filters, last
from llama_index_ragbraid.lending import Where
from llama_index_ragbraid.values import as_response
from ragbraid import Answer


class RagbraidQueryEngine(BaseQueryEngine):
    """Answers questions by a ragbraid pipeline, with verified citations.

    `pipeline` is a file or an open pipeline; None is the `ragbraid.yaml` of this folder or one above it. A
    response's source nodes are the answer's hits; its citations, its short answer, its confidence and whether
    it abstained stand under `ragbraid` in its metadata. With `streaming` its source nodes and metadata
    are there when its text is at an end, and equal those of the whole answer.
    """

    def __init__(
        self,
        pipeline: Where = None,
        *,
        filters: Filters = None,
        collection: str | None = None,
        timeout: float | None = None,
        similarity_top_k: int = 10,
        streaming: bool = False,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager)
        self._asking = Asking(pipeline, filters, collection, timeout)
        self._top_k = similarity_top_k
        self._streaming = streaming

    def close(self) -> None:
        """Close the pipeline, if it was opened here; the next query opens it again."""
        self._asking.close()

    def retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """The passages that the pipeline's search finds."""
        return self._asking.search(query_bundle.query_str, self._top_k)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        pipeline, options = self._asking.pipeline, self._asking.options
        if not self._streaming:
            return as_response(pipeline.ask(query_bundle.query_str, **options))

        def deltas() -> Generator[str, None, None]:
            event = None
            with closing(pipeline.stream(query_bundle.query_str, **options)) as events:
                for event in events:
                    if event.kind == "delta":
                        yield event.value
            last(event, lambda answer: _keep(response, answer))

        response = StreamingResponse(deltas(), [], {})
        return response

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        pipeline, options = self._asking.pipeline, self._asking.options
        if not self._streaming:
            return as_response(await pipeline.aask(query_bundle.query_str, **options))

        async def deltas() -> AsyncGenerator[str, None]:
            event = None
            async with aclosing(pipeline.astream(query_bundle.query_str, **options)) as events:
                async for event in events:
                    if event.kind == "delta":
                        yield event.value
            last(event, lambda answer: _keep(response, answer))

        response = AsyncStreamingResponse(deltas(), [], {})
        return response


def _keep(response: StreamingResponse | AsyncStreamingResponse, answer: Answer) -> None:
    """Put an answer into the response whose text it was."""
    told = as_response(answer)
    response.response_txt = told.response
    response.source_nodes.extend(told.source_nodes)
    response.metadata = told.metadata
