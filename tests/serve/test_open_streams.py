"""Many answers that are written at the same time: each client reads while every other one does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from served import PIPELINE, TLS, site, until, write

from ragbraid.errors import PipelineFileError
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.serving import Settings
from soaking import count

STREAMS = count(40, 200)
SLOW = PIPELINE.replace("testing/echo-generator", "testing/echo-generator, delay: 0.1")
RULES = "".join(f"Rule {number} grants leave.\n" for number in range(40))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "rules.md").write_text(RULES, "utf-8")
    return write(tmp_path, SLOW)


async def read(asking: httpx.AsyncClient, began: asyncio.Barrier) -> str:
    """The events' names up to where every stream has begun to write."""
    asked = {"question": "Which rule grants leave?", "stream": True}
    names = []
    async with asking.stream("POST", "/api/ask", json=asked) as answered:
        assert answered.status_code == 200
        async for line in answered.aiter_lines():
            if line.startswith("event: "):
                names.append(line[7:])
            if line == "event: delta" and names.count("delta") == 1:
                waiting = asyncio.create_task(began.wait())
            if "delta" in names and waiting.done():
                break
    return " ".join(names)


async def test_as_many_are_written_at_a_time_as_the_server_is_told(file: Path) -> None:
    with site(file, Settings(running=STREAMS, waiting=0)) as http:
        began, limits = asyncio.Barrier(STREAMS + 1), httpx.Limits(max_connections=None)
        options = {"base_url": str(http.base_url), "limits": limits, "verify": TLS, "timeout": 60}
        async with httpx.AsyncClient(**options) as asking:  # type: ignore[arg-type]
            reading = [asyncio.create_task(read(asking, began)) for _ in range(STREAMS)]
            while f"ragbraid_queue_running {STREAMS}.0" not in (await asking.get("/metrics")).text:
                await asyncio.sleep(0.02)
            beyond = await asking.post("/api/search", json={"question": "leave"})
            await began.wait()
            told = await asyncio.gather(*reading)
        assert (beyond.status_code, beyond.headers["retry-after"]) == (503, "2")
        assert not [each for each in told if "answer" in each or "error" in each]
        until(lambda: "ragbraid_queue_running 0.0" in http.get("/metrics").text)


def test_more_than_a_process_bears_is_refused_where_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE + "serve: {running: 5000}\n", "utf-8")
    with pytest.raises(PipelineFileError, match="at most 1024"):
        Pipeline.load(tmp_path / "ragbraid.yaml")
