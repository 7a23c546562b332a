"""A whole pipeline as a runnable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableSerializable
from langchain_core.runnables.utils import AddableDict

from langchain_ragbraid.documents import to_documents
from langchain_ragbraid.lending import OfPipeline
from ragbraid.errors import InputError, RagbraidError
from ragbraid.types import Answer, Event

Question = str | Mapping[str, Any]
"""A question, or a mapping with `question` (or `input`) and, if wanted, `history` and `filter`."""
_OPTIONS = ("filter", "collection", "history", "timeout")


class RagbraidPipeline(OfPipeline, RunnableSerializable[Question, dict[str, Any]]):
    """Answers questions by a pipeline's flow `ask`: invoke, batch, stream and their async twins.

    What it gives, and what the chunks of a stream add up to, is a dictionary: `answer` is the text, `context`
    the documents that it was made of, `result` the whole `ragbraid.Answer` with its verified citations.
    `filter`, `collection` and `timeout` hold for every question that has none of its own.
    """

    filter: Mapping[str, Any] | None = None
    collection: str | None = None
    timeout: float | None = None

    def invoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """Answer a question. Raises `RagbraidError`."""
        return self._call_with_config(self._ask, input, config, run_type="chain", **kwargs)

    async def ainvoke(
        self,
        input: Question,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """`invoke` under asyncio; cancelling the task cancels the run."""
        return await self._acall_with_config(self._aask, input, config, run_type="chain", **kwargs)

    def batch(
        self,
        inputs: list[Question],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[dict[str, Any]]:
        """Answer questions together, in the engine's own batches where they are under the same options."""
        return self._batch_with_config(
            self._ask_all, inputs, config, return_exceptions=return_exceptions, **kwargs
        )

    def stream(
        self,
        input: Question,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[dict[str, Any]]:
        """The answer as it is made; the chunks add up to what `invoke` gives. Closing it cancels the run."""
        yield from self.transform(iter([input]), config, **kwargs)

    def transform(
        self,
        input: Iterator[Question],
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[dict[str, Any]]:
        """`stream` of the question that an iterator ends in."""
        yield from self._transform_stream_with_config(input, self._stream, config, run_type="chain", **kwargs)

    async def astream(
        self,
        input: Question,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """`stream` under asyncio."""

        async def alone() -> AsyncIterator[Question]:
            yield input

        async for chunk in self.atransform(alone(), config, **kwargs):
            yield chunk

    async def atransform(
        self,
        input: AsyncIterator[Question],
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """`transform` under asyncio."""
        async for chunk in self._atransform_stream_with_config(
            input, self._astream, config, run_type="chain", **kwargs
        ):
            yield chunk

    def _ask(self, given: Question, **kwargs: Any) -> dict[str, Any]:
        question, options = self._read(given, kwargs)
        return told(self._lender.pipeline.ask(question, **options))

    async def _aask(self, given: Question, **kwargs: Any) -> dict[str, Any]:
        question, options = self._read(given, kwargs)
        return told(await self._lender.pipeline.aask(question, **options))

    def _ask_all(self, given: list[Question], **kwargs: Any) -> list[dict[str, Any] | Exception]:
        read = [self._read(each, kwargs) for each in given]
        alike = [options for _, options in read]
        if alike[1:] == alike[:-1] and "history" not in alike[0]:
            questions: Sequence[str] = [question for question, _ in read]
            answers = self._lender.pipeline.ask_batch(questions, **alike[0])
            return [each if isinstance(each, RagbraidError) else told(each) for each in answers]
        found: list[dict[str, Any] | Exception] = []
        for question, options in read:
            try:
                found.append(told(self._lender.pipeline.ask(question, **options)))
            except RagbraidError as error:
                found.append(error)
        return found

    def _stream(self, given: Iterator[Question], **kwargs: Any) -> Iterator[dict[str, Any]]:
        *_, last = given
        question, options = self._read(last, kwargs)
        said = ""
        for event in self._lender.pipeline.stream(question, **options):
            if event.kind == "delta":
                said += event.value
            yield from _chunks(event, said)

    async def _astream(self, given: AsyncIterator[Question], **kwargs: Any) -> AsyncIterator[dict[str, Any]]:
        *_, last = [each async for each in given]
        question, options = self._read(last, kwargs)
        said = ""
        async for event in self._lender.pipeline.astream(question, **options):
            if event.kind == "delta":
                said += event.value
            for chunk in _chunks(event, said):
                yield chunk

    def _read(self, given: Question, kwargs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        own = {"filter": self.filter, "collection": self.collection, "timeout": self.timeout}
        if isinstance(given, str):
            return given, {**own, **kwargs}
        if not isinstance(given, Mapping) or not isinstance(given.get("question", given.get("input")), str):
            raise InputError(f"A question is a text, or a mapping with `question`, not {given!r}.")
        beside = {key: given[key] for key in _OPTIONS if key in given}
        return given.get("question", given.get("input")), {**own, **kwargs, **beside}


def told(answer: Answer) -> AddableDict:
    """An answer as a chain gives it: its text, its documents, and the whole of it."""
    return AddableDict(answer=answer.text, context=to_documents(answer.hits), result=answer)


def _chunks(event: Event, said: str) -> Iterator[dict[str, Any]]:
    """An event as chunks; `said` is the text of all deltas so far. Raises the run's error."""
    if event.kind == "error":
        raise event.value
    if event.kind == "delta":
        yield AddableDict(answer=event.value)
    elif event.kind == "answer":
        answer: Answer = event.value
        rest = answer.text[len(said) :] if answer.text.startswith(said) else ""
        yield AddableDict(answer=rest, context=to_documents(answer.hits))
        yield AddableDict(result=answer)
