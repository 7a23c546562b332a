"""A whole pipeline as a runnable: one answer, however it is asked for, and everything in the traces."""

from __future__ import annotations

import asyncio
import uuid
from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda
from langchain_ragbraid import RagbraidPipeline

from ragbraid import InputError, Pipeline
from ragbraid.errors import FilterError
from ragbraid.types import Answer

QUESTION = "When does the office open?"


class Trace(BaseCallbackHandler):
    def __init__(self) -> None:
        self.started: list[tuple[Any, ...]] = []
        self.ended: list[Any] = []
        self.failed: list[BaseException] = []

    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: Any, tags: Any = None, **kwargs: Any
    ) -> None:
        self.started.append((inputs, run_id, tags, kwargs.get("metadata"), kwargs.get("name")))

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.ended.append(outputs)

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        self.failed.append(error)


def test_every_way_of_asking_gives_the_pipelines_own_answer(pipeline: Pipeline) -> None:
    chain, own = RagbraidPipeline(pipeline=pipeline), pipeline.ask(QUESTION)
    whole = chain.invoke(QUESTION)
    assert whole["result"] == own
    assert whole["answer"] == own.text
    assert [each.id for each in whole["context"]] == [each.id for each in own.hits]

    async def asynchronously() -> list[dict[str, Any]]:
        streamed = [chunk async for chunk in chain.astream(QUESTION)]
        return [await chain.ainvoke(QUESTION), reduce(add, streamed), *await chain.abatch([QUESTION])]

    given = [
        reduce(add, chain.stream(QUESTION)),
        *chain.batch([QUESTION] * 2),
        *asyncio.run(asynchronously()),
    ]
    assert given == [whole] * 6


def test_a_batch_keeps_each_questions_own_error(pipeline: Pipeline) -> None:
    chain = RagbraidPipeline(pipeline=pipeline)
    found = chain.batch([QUESTION, " ", {"question": QUESTION, "filter": {"x": 1}}], return_exceptions=True)
    assert found[0]["result"] == pipeline.ask(QUESTION)
    assert isinstance(found[1], InputError)
    assert found[2]["context"] == []
    with pytest.raises(InputError):
        chain.batch([QUESTION, " "])


def test_config_callbacks_tags_and_run_ids_are_honoured(pipeline: Pipeline) -> None:
    chain, trace, run_id = RagbraidPipeline(pipeline=pipeline), Trace(), uuid.uuid4()
    config: Any = {
        "callbacks": [trace], "tags": ["mine"], "run_id": run_id, "run_name": "ask", "metadata": {"a": 1}
    }  # fmt: skip
    chain.invoke(QUESTION, config)
    ((inputs, started, tags, metadata, name),) = trace.started
    assert (inputs, started, tags, metadata["a"], name) == (QUESTION, run_id, ["mine"], 1, "ask")
    assert trace.ended[0]["result"] == pipeline.ask(QUESTION)
    list(chain.stream(QUESTION, {"callbacks": [trace]}))
    assert trace.ended[1]["result"] == pipeline.ask(QUESTION)
    for ask in (chain.invoke, lambda *given: list(chain.stream(*given))):
        with pytest.raises(FilterError):
            ask({"question": QUESTION, "filter": {"x": {"$no": 1}}}, {"callbacks": [trace]})
    assert len(trace.failed) == 2


async def test_events_of_a_chain_carry_the_pieces(pipeline: Pipeline) -> None:
    chain = RunnableLambda(lambda given: given["q"]) | RagbraidPipeline(pipeline=pipeline).with_config(
        tags=["rag"]
    )
    events = [each async for each in chain.astream_events({"q": QUESTION}, version="v2")]
    pieces = [
        each["data"]["chunk"]
        for each in events
        if each["event"] == "on_chain_stream" and "rag" in each["tags"]
    ]
    assert reduce(add, pieces)["result"] == pipeline.ask(QUESTION)
    ends = [
        each["data"]["output"] for each in events if each["event"] == "on_chain_end" and "rag" in each["tags"]
    ]
    assert ends[0]["result"] == pipeline.ask(QUESTION)


def test_closing_a_stream_ends_it(pipeline: Pipeline) -> None:
    stream = RagbraidPipeline(pipeline=pipeline).stream(QUESTION)
    next(stream)
    stream.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", [3, None, {}, {"question": 3}, ["x"]])
def test_what_is_no_question_is_told(pipeline: Pipeline, given: Any) -> None:
    with pytest.raises(InputError, match="A question is a text, or a mapping with `question`"):
        RagbraidPipeline(pipeline=pipeline).invoke(given)


def test_history_and_input_are_read(pipeline: Pipeline) -> None:
    chain = RagbraidPipeline(pipeline=pipeline)
    assert isinstance(chain.invoke({"input": QUESTION})["result"], Answer)
