"""The Model Context Protocol, by the official client and byte by byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters
from served import PIPELINE, QUESTION, ROOT, client, ended, serving, write

from ragbraid import Pipeline
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.app import build
from ragbraid.serve.keys import add

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def file(hr_file: Path) -> Path:
    return hr_file


@pytest.fixture
def http(hr: httpx.Client) -> httpx.Client:
    return hr


@asynccontextmanager
async def connected(how: str, file: Path, http: httpx.Client) -> AsyncIterator[Client]:
    arguments = ["-m", "ragbraid", "mcp", "-p", str(file)]
    command = StdioServerParameters(command=sys.executable, args=arguments, env=ENVIRONMENT)
    async with Client(f"{http.base_url}/mcp" if how == "http" else command) as made:
        yield made


@pytest.mark.parametrize("how", ["http", "stdio"])
async def test_the_official_client_finds_answers_and_documents(
    how: str, file: Path, http: httpx.Client
) -> None:
    async with connected(how, file, http) as asking:
        tools = (await asking.list_tools()).tools
        assert [each.name for each in tools] == ["search", "ask", "list_sources", "read_document"]
        assert all(each.description for each in tools)
        found = await asking.call_tool("search", {"question": "leave", "k": 1})
        assert found.structured_content is not None
        assert found.structured_content["hits"][0]["source"] == "docs/leave.md"
        answer = await asking.call_tool("ask", {"question": QUESTION})
        assert "docs/leave.md:1" in told(answer)
        listed = await asking.call_tool("list_sources", {})
        assert told(listed) == "docs/leave.md"
        read = await asking.call_tool("read_document", {"source": "docs/leave.md", "start": 9, "length": 5})
        assert told(read) == "leave"
        (resource,) = (await asking.list_resources()).resources
        (content,) = (await asking.read_resource(resource.uri)).contents
        assert getattr(content, "text", "") == "Parental leave is 14 months.\n"
        assert (await asking.list_resource_templates()).resource_templates


async def test_what_is_wrong_is_told_to_the_model(file: Path, http: httpx.Client) -> None:
    async with connected("http", file, http) as asking:
        for name, arguments, words in [
            ("search", {}, "question"), ("search", {"question": ""}, "empty"),
            ("search", {"question": "x", "k": 0}, "k"), ("ask", {"question": "x", "y": 1}, "y"),
            ("read_document", {"source": "../etc/passwd"}, "No source"),
            ("ask", {"question": "x", "pipeline": "none"}, "no pipeline"), ("nothing", {}, "no tool"),
        ]:  # fmt: skip
            failed = await asking.call_tool(name, arguments)
            assert failed.is_error
            assert words in told(failed)
        with pytest.raises(MCPError):
            await asking.read_resource("ragbraid://document/none.md")


def told(result: Any) -> str:
    return "".join(each.text for each in result.content)


def rpc(id_: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}


def hello(version: str) -> dict[str, Any]:
    return rpc(
        1, "initialize", protocolVersion=version, capabilities={}, clientInfo={"name": "t", "version": "1"}
    )


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
def test_the_clients_version_is_spoken_without_a_redirect(version: str, http: httpx.Client) -> None:
    headers = {"Accept": "application/json, text/event-stream"}
    answered = http.post("/mcp", json=hello(version), headers=headers, follow_redirects=False)
    assert answered.status_code == 200
    (line,) = [each for each in answered.text.splitlines() if each.startswith("data: {")]
    assert json.loads(line[6:])["result"]["protocolVersion"] == version


def test_standard_output_holds_the_protocol_alone(file: Path) -> None:
    messages = [
        hello("2025-06-18"), {"jsonrpc": "2.0", "method": "notifications/initialized"}, rpc(2, "tools/list"),
        rpc(3, "tools/call", name="search", arguments={"question": "leave"}),
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "ragbraid", "mcp", "-p", str(file)],
        env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write("".join(json.dumps(each) + "\n" for each in messages))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(20) == 0
    assert [each["id"] for each in answers] == [1, 2, 3]
    assert all(each["jsonrpc"] == "2.0" and "result" in each for each in answers)


def test_a_key_sees_its_own_documents_alone(tmp_path: Path) -> None:
    file, keys = (
        write(tmp_path, PIPELINE.replace("fields: {", "fields: {team: str, ")),
        tmp_path / "keys.yaml",
    )
    made = {each: add(keys, each, filter={"team": each}, metadata={"team": each}) for each in ("a", "b")}
    with serving(build([Pipeline.load(file, engine=Engine())], Settings(keys=keys))) as url:
        accept = {"Accept": "application/json, text/event-stream"}
        assert httpx.post(f"{url}/mcp", json=hello("2025-06-18"), headers=accept).status_code == 401
        for name, key in made.items():
            with client(url, Authorization=f"Bearer {key}", **accept) as asking:
                rows = [{"id": f"d-{name}", "text": f"Plan of {name}."}]
                ended(asking, asking.post("/api/ingest/rows", json={"rows": rows}).json())
        with client(url, Authorization=f"Bearer {made['a']}", **accept) as asking:
            for method, params in [
                ("tools/call", {"name": "list_sources", "arguments": {}}), ("resources/list", {}),
                ("tools/call", {"name": "search", "arguments": {"question": "plan", "k": 50}}),
                ("tools/call", {"name": "read_document", "arguments": {"source": "uploads/b/d-b.txt"}}),
                ("resources/read", {"uri": "ragbraid://document/uploads/b/d-b.txt"}),
            ]:  # fmt: skip
                headers = {"MCP-Protocol-Version": "2025-06-18"}
                answered = asking.post("/mcp", json=rpc(1, method, **params), headers=headers).text
                assert "Plan of b" not in answered
