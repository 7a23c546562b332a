"""The language model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import BaseModel, Field, PrivateAttr
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.prompts import BasePromptTemplate

from llama_index_ragbraid.function_calls import chosen, message_of, selections, specs_of
from llama_index_ragbraid.lending import Spec, Where, lender, model_name
from llama_index_ragbraid.requests import calling_request, request_of
from ragbraid.generate.protocol import Completion, Request
from ragbraid.generate.tool_calls import ToolSpec
from ragbraid.pipeline.lender import Lender

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool

DEFAULT = {"type": "local"}
T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)


class RagbraidLLM(CustomLLM, FunctionCallingLLM):
    """Generates text by the generator of a ragbraid pipeline or by one alone.

    `component` is its name in the pipeline, by default the one that `ask` uses, or a component such as
    `{"type": "local", "model": "smollm2-135m-instruct"}`, which is what stands for nothing. Messages go
    through the model's own chat template as data; a completion continues a text as it is.

    A call takes `max_tokens`, `temperature` (0 unless given), `top_p`, `seed`, `stop`, and what the answer is
    held to: `response_format` (a JSON Schema or a pydantic model), `regex` or `quotes`. `structured_predict`
    gives what fits its class, always. With tools (`chat_with_tools`, a `FunctionAgent`) it is held to a call
    of one of them or to a reply, so that even a model that wasn't trained for tools calls them in the right
    form.
    """

    pipeline: Any = Field(default=None, description="A pipeline file, or an open pipeline.")
    component: Any = Field(default=None, description="A component by name, or as a file writes it.")
    max_tokens: int = Field(default=256, description="The most tokens of an answer.")
    temperature: float = Field(default=0.0, description="0 takes the likeliest token each time.")
    _lender: Lender = PrivateAttr()

    def __init__(self, pipeline: Where = None, component: Spec = None, **given: Any) -> None:
        super().__init__(pipeline=pipeline, component=component, **given)
        self._lender = lender(pipeline, component, DEFAULT)

    @classmethod
    def class_name(cls) -> str:
        """The name that it is serialised by."""
        return "RagbraidLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """The size of its context window, and that it chats and calls tools."""
        return LLMMetadata(
            context_window=self._lender.part("generator").context_window,
            num_output=self.max_tokens,
            is_chat_model=True,
            is_function_calling_model=True,
            model_name=model_name(self.component, DEFAULT),
        )

    def close(self) -> None:
        """Give back what was opened here; the next call opens it again."""
        self._lender.close()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002
        """The text's continuation."""
        return _completion(self._whole(self._request(prompt, kwargs)))

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:  # noqa: ARG002
        """The continuation as it comes."""
        return _completions(self._pieces(self._request(prompt, kwargs)))

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The assistant's next message."""
        request, tools = self._chat_request(messages, kwargs)
        return _reply(self._whole(request), tools)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The next message as it comes; the last one is whole."""
        request, tools = self._chat_request(messages, kwargs)
        return _replies(self._pieces(request), tools)

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002
        """`complete`, in a thread."""
        return _completion(await asyncio.to_thread(self._whole, self._request(prompt, kwargs)))

    @llm_completion_callback()
    async def astream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        """`stream_complete`, each piece made in a thread."""
        return _in_threads(_completions(self._pieces(self._request(prompt, kwargs))))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """`chat`, in a thread."""
        request, tools = self._chat_request(messages, kwargs)
        return _reply(await asyncio.to_thread(self._whole, request), tools)

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """`stream_chat`, each piece made in a thread."""
        request, tools = self._chat_request(messages, kwargs)
        return _in_threads(_replies(self._pieces(request), tools))

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,  # noqa: ARG002
        allow_parallel_tool_calls: bool = False,  # noqa: ARG002 - a message has one call at most
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """What `chat` is called with. `tool_choice` is a tool's name, "required", "auto" or "none"."""
        said = ChatMessage(content=user_msg) if isinstance(user_msg, str) else user_msg
        specs, required = chosen(specs_of(tools), tool_required, kwargs.pop("tool_choice", None))
        messages = [*(chat_history or []), *([said] if said is not None else [])]
        return {"messages": messages, "tools": specs, "tool_required": required, **kwargs}

    def get_tool_calls_from_response(
        self,
        response: ChatResponse,
        error_on_no_tool_call: bool = True,
        **kwargs: Any,  # noqa: ARG002
    ) -> list[ToolSelection]:
        """The calls in a reply. Raises `ValueError` where there is none, unless told not to."""
        return selections(response, error_on_no_tool_call)

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """An object of the class: the answer is held to its JSON Schema while it is made."""
        messages = self._extend_messages(prompt.format_messages(llm=self, **prompt_args))
        said = self.chat(messages, **(llm_kwargs or {}), response_format=output_cls)
        return output_cls.model_validate_json(said.message.content or "")

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """`structured_predict`, in a thread."""
        messages = self._extend_messages(prompt.format_messages(llm=self, **prompt_args))
        said = await self.achat(messages, **(llm_kwargs or {}), response_format=output_cls)
        return output_cls.model_validate_json(said.message.content or "")

    def _request(self, prompt: Any, given: dict[str, Any]) -> Request:
        own = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        return request_of(prompt, {**own, **given})

    def _chat_request(
        self, messages: Sequence[ChatMessage], given: dict[str, Any]
    ) -> tuple[Request, Sequence[ToolSpec]]:
        tools: Sequence[ToolSpec] = given.pop("tools", ())
        required = given.pop("tool_required", False)
        own = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        return calling_request(messages, {**own, **given}, tools, required), tools

    def _whole(self, request: Request) -> Completion:
        (outcome,) = self._lender.part("generator").generate([request])
        if isinstance(outcome, Exception):
            raise outcome
        completion: Completion = outcome
        return completion

    def _pieces(self, request: Request) -> Iterator[str | Completion]:
        pieces: Iterator[str | Completion] = self._lender.part("generator").stream(request)
        return pieces


def _completion(told: Completion, delta: str | None = None) -> CompletionResponse:
    return CompletionResponse(text=told.text, delta=delta, raw=_raw(told))


def _reply(told: Completion, tools: Sequence[ToolSpec], delta: str | None = None) -> ChatResponse:
    return ChatResponse(message=message_of(told.text, tools), delta=delta, raw=_raw(told))


def _raw(told: Completion) -> dict[str, Any]:
    usage = told.usage
    return {
        "finish_reason": told.finish_reason,
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        },
    }


def _completions(pieces: Iterator[str | Completion]) -> CompletionResponseGen:
    said = ""
    for piece in pieces:
        if isinstance(piece, Completion):
            yield _completion(piece, "")
        else:
            said += piece
            yield CompletionResponse(text=said, delta=piece)


def _replies(pieces: Iterator[str | Completion], tools: Sequence[ToolSpec]) -> ChatResponseGen:
    said = ""
    for piece in pieces:
        if isinstance(piece, Completion):
            whole = _reply(piece, tools, "")
            # What may be a call is shown when it is known to be none.
            yield whole if not tools else whole.model_copy(update={"delta": whole.message.content or ""})
        elif not tools:
            said += piece
            yield ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=said), delta=piece)


async def _in_threads(pieces: Iterator[T]) -> AsyncGenerator[T, None]:
    end = object()
    while (piece := await asyncio.to_thread(next, pieces, end)) is not end:
        yield piece  # type: ignore[misc]
