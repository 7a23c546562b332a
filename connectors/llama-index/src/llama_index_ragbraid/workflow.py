"""A pipeline as a step of a workflow."""

from __future__ import annotations

from llama_index.core.base.response.schema import Response
from llama_index.core.workflow import Event, step

from llama_index_ragbraid.asking import Asking
from llama_index_ragbraid.lending import Where
from llama_index_ragbraid.values import as_response


class Question(Event):
    """What the step is asked."""

    query: str


class Answered(Event):
    """What the step gives: the response as a query engine's."""

    response: Response


class RagbraidStep:
    """The step from a `Question` to its `Answered`, for a workflow that derives from it, too.

    `class Mine(RagbraidStep, Workflow)` sets `pipeline` to a file or an open pipeline; None is the
    `ragbraid.yaml` of this folder or one above it.
    """

    pipeline: Where = None

    @step
    async def ask_ragbraid(self, event: Question) -> Answered:
        """Answer the question, with verified citations."""
        return Answered(response=as_response(await self._asking().pipeline.aask(event.query)))

    def _asking(self) -> Asking:
        held: Asking | None = getattr(self, "_ragbraid", None)
        if held is None:
            held = self._ragbraid = Asking(self.pipeline)
        return held
