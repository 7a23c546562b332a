"""A LangGraph agent that asks a ragbraid pipeline, and passes on its cited answer.

Run it in a folder with a `ragbraid.yaml` whose index is filled: `python agent.py "What is …?"`. In a model's
place a function decides here: it asks the tool what the user asked. Any chat model with `bind_tools` may
stand there, `ChatRagbraid` too.
"""

import sys
from typing import Any

from langchain_core.messages import AIMessage
from langchain_ragbraid import RagbraidTool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode


def decide(state: MessagesState) -> dict[str, list[AIMessage]]:
    """What a model would do: call the tool with the question."""
    question = state["messages"][-1].content
    call = {"name": "search_documents", "args": {"question": question}, "id": "call_0"}
    return {"messages": [AIMessage("", tool_calls=[call])]}


def make_agent(pipeline: Any = None, model: Any = decide) -> Any:
    """A graph of two nodes: the model calls the tool, and the tool answers with its sources."""
    graph = StateGraph(MessagesState)
    graph.add_node("model", model)
    graph.add_node("tools", ToolNode([RagbraidTool(pipeline=pipeline)]))
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    return graph.compile()


if __name__ == "__main__":
    print(make_agent().invoke({"messages": [("user", sys.argv[1])]})["messages"][-1].content)
