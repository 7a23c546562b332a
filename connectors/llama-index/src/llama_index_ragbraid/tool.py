"""A tool that answers from a pipeline's documents, with citations."""

from typing import Annotated

from llama_index.core.bridge.pydantic import Field
from llama_index.core.tools import FunctionTool

from llama_index_ragbraid.asking import Asking, Filters
from llama_index_ragbraid.lending import Where
from ragbraid.bridge.answers import cited

DESCRIPTION = "Answers a question from the user's own documents, and cites where the answer stands in them."
Question = Annotated[str, Field(description="The question, as a whole sentence.", max_length=300)]
"""A model that is held to it ends somewhere, where a small one would go on and on. No longer one is refused.

LlamaIndex reads the annotation itself, so none in this file is a string.
"""


def ragbraid_tool(
    pipeline: Where = None,
    *,
    name: str = "ask_documents",
    description: str = DESCRIPTION,
    filters: Filters = None,
    collection: str | None = None,
    timeout: float | None = None,
    return_direct: bool = False,
) -> FunctionTool:
    """A tool for agents: it takes a `query`, and tells the answer with the place and words of each source.

    With `return_direct` that is the agent's answer, as it is, so that its citations stay verified.
    """
    asking = Asking(pipeline, filters, collection, timeout)

    def ask(query: Question) -> str:
        """The answer, with its sources."""
        return cited(asking.pipeline.ask(query, **asking.options))

    async def aask(query: Question) -> str:
        """The answer, with its sources."""
        return cited(await asking.pipeline.aask(query, **asking.options))

    return FunctionTool.from_defaults(
        fn=ask, async_fn=aask, name=name, description=description, return_direct=return_direct
    )
