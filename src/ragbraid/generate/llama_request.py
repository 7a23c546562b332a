"""A request as llama.cpp's server takes it."""

from __future__ import annotations

import json
from typing import Any

from ragbraid.errors import GenerationError
from ragbraid.generate.json_schema import demand_holdable
from ragbraid.generate.protocol import Constraint, Grammar, JsonSchema, Quotes, Regex, Request
from ragbraid.generate.quote_grammar import grammar_of
from ragbraid.generate.regex_grammar import regex_grammar


def body(request: Request, tokens: list[int], *, cached: bool) -> dict[str, Any]:
    """The body of a completion; `cached`, the prompt may begin with what is computed already.

    Raises `GenerationError` for a constraint that it can't keep.
    """
    return {
        "prompt": tokens,
        "n_predict": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": 0,
        "min_p": 0.0,
        "seed": request.seed,
        "stop": list(request.stop),
        "stream": True,
        "stream_options": {"include_usage": True},
        # What of the prompt was cached changes the last digits, which order alternatives.
        "cache_prompt": cached and not request.alternatives,
        **({"n_probs": max(1, request.alternatives)} if request.alternatives or request.logprobs else {}),
        **_constraint(request.constraint),
    }


def _constraint(constraint: Constraint | None) -> dict[str, Any]:
    match constraint:
        case Quotes():
            return {"grammar": grammar_of(constraint)}
        case Grammar():
            return {"grammar": constraint.gbnf}
        case Regex():
            try:
                return {"grammar": regex_grammar(constraint.pattern)}
            except ValueError as error:
                raise GenerationError(f"llama.cpp can't hold the answer to the pattern: {error}.") from error
        case JsonSchema():
            demand_holdable(constraint.schema)
            return {"json_schema": dict(constraint.schema)}
    return {}


def demand_kept(constraint: Constraint | None, text: str) -> None:
    """Raise `GenerationError` where a finished answer isn't JSON, as it was to be.

    The server drops a schema that it can't make a grammar of, and says nothing.
    """
    if isinstance(constraint, JsonSchema):
        try:
            json.loads(text)
        except ValueError as error:
            raise GenerationError(
                "llama.cpp can't hold the answer to this JSON schema.",
                "Make it simpler, or use type: openvino.",
            ) from error
