"""What OpenAI's clients send, as far as it is read; what else they send is passed over, as OpenAI does."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from ragbraid.pipeline.wishes import Wishes
from ragbraid.types import Filter

MOST = 2048
"""The most texts of one request, as with OpenAI."""


class Sent(BaseModel):
    """Read strictly: a number isn't made of text."""

    model_config = ConfigDict(strict=True, extra="ignore", protected_namespaces=())


class Part(Sent):
    """A part of a message's content."""

    type: str
    text: str | None = None


class ChatMessage(Sent):
    """A turn; the content of an assistant's may be null beside its tool calls."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(Sent):
    """Whether the stream ends in a chunk that tells the usage."""

    include_usage: bool = False


class JsonSchemaFormat(Sent):
    """A schema with its name."""

    name: str = "answer"
    schema_: dict[str, Any] = Field(default_factory=dict, alias="schema")


class ResponseFormat(Sent):
    """Text, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchemaFormat | None = None


Stop: TypeAlias = "str | list[str] | None"


class ChatRequest(Sent):
    """A request of `/v1/chat/completions`. `filter` and `collection` are ragbraid's own."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"model": "ask", "messages": [{"role": "user", "content": "How long is parental leave?"}]}
            ]
        },
    )
    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    stop: Stop = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    n: int | None = 1
    logprobs: bool | None = False
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    tool_choice: str | dict[str, Any] | None = None
    filter: Filter | None = None
    collection: str | None = None

    def wishes(self) -> Wishes | None:
        """How the client wants the generator to write, where it says anything of it."""
        if self.temperature is None and self.top_p is None and self.seed is None:
            return None
        top_p = None if self.top_p is None else max(self.top_p, 0.01)
        seed = None if self.seed is None else self.seed % 2**31
        return Wishes(temperature=self.temperature, top_p=top_p, seed=seed)

    def passed_over(self, wishes: Wishes | None, *, structured: bool) -> list[str]:
        """What was sent and has no part in the answer: it is told, so that nobody believes otherwise.

        Quotes are chosen and not written, so that `temperature`, `top_p` and `seed` change nothing of them.
        """
        unused = {"stop", "top_logprobs"} if structured else {"top_logprobs"}
        if not structured and not (wishes and wishes.heeded):
            unused |= {"temperature", "top_p", "seed"}
        sent = [name for name in self.model_fields_set if getattr(self, name) is not None]
        return sorted(name for name in sent if name in unused or name in (self.model_extra or {}))

    @property
    def budget(self) -> int | None:
        """The most tokens of the answer."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """Where the answer is cut."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(each for each in given if each)


class EmbeddingRequest(Sent):
    """A request of `/v1/embeddings`. `input_type` is ragbraid's own: what the texts are for."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "ask", "input": ["Parental leave is 14 months."]}]}
    )
    model: str
    input: str | Annotated[list[str], Field(min_length=1, max_length=MOST)]
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None
    input_type: Literal["passage", "query"] = "passage"


class RerankDocument(Sent):
    """A text as an object."""

    text: str


class RerankRequest(Sent):
    """A request of `/v1/rerank`, as Cohere and Jina shaped it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": "ask", "query": "parental leave", "documents": ["Leave", "Desks"]}]
        }
    )
    model: str
    query: str
    documents: Annotated[list[str | RerankDocument], Field(min_length=1, max_length=MOST)]
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool | None = False

    @property
    def texts(self) -> list[str]:
        """The documents' texts."""
        return [each if isinstance(each, str) else each.text for each in self.documents]
