"""What a type checker says of a user's code: `make test` runs mypy on this file, and nothing runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from ragbraid import Answer, Event, Hit, Pipeline, RagbraidError, ref
from ragbraid.components import (
    Dense,
    Faiss,
    Files,
    Lexical,
    Quote,
    RecursiveSplitter,
    Rrf,
    SentenceTransformer,
)
from ragbraid.ingest.report import IngestReport, Progress
from ragbraid.secret import Secret


def asking(pipeline: Pipeline) -> None:
    assert_type(pipeline.ask("?", history=[{"role": "user", "content": "!"}], timeout=3), Answer)
    assert_type(pipeline.search("?", 5, filter={"lang": "en"}), list[Hit])
    assert_type(pipeline.ask_batch(["?", "!"]), list[Answer | RagbraidError])
    assert_type(pipeline.run("search", question="?", k=3), list[Hit])
    assert_type(pipeline.run("chat", question="?", history=[]), Answer)
    assert_type(pipeline.run("own", any_input=1), Any)
    pipeline.ask(5)  # type: ignore[arg-type]
    pipeline.search("?", k="5")  # type: ignore[arg-type]


def streaming(pipeline: Pipeline) -> None:
    events: Iterator[Event] = pipeline.stream("?")
    for event in events:
        assert_type(event, Event)
    pipeline.stream("?").close()


async def awaiting(pipeline: Pipeline) -> None:
    assert_type(await pipeline.aask("?"), Answer)
    assert_type(await pipeline.asearch("?"), list[Hit])
    assert_type(await pipeline.arun("ask", question="?"), Answer)
    assert_type(await pipeline.arun("own"), Any)
    events: AsyncIterator[Event] = pipeline.astream("?")
    async for event in events:
        assert_type(event, Event)
    await pipeline.astream("?").aclose()


def ingesting(pipeline: Pipeline) -> None:
    def told(progress: Progress) -> None:
        print(progress.source)

    assert_type(pipeline.ingest("docs", on_progress=told), IngestReport)
    pipeline.ingest("docs", on_progress=3)  # type: ignore[arg-type]


def few(hits: list[Hit], *, limit: int = 3) -> bool:
    return len(hits) < limit


def building() -> None:
    index = Faiss(embedder=ref("embedder"))
    pipeline = Pipeline.build(
        name="own",
        components={"embedder": SentenceTransformer(max_tokens=200), "index": index, "own": few},
        fields={"lang": "str"},
        ingest=[Files(), RecursiveSplitter(embedder=ref("embedder")), "index"],
        search=[
            Dense(index=ref("index")),
            Lexical(index=ref("index")),
            {"type": Rrf(constant=30), "hits": ["dense", "lexical"]},
        ],
        ask={"steps": ["search", Quote], "output": "answer"},
    )
    assert_type(pipeline, Pipeline)
    assert_type(pipeline.to_yaml(), str)
    Dense(index=ref("index"), candidates="30")  # type: ignore[arg-type]
    Pipeline.build(search=[3])  # type: ignore[list-item]
    Pipeline.build(serch=[])  # type: ignore[call-arg]
    Pipeline.build(search=few)  # type: ignore[arg-type]
    Secret(3)  # type: ignore[arg-type]
