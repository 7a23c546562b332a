"""The tools: what each takes, and what it gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from mcp import types
from pydantic import Field

from ragbraid.serial import to_json
from ragbraid.serve.api.common import Body
from ragbraid.serve.clients import Client
from ragbraid.serve.failures import Refused
from ragbraid.serve.site import Site
from ragbraid.serve.work import Job
from ragbraid.types import Answer, Filter, Hit

_PAGE = 100
_CHARACTERS = 20_000


class Where(Body):
    """Where it is looked."""

    pipeline: str | None = Field(default=None, description="Which pipeline; without it the first.")


class SearchArguments(Where):
    """A question, and how many passages are wanted for it."""

    question: str = Field(description="What is looked for, in plain words.")
    k: Annotated[int, Field(ge=1, le=50)] = 5
    filter: Filter | None = Field(default=None, description='Only where metadata fits, e.g. {"lang": "en"}.')


class AskArguments(Where):
    """A question."""

    question: str = Field(description="The question, in plain words.")
    filter: Filter | None = Field(default=None, description='Only where metadata fits, e.g. {"lang": "en"}.')


class ListArguments(Where):
    """Which page of the list is wanted."""

    after: str = Field(default="", description="Begin behind this source.")


class ReadArguments(Where):
    """Which document is wanted, and which part of it, in characters."""

    source: str = Field(description="Its name, as list_sources and citations tell it.")
    start: Annotated[int, Field(ge=0)] = 0
    length: Annotated[int, Field(ge=1, le=_CHARACTERS)] = _CHARACTERS


Result = tuple[str, dict[str, Any]]
"""What a model reads, and the same for a program."""


async def search(site: Site, client: Client, asked: SearchArguments) -> Result:
    """Find the passages that fit a question best, with where each stands."""
    served = site.shelf.flow(asked.pipeline, "search", client)
    inputs = {"question": asked.question, "k": asked.k}
    hits: list[Hit] = await site.work.result(Job(client, served, "search", inputs, asked.filter))
    text = "\n\n".join(f"[{number}] {_place(each)}\n{each.text}" for number, each in enumerate(hits, 1))
    return text or "Nothing was found.", {"hits": to_json(hits)}


async def ask(site: Site, client: Client, asked: AskArguments) -> Result:
    """Answer a question from the stored documents, with quotes that were verified."""
    served = site.shelf.flow(asked.pipeline, "ask", client)
    answer: Answer = await site.work.result(
        Job(client, served, "ask", {"question": asked.question}, asked.filter)
    )
    cited = "".join(
        f"\n[{number}] {_place(each)}: {each.quote}" for number, each in enumerate(answer.citations, 1)
    )
    return answer.text + (f"\n\nSources:{cited}" if cited else ""), to_json(answer)


async def list_sources(site: Site, client: Client, asked: ListArguments) -> Result:
    """List the stored documents by name, a hundred at a time."""
    client.demand("search")
    served = site.shelf.get(asked.pipeline)
    found = await site.work.inner(client, served, lambda pipeline, _: pipeline.sources())
    behind = [each for each in found if each.source > asked.after]
    page = behind[:_PAGE]
    more = page[-1].source if len(behind) > len(page) else None
    text = "\n".join(each.source for each in page) or "Nothing is stored."
    return text, {"sources": [each.source for each in page], "next": more}


async def read_document(site: Site, client: Client, asked: ReadArguments) -> Result:
    """Read a stored document's text, or a part of it."""
    client.demand("search")
    served = site.shelf.get(asked.pipeline)
    found = await site.work.inner(client, served, lambda pipeline, _: pipeline.document(asked.source))
    text = found.text[asked.start : asked.start + asked.length]
    end = asked.start + len(text)
    told = {"source": found.source, "start": asked.start, "end": end, "characters": len(found.text)}
    return text, {**told, "text": text, "metadata": to_json(found.metadata)}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool with the model of its arguments."""

    name: str
    arguments: type[Where]
    run: Callable[[Site, Client, Any], Awaitable[Result]]

    def described(self) -> types.Tool:
        """The tool as clients read it."""
        return types.Tool(
            name=self.name,
            description=self.run.__doc__,
            input_schema=self.arguments.model_json_schema(),
            annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
        )


TOOLS: Mapping[str, Tool] = {
    each.name: each
    for each in (
        Tool("search", SearchArguments, search),
        Tool("ask", AskArguments, ask),
        Tool("list_sources", ListArguments, list_sources),
        Tool("read_document", ReadArguments, read_document),
    )
}


def tool(name: str) -> Tool:
    """The tool of that name. Raises `Refused`."""
    if name not in TOOLS:
        raise Refused(404, f"There is no tool {name!r}; there is {', '.join(TOOLS)}.")
    return TOOLS[name]


def _place(span: Any) -> str:
    from ragbraid.place import place

    return place(span.source, span.page, span.line, getattr(span, "last_line", None))
