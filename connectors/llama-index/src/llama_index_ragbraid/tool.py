"""A tool that answers from a pipeline's documents, with citations."""

from __future__ import annotations

from llama_index.core.bridge.pydantic import BaseModel, Field
from llama_index.core.tools import FunctionTool

from llama_index_ragbraid.asking import Asking, Filters
from llama_index_ragbraid.lending import Where
from ragbraid.bridge.answers import cited

DESCRIPTION = "Answers a question from the user's own documents, and cites where the answer stands in them."


class Asked(BaseModel):
    """What an agent gives the tool.

    A model that is held to the bound ends somewhere, where a small one would go on and on; a longer question
    is asked, too.
    """

    query: str = Field(description="The question, as a whole sentence.", max_length=300)


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

    def ask(query: str) -> str:
        """The answer, with its sources."""
        return cited(asking.pipeline.ask(query, **asking.options))

    async def aask(query: str) -> str:
        """The answer, with its sources."""
        return cited(await asking.pipeline.aask(query, **asking.options))

    return FunctionTool.from_defaults(
        fn=ask,
        async_fn=aask,
        name=name,
        description=description,
        fn_schema=Asked,
        return_direct=return_direct,
    )
