"""A pipeline as a tool that agents call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, Field

from langchain_ragbraid.lending import OfPipeline
from ragbraid.bridge.answers import cited
from ragbraid.types import Answer


class Asked(BaseModel):
    """What an agent gives the tool."""

    question: str = Field(description="The question, word for word as it was asked.")


class RagbraidTool(OfPipeline, BaseTool):
    """Answers an agent's question from a pipeline's documents, with its sources.

    What the agent reads is the answer with a numbered list of what is cited; the artifact of the message is
    the whole `ragbraid.Answer`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, ignored_types=(cached_property,))

    name: str = "search_documents"
    description: str = "Answers a question from the user's own documents, and cites them."
    args_schema: type[BaseModel] = Asked
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    filter: Mapping[str, Any] | None = None
    collection: str | None = None
    timeout: float | None = None

    def _run(self, question: str) -> tuple[str, Answer]:
        return _told(self._lender.pipeline.ask(question, **self._options))

    async def _arun(self, question: str) -> tuple[str, Answer]:
        return _told(await self._lender.pipeline.aask(question, **self._options))

    @property
    def _options(self) -> dict[str, Any]:
        return {"filter": self.filter, "collection": self.collection, "timeout": self.timeout}


def _told(answer: Answer) -> tuple[str, Answer]:
    return cited(answer), answer
