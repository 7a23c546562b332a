"""The examples, the README and the page on moving run, with the real small models."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ToolCallResult
from llama_index_ragbraid import RagbraidLLM, ragbraid_tool
from parts import project, scripted
from readme import demand_true

from ragbraid import Pipeline
from ragbraid.bridge.answers import cited
from ragbraid.generate.tool_calls import ToolCall, written

QUESTION = "How many days of holiday are there?"
PACKAGE = Path(__file__).parents[1]
PAGES = [PACKAGE / "README.md", PACKAGE.parents[1] / "docs" / "how-to" / "from-llama-index.md"]


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_is_true(page: Path, tmp_path: Path) -> None:
    demand_true(page, tmp_path)
