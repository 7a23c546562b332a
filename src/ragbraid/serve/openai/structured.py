"""An answer as JSON of the client's schema: the pipeline's generator writes it, held to that schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ragbraid.context import Cancellation
from ragbraid.errors import RagbraidError, StepError, told
from ragbraid.generate.protocol import Completion, JsonSchema
from ragbraid.generate.protocol import Request as GeneratorRequest
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.serve.failures import Refused
from ragbraid.serve.openai.schema import ChatRequest
from ragbraid.types import Answer, Message

_TASK = (
    "You turn an answer into JSON. Use only what the answer and the passages say. "
    "Where they say nothing, use null or an empty text."
)
_PASSAGES = 4
_MOST = 512


@dataclass(frozen=True, slots=True)
class Format:
    """What the client wants instead of text."""

    schema: dict[str, Any]


def format_of(request: ChatRequest) -> Format | None:
    """The schema that is asked for; None for text. Raises `Refused`."""
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return Format({"type": "object"})
    if wanted.json_schema is None:
        raise Refused(400, "response_format: json_schema is missing.", param="response_format.json_schema")
    return Format(wanted.json_schema.schema_ or {"type": "object"})


def completed(
    pipeline: Pipeline,
    cancellation: Cancellation,
    request: ChatRequest,
    wanted: Format,
    question: str,
    answer: Answer,
) -> Completion:
    """The JSON, with what it took. Raises what the generator fails with."""
    passages = "\n\n".join(hit.text for hit in answer.hits[:_PASSAGES])
    said = f"Question: {question}\n\nPassages:\n{passages}\n\nAnswer: {answer.short or answer.text}\n\nJSON:"
    asked = GeneratorRequest(
        (Message("system", _TASK), Message("user", said)),
        max_tokens=request.budget or _MOST,
        temperature=request.temperature or 0.0,
        top_p=1.0 if request.top_p is None else max(request.top_p, 0.01),
        seed=(request.seed or 0) % 2**31,
        constraint=JsonSchema(wanted.schema),
        logprobs=bool(request.logprobs),
    )
    completion: Completion | None = None
    generator = pipeline.part("generator", timeout=cancellation.remaining())
    try:
        for piece in generator.stream(asked):
            cancellation.check()
            if isinstance(piece, Completion):
                completion = piece
    except RagbraidError:
        raise
    except Exception as error:
        raise StepError(told(error)) from error
    assert completion is not None, "a generator's stream ends in its completion"
    return completion


def logprobs(completion: Completion) -> dict[str, Any]:
    """The tokens' log-probabilities as OpenAI tells them."""
    told = [
        {"token": text, "logprob": value, "bytes": list(text.encode()), "top_logprobs": []}
        for text, value in completion.tokens
    ]
    return {"content": told, "refusal": None}
