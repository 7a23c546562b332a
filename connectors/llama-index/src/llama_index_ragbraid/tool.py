"""A tool that answers from a pipeline's documents, with citations."""

from __future__ import annotations

from llama_index.core.tools import FunctionTool

from llama_index_ragbraid.asking import Asking, Filters
from llama_index_ragbraid.lending import Where
from ragbraid.bridge.answers import cited

DESCRIPTION = "Answers a question from the user's own documents, and cites where the answer stands in them."


def ragbraid_tool(
    pipeline: Where = None,
    *,
    name: str = "ask_documents",
    description: str = DESCRIPTION,
    filters: Filters = None,
    collection: str | None = None,
    timeout: float | None = None,
) -> FunctionTool:
    """A tool for agents: it takes a `query`, and tells the answer with the place and words of each source."""
    asking = Asking(pipeline, filters, collection, timeout)

    def ask(query: str) -> str:
        """The question, as a whole sentence."""
        return cited(asking.pipeline.ask(query, **asking.options))

    async def aask(query: str) -> str:
        """The question, as a whole sentence."""
        return cited(await asking.pipeline.aask(query, **asking.options))

    return FunctionTool.from_defaults(fn=ask, async_fn=aask, name=name, description=description)
