"""A tool that answers from a pipeline's documents, with citations."""

from __future__ import annotations

from typing import Any

from haystack import GeneratedAnswer
from haystack.tools import ComponentTool
from haystack_integrations.common.ragbraid import answer_of
from haystack_integrations.common.ragbraid.lending import Where
from haystack_integrations.components.pipelines.ragbraid import RagbraidPipeline

from ragbraid.bridge.answers import cited

__all__ = ["cited_answers", "ragbraid_tool"]


def ragbraid_tool(
    pipeline: Where = None, *, name: str = "ask_documents", description: str = "", **settings: Any
) -> ComponentTool:
    """A tool for agents: it takes a `query`, and tells the answer with the place and words of each source.

    `settings` are those of `RagbraidPipeline`. The answers themselves are put into the agent's state under
    `answers`, where its schema has that key.
    """
    return ComponentTool(
        component=RagbraidPipeline(pipeline, **settings),
        name=name,
        description=description
        or "Answers a question from the user's own documents, and cites where the answer stands in them.",
        parameters={
            "type": "object",
            "properties": {
                # A model that is held to it ends somewhere, where a small one would go on and on.
                "query": {
                    "type": "string",
                    "description": "The question, as a whole sentence.",
                    "maxLength": 300,
                }
            },
            "required": ["query"],
        },
        outputs_to_string={"source": "answers", "handler": cited_answers},
    )


def cited_answers(answers: list[GeneratedAnswer]) -> str:
    """Answers as a tool tells them."""
    return "\n\n".join(cited(answer_of(each)) for each in answers)
