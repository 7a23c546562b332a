"""A request as the batch sees it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from ragbraid.generate.answering import Tokens
from ragbraid.generate.json_schema import demand_holdable
from ragbraid.generate.protocol import Constraint, Grammar, JsonSchema, Quotes, Regex, Request
from ragbraid.generate.quote_grammar import grammar_of
from ragbraid.generate.turns import Turn, turn_of
from ragbraid.models.openvino import openvino_genai


@dataclass(slots=True, eq=False)
class Job:
    """A request in the batch. `stop` set, it leaves at the next token.

    `doubtful` is one with a constraint that a user wrote: the library finds out at the first token that it
    can't be read, and then takes the whole pipeline down.
    """

    prompt: Sequence[int]
    config: Any
    doubtful: bool = False
    turn: Turn = field(default_factory=lambda: turn_of(None))
    """When it is due to join."""
    out: SimpleQueue[Tokens | Exception] = field(default_factory=SimpleQueue)
    stop: threading.Event = field(default_factory=threading.Event)
    told: int = 0
    """Tokens handed on."""
    skip: int = 0
    """Tokens of the present run that were handed on in one before it."""
    alone: bool = False


def job_of(request: Request, prompt: Sequence[int], stops: Sequence[int]) -> Job:
    """The request as OpenVINO takes it. Raises `GenerationError` for a constraint that nothing can meet."""
    config = openvino_genai().GenerationConfig()
    config.max_new_tokens = request.max_tokens
    config.stop_token_ids = set(stops)
    config.eos_token_id = stops[0] if stops else -1
    config.apply_chat_template = False
    config.logprobs = int(request.logprobs)
    config.do_sample = request.temperature > 0
    if config.do_sample:
        config.temperature, config.top_p = request.temperature, request.top_p
        config.top_k, config.rng_seed = 0, request.seed
    if request.constraint is not None:
        config.structured_output_config = _structured(request.constraint)
    return Job(prompt, config, isinstance(request.constraint, JsonSchema | Regex | Grammar))


def _structured(constraint: Constraint) -> Any:
    structured = openvino_genai().StructuredOutputConfig()
    match constraint:
        case Quotes():
            structured.grammar = grammar_of(constraint)
        case Grammar():
            structured.grammar = constraint.gbnf
        case Regex():
            structured.regex = constraint.pattern
        case JsonSchema():
            structured.json_schema = demand_holdable(constraint.schema)
    return structured
