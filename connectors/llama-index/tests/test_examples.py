"""The examples and the README's blocks run, with the real small models."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
from pathlib import Path

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ToolCallResult
from llama_index_ragbraid import RagbraidLLM, ragbraid_tool
from parts import project, scripted

from ragbraid import Pipeline
from ragbraid.bridge.answers import cited
from ragbraid.generate.tool_calls import ToolCall, written

QUESTION = "How many days of holiday are there?"
PACKAGE = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)


def test_the_quickstart_answers_from_the_right_document(tmp_path: Path) -> None:
    response = runpy.run_path(str(PACKAGE / "examples" / "quickstart.py"))["main"](str(tmp_path))
    assert "Giorgio" in response.source_nodes[0].node.get_content()
    assert "Giorgio" in str(response)


@pytest.mark.filterwarnings("ignore:is_running called:DeprecationWarning")  # by LlamaIndex itself
async def test_the_agent_passes_on_a_cited_answer(tmp_path: Path) -> None:
    ask = runpy.run_path(str(PACKAGE / "examples" / "agent.py"))["ask"]
    told = await ask("How many days of holiday are there?", project(tmp_path))
    assert "27 days of paid holiday" in told
    assert "[1] docs/leave.md:5: “Every employee has 27 days" in told


@pytest.mark.filterwarnings("ignore:is_running called:DeprecationWarning")  # by LlamaIndex itself
async def test_an_agent_of_our_own_model_calls_the_tool(tmp_path: Path) -> None:
    file = project(tmp_path)
    call = written([ToolCall("ask_documents", {"query": QUESTION})])
    llm = RagbraidLLM(scripted(call, '{"reply": "27 days [1] docs/leave.md."}'), "script")
    agent = AgentWorkflow.from_tools_or_functions([ragbraid_tool(file)], llm=llm)
    assert isinstance(agent.agents["Agent"], FunctionAgent)
    told = await agent.run(user_msg=QUESTION)
    assert str(told) == "27 days [1] docs/leave.md."
    (given,) = [each for each in told.tool_calls if isinstance(each, ToolCallResult)]
    assert "[1] docs/leave.md:5: “Every employee has 27 days" in str(given.tool_output)


@pytest.mark.filterwarnings("ignore:is_running called:DeprecationWarning")  # by LlamaIndex itself
async def test_the_small_real_model_drives_an_agent(tmp_path: Path) -> None:
    file = project(tmp_path)
    llm = RagbraidLLM(component={"type": "local", "model": "smollm2-135m-instruct"}, max_tokens=400)
    tool = ragbraid_tool(file, return_direct=True)
    agent = FunctionAgent(tools=[tool], llm=llm, initial_tool_choice="ask_documents")
    told = await AgentWorkflow(agents=[agent]).run(user_msg=QUESTION)
    (call,) = told.tool_calls
    with Pipeline.load(file) as pipeline:  # what it asks are its own words
        assert str(told) == cited(pipeline.ask(call.tool_kwargs["query"]))
    llm.close()


def test_the_readme_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    said = ""
    for language, info, text in BLOCK.findall((PACKAGE / "README.md").read_text("utf-8")):
        if title := re.search(r'title="([^"]+)"', info):
            (tmp_path / title[1]).parent.mkdir(exist_ok=True)
            (tmp_path / title[1]).write_text(text, "utf-8")
        elif language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, "README.md", "exec"), names)
            said = out.getvalue()
        elif language == "text":
            assert said == text
