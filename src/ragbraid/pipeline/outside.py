"""A pipeline's components, called outside its flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from ragbraid.embed.protocol import Embedder
    from ragbraid.generate.protocol import Completion, Generator, Request
    from ragbraid.index.protocol import Index
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.life import Kind, Life
    from ragbraid.route.protocol import Router
    from ragbraid.types import Filter


class Outside:
    """The part of `Pipeline` that lends its components."""

    _life: Life

    @overload
    def part(
        self,
        kind: Literal["embedder"],
        name: str | None = None,
        *,
        filter: Filter | None = None,
        collection: str | None = None,
        timeout: float | None = None,
    ) -> Embedder: ...

    @overload
    def part(
        self,
        kind: Literal["generator"],
        name: str | None = None,
        *,
        filter: Filter | None = None,
        collection: str | None = None,
        timeout: float | None = None,
    ) -> Generator: ...

    @overload
    def part(
        self,
        kind: Literal["index"],
        name: str | None = None,
        *,
        filter: Filter | None = None,
        collection: str | None = None,
        timeout: float | None = None,
    ) -> Index: ...

    @overload
    def part(
        self,
        kind: Literal["router"],
        name: str | None = None,
        *,
        filter: Filter | None = None,
        collection: str | None = None,
        timeout: float | None = None,
    ) -> Router: ...

    def part(
        self,
        kind: Kind,
        name: str | None = None,
        *,
        filter: Filter | None = None,  # noqa: A002 - the field's usual name
        collection: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """A component to be called outside any flow: the one of that name, or the first of its kind.

        The first is looked for in what the flow `ask` calls, then among the others. It opens when it is first
        called, and closes with the pipeline. An index keeps to the filter and the collection. What is lent
        is for one use: its trace grows with each call. Raises `InputError` where there is no such component.
        """
        return self._life.part(kind, name).handle(self._run(filter, collection, timeout))

    def open_part(self, kind: Kind, name: str | None = None) -> None:
        """Load now what that part would load when it is first called."""
        self._life.part(kind, name).warm_up()

    def generate(self, requests: Sequence[Request]) -> list[Completion | Exception]:
        """What the pipeline's generator makes of requests: for each, the completion or its own error.

        Raises `InputError` where the pipeline has no generator.
        """
        return self.part("generator").generate(requests)

    def _run(self, filter: Filter | None, collection: str | None, timeout: float | None) -> Run:  # noqa: A002
        raise NotImplementedError
