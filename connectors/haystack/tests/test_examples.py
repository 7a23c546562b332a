"""The examples and the README's blocks run, with the real small models."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from haystack.components.agents import Agent
from haystack.dataclasses import ChatMessage
from haystack_integrations.components.generators.ragbraid import RagbraidChatGenerator
from haystack_integrations.tools.ragbraid import ragbraid_tool
from parts import project, scripted

from ragbraid import Pipeline
from ragbraid.bridge.answers import cited
from ragbraid.generate.tool_calls import ToolCall, written

EXAMPLES = Path(__file__).parents[1] / "examples"
QUESTION = "How many days of holiday are there?"


def test_the_quickstart_answers_from_the_right_document(tmp_path: Path) -> None:
    answer, documents = runpy.run_path(str(EXAMPLES / "quickstart.py"))["main"](str(tmp_path))
    assert "Giorgio" in str(documents[0].content)
    assert "Giorgio" in answer


def test_the_agent_passes_on_a_cited_answer(tmp_path: Path) -> None:
    agent = runpy.run_path(str(EXAMPLES / "agent.py"))["make_agent"](project(tmp_path))
    told = agent.run(messages=[ChatMessage.from_user(QUESTION)])["last_message"].text
    assert "27 days of paid holiday" in told
    assert "[1] docs/leave.md:5: “Every employee has 27 days" in told


async def test_an_agent_goes_on_with_what_the_tool_told(tmp_path: Path) -> None:
    call = written([ToolCall("ask_documents", {"query": QUESTION})])
    final = "There are 27 days [1] docs/leave.md."
    llm = RagbraidChatGenerator(scripted(call, final, call, final), "script")
    agent = Agent(chat_generator=llm, tools=[ragbraid_tool(project(tmp_path))])
    said = agent.run(messages=[ChatMessage.from_user(QUESTION)])
    assert said["last_message"].text == final
    (told,) = [each.tool_call_result for each in said["messages"] if each.tool_call_result]
    assert "Sources:\n[1] docs/leave.md:5" in told.result
    again = await agent.run_async(messages=[ChatMessage.from_user(QUESTION)])
    assert again["last_message"].text == final


def test_the_small_real_model_drives_an_agent(tmp_path: Path) -> None:
    file = project(tmp_path)
    tool = ragbraid_tool(file)
    llm = RagbraidChatGenerator(
        component={"type": "local", "model": "smollm2-135m-instruct"},
        generation_kwargs={"tool_choice": tool.name, "max_tokens": 256},
    )
    agent = Agent(chat_generator=llm, tools=[tool], exit_conditions=[tool.name])
    *_, called, gave = agent.run(messages=[ChatMessage.from_user(QUESTION)])["messages"]
    with Pipeline.load(file) as pipeline:  # what it asks are its own words
        answer = pipeline.ask(called.tool_calls[0].arguments["query"])
    assert gave.tool_call_result.result == cited(answer)
    llm.close()


@pytest.mark.parametrize("version", ["3.3.9", "3.5.0"])
def test_a_version_that_was_not_tested_warns(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    from haystack_integrations.common import ragbraid as common

    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    with pytest.warns(UserWarning, match=rf"haystack-ai from 3\.4 .* 3\.5; this is {version}") as told:
        importlib.reload(common)
    assert len(told) == 1
