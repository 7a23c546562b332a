"""A LlamaIndex agent workflow that asks a ragbraid pipeline, and passes on its cited answer.

Run it in a folder with a `ragbraid.yaml` whose index is filled: `python agent.py "What is …?"`. In a
model's place a class decides here: it asks the tool what the user asked, and says what the tool told.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms.mock import MockLLM
from llama_index_ragbraid import ragbraid_tool
from llama_index_ragbraid.lending import Where


class Decider(MockLLM):
    """What a model would do: call the tool, then answer with what it told."""

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **_: Any
    ) -> AsyncGenerator[ChatResponse, None]:
        """The next message, in one piece."""
        said = messages[-1].content or ""
        if said.startswith("Observation: "):
            told = f"Thought: I can answer.\nAnswer: {said.removeprefix('Observation: ')}"
        else:
            told = f'Thought: I look it up.\nAction: ask_documents\nAction Input: {{"query": "{said}"}}'

        async def pieces() -> AsyncGenerator[ChatResponse, None]:
            yield ChatResponse(message=ChatMessage(role="assistant", content=told), delta=told)

        return pieces()


async def ask(question: str, pipeline: Where = None) -> str:
    """What the agent says."""
    agent = ReActAgent(tools=[ragbraid_tool(pipeline)], llm=Decider())
    return str(await AgentWorkflow(agents=[agent]).run(user_msg=question))


if __name__ == "__main__":
    print(asyncio.run(ask(sys.argv[1])))
