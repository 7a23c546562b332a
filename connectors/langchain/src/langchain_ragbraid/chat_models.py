"""A pipeline's generator as a chat model."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, Field

from langchain_ragbraid.lending import OfComponent
from langchain_ragbraid.messages import to_messages
from ragbraid.errors import InputError, Unsupported
from ragbraid.generate.protocol import Completion, JsonSchema, Request
from ragbraid.generate.tool_calls import REPLY, ToolSpec, call_schema, instructions, read_calls, read_reply
from ragbraid.pipeline.lender import Lender

Method = Literal["json_schema", "json_mode", "function_calling"]


class ChatRagbraid(OfComponent, BaseChatModel):
    """A language model on this machine, as a pipeline knows it or standing alone.

    `ChatRagbraid(model="smollm2-135m-instruct")` is a model alone, on the engine that suits it; `component`
    says more, as in a pipeline file. A call may name another `model`, of the same kind. Structured output and
    calls of tools hold the model to a JSON schema while it generates, so that what comes is always of that
    shape; a message has one call at most. Text is all that it takes. `timeout` is in seconds, for a whole
    answer.
    """

    model: str | None = None
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1)
    seed: int = 0
    stop: list[str] | None = None
    timeout: float | None = None
    max_retries: int | None = None
    """Nothing is sent anywhere, so nothing is sent again: it is taken as other chat models take it."""

    @property
    def _llm_type(self) -> str:
        return "ragbraid"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self._name(), "temperature": self.temperature, "max_tokens": self.max_tokens}

    @cached_property
    def _models(self) -> dict[str | None, Lender]:
        """What lends each model that was asked for; None is for the one that is set."""
        return {None: self._lender} if self.model is None else {}

    def _lending(self, model: str | None) -> Lender:
        wanted = model or self.model
        if wanted not in self._models:
            known = self.component if isinstance(self.component, Mapping) else {}
            component = {"type": "local", **known, "model": wanted}
            self._models[wanted] = Lender(component=component, allow=self.allow)
        return self._models[wanted]

    def close(self) -> None:
        """Close what was opened here; what is asked next opens it again."""
        for each in self._models.values():
            each.close()

    def _name(self, model: str | None = None) -> str:
        """What the model is called: by itself, or by its component's name in the pipeline."""
        if model or self.model:
            return str(model or self.model)
        if isinstance(self.component, Mapping):
            return str(self.component.get("model", self.component.get("type")))
        return self.component or "generator"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "ragbraid"
        params["ls_model_name"] = self._name(kwargs.get("model"))
        if ends := stop or self.stop:
            params["ls_stop"] = ends
        return params

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del run_manager
        return generate_from_stream(self._stream(messages, stop, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        tools: Sequence[ToolSpec] = (),
        required: bool = False,
        schema: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        request = self._request(messages, stop, tools, required, schema, kwargs)
        lender = self._lending(kwargs.get("model"))
        generator = lender.part("generator", timeout=kwargs.get("timeout", self.timeout))
        for piece in generator.stream(request):
            if isinstance(piece, Completion):
                yield from _last(piece, tools, self._name(kwargs.get("model")))
            elif not tools and piece:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                if run_manager is not None:
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk

    def _request(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        tools: Sequence[ToolSpec],
        required: bool,
        schema: Mapping[str, Any] | None,
        options: Mapping[str, Any],
    ) -> Request:
        told = instructions(tools, held=True) if tools else ""
        held = call_schema(tools, reply=not required) if tools else None
        return Request(
            to_messages(messages, told if required or not tools else f"{told}\n{REPLY}"),
            max_tokens=options.get("max_tokens", self.max_tokens),
            temperature=options.get("temperature", self.temperature),
            top_p=options.get("top_p", self.top_p),
            seed=options.get("seed", self.seed),
            stop=tuple(stop or self.stop or ()),
            constraint=JsonSchema(schema) if schema is not None else held,
        )

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools that it may call; with `tool_choice` of `any`, True or a tool's name, must.

        Raises `InputError` for a choice that is none of the tools.
        """
        told = [convert_to_openai_tool(each)["function"] for each in tools]
        known = [
            ToolSpec(each["name"], each.get("description", ""), each.get("parameters", {})) for each in told
        ]
        choice = tool_choice["function"]["name"] if isinstance(tool_choice, dict) else tool_choice
        required = choice not in (None, False, "auto", "none")
        if choice == "none":
            known = []
        elif required and choice not in (True, "any", "required"):
            known = [each for each in known if each.name == choice]
            if not known:
                raise InputError(f"There is no tool {choice!r} to be chosen.")
        return super().bind(tools=known, required=required, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: Method = "json_schema",
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """The model held to a schema; what comes is an object of its class, or a dictionary.

        All methods hold the model to the schema while it generates. Raises `InputError` for options other
        than `strict`, which it always is.
        """
        if unknown := sorted(set(kwargs) - {"strict"}):
            raise InputError(f"There is no option {unknown[0]!r} of structured output.")
        described = convert_to_json_schema(schema)
        made: Any = schema
        of_class = isinstance(made, type) and (hasattr(made, "model_fields") or hasattr(made, "__fields__"))
        parser: Any = PydanticOutputParser(pydantic_object=made) if of_class else JsonOutputParser()
        told: Any = {"kwargs": {"method": method}, "schema": convert_to_openai_tool(schema)}
        model: Any = self.bind(schema=_plain(described), ls_structured_output_format=told)
        if not include_raw:
            return model | parser  # type: ignore[no-any-return]
        parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
        failed = RunnablePassthrough.assign(parsed=lambda _: None)
        whole: Any = RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")
        return whole  # type: ignore[no-any-return]

    def get_num_tokens(self, text: str) -> int:
        """Tokens of a text, or an upper estimate, as the generator counts a prompt of it alone."""
        return int(self._lending(None).part("generator").count_tokens(text))

    def get_token_ids(self, text: str) -> list[int]:
        """Raises `Unsupported`: generators count tokens, and don't tell them."""
        del text
        raise Unsupported("A generator of ragbraid doesn't tell its tokens.", "Use get_num_tokens.")


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without its name and its description, which a model isn't held to."""
    return {key: each for key, each in schema.items() if key not in ("title", "description")}


def _last(completion: Completion, tools: Sequence[ToolSpec], model: str) -> Iterator[ChatGenerationChunk]:
    """What is known at the end: the call of a tool, how much was used, and why it ended."""
    usage, reason = completion.usage, completion.finish_reason
    text = "" if not tools else read_reply(completion.text)
    text, called = (text, []) if text is not None else read_calls(completion.text, tools)
    calls = [
        tool_call_chunk(
            name=each.name,
            args=json.dumps(dict(each.arguments), ensure_ascii=False),
            id=f"call_{uuid.uuid4().hex}",
            index=number,
        )
        for number, each in enumerate(called)
    ]
    message = AIMessageChunk(
        content=text,
        tool_call_chunks=calls,
        usage_metadata=UsageMetadata(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            total_tokens=usage.prompt_tokens + usage.completion_tokens,
        ),
        response_metadata={"model_name": model, "model_provider": "ragbraid", "finish_reason": reason},
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=message, generation_info={"finish_reason": reason})
