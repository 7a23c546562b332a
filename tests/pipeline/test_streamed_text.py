"""Whatever step gives the answer, and whether it abstains: what a stream says adds up to its text."""

import asyncio
from pathlib import Path

import pytest

from ragbraid import Pipeline

ECHO = {"type": "ragbraid.testing.echo_generator:EchoGenerator"}
STREAMS = {
    "quote": {"type": "quote"},
    "compose": {"type": "compose", "generator": ECHO},
    "direct": {"type": "direct", "generator": ECHO},
    "reply": {"type": "reply", "text": "Hello!"},
    "refuse": {"type": "refuse"},
}


def built(folder: Path, step: dict[str, object]) -> Pipeline:
    steps = ["search", step] if step["type"] in ("quote", "compose") else [step]
    return Pipeline.build(
        components={"index": {"type": "faiss", "path": str(folder / "index")}},
        ingest=[{"type": "files"}, {"type": "recursive-splitter"}, "index"],
        search=[{"type": "lexical", "index": "index"}],
        ask=steps,
        flows={
            "part": steps,
            "joined": [
                {"type": "decompose"},
                {"map": "part", "over": "decompose", "at_most": 4},
                {"type": "join", "questions": "decompose", "answers": "map"},
            ],
        },
        allow=["ragbraid.testing"],
    )


@pytest.mark.parametrize("flow", ["ask", "joined"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_says_the_answers_text(tmp_path: Path, name: str, flow: str) -> None:
    (tmp_path / "iron.txt").write_text("Iron melts at fifteen hundred degrees.", "utf-8")
    with built(tmp_path, STREAMS[name]) as pipeline:
        pipeline.ingest(tmp_path / "iron.txt")
        for question in ("When does iron melt?", "Who was Napoleon?"):
            *events, last = pipeline.stream(question, flow=flow)
            assert last.kind == "answer"
            said = [each.value for each in events if each.kind == "delta"]
            assert "".join(said) == last.value.text != ""

            async def gather(asked: str = question) -> list[str]:
                events = [each async for each in pipeline.astream(asked, flow=flow)]
                return [each.value for each in events if each.kind == "delta"]

            assert asyncio.run(gather()) == said
