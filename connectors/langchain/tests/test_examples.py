"""The examples run, with the real small models."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_ragbraid import ChatRagbraid, RagbraidPipeline, RagbraidTool
from langgraph.graph import START, MessagesState, StateGraph
from parts import scripted

from ragbraid import Pipeline
from ragbraid.generate.tool_calls import ToolCall, written
from ragbraid.types import Answer

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_quickstart_finds_and_answers(tmp_path: Path) -> None:
    found, answer = runpy.run_path(str(EXAMPLES / "quickstart.py"))["main"](str(tmp_path))
    assert found[0].metadata["source"] == "rent.md"
    assert "Friday" in answer


def test_the_agent_passes_on_a_cited_answer(pipeline: Pipeline) -> None:
    agent = runpy.run_path(str(EXAMPLES / "agent.py"))["make_agent"](pipeline)
    question = "When does the office open?"
    *_, told = agent.invoke({"messages": [HumanMessage(question)]})["messages"]
    assert isinstance(told, ToolMessage)
    assert told.artifact == pipeline.ask(question)
    (citation,) = told.artifact.citations[:1]
    assert f"[1] {citation.source}:{citation.line}: “{citation.quote}”" in told.content


def test_our_own_model_calls_the_tool_of_an_agent(pipeline: Pipeline) -> None:
    make_agent = runpy.run_path(str(EXAMPLES / "agent.py"))["make_agent"]
    model = ChatRagbraid(model="smollm2-135m-instruct", max_tokens=96)
    calling = model.bind_tools([RagbraidTool()], tool_choice="any")
    agent = make_agent(pipeline, lambda state: {"messages": [calling.invoke(state["messages"])]})
    _, called, told = agent.invoke({"messages": [HumanMessage("When does the office open?")]})["messages"]
    (call,) = called.tool_calls
    assert isinstance(told.artifact, Answer)
    assert told.artifact == pipeline.ask(call["args"]["question"])
    model.close()


def test_an_agent_of_langchains_goes_on_with_what_the_tool_told(pipeline: Pipeline) -> None:
    question = "When does the office open?"
    call = written([ToolCall("search_documents", {"question": question})])
    final = "It opens at nine [1] office.md."
    model = ChatRagbraid(pipeline=scripted(call, final), component="script")
    agent: Any = create_agent(model, tools=[RagbraidTool(pipeline=pipeline)])
    _, _, told, last = agent.invoke({"messages": [HumanMessage(question)]})["messages"]
    assert told.artifact == pipeline.ask(question)
    assert told.artifact.citations[0].quote in told.content
    assert last.text == final


def test_a_pipeline_is_a_node_of_a_graph(pipeline: Pipeline) -> None:
    chain = RagbraidPipeline(pipeline=pipeline)

    def ask(state: MessagesState) -> dict[str, list[AIMessage]]:
        told = chain.invoke(str(state["messages"][-1].content))
        return {"messages": [AIMessage(told["answer"], additional_kwargs={"answer": told["result"]})]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    question = "When does the office open?"
    *_, last = graph.compile().invoke({"messages": [HumanMessage(question)]})["messages"]
    assert last.additional_kwargs["answer"] == pipeline.ask(question)
