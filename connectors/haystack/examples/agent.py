"""A Haystack agent that asks a ragbraid pipeline, and passes on its cited answer.

Run it in a folder with a `ragbraid.yaml` whose index is filled: `python agent.py "What is …?"`. In a
model's place a function decides here: it asks the tool what the user asked, and says what the tool told.
"""

import os
import sys

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from haystack.components.agents import Agent
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage, ToolCall
from haystack_integrations.common.ragbraid.lending import Where
from haystack_integrations.tools.ragbraid import ragbraid_tool


def decide(messages: list[ChatMessage]) -> ChatMessage:
    """What a model would do: call the tool, then answer with what it told."""
    last = messages[-1]
    if last.tool_call_result is not None:
        return ChatMessage.from_assistant(str(last.tool_call_result.result))
    call = ToolCall("ask_documents", {"query": last.text}, id="call_0")
    return ChatMessage.from_assistant(tool_calls=[call])


def make_agent(pipeline: Where = None) -> Agent:
    """An agent with one tool."""
    return Agent(chat_generator=MockChatGenerator(response_fn=decide), tools=[ragbraid_tool(pipeline)])


if __name__ == "__main__":
    print(make_agent().run(messages=[ChatMessage.from_user(sys.argv[1])])["last_message"].text)
