"""Which tokens a constraint lets come next, by llguidance (Microsoft's engine of grammars, MIT)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbraid.errors import GenerationError, MissingDependency, RagbraidError
from ragbraid.generate.json_schema import demand_holdable
from ragbraid.generate.protocol import Constraint, Grammar, JsonSchema, Quotes, Regex
from ragbraid.generate.quote_grammar import grammar_of


class Holder:
    """Follows one completion."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def allowed(self, size: int) -> npt.NDArray[np.bool_]:
        """For each token of a vocabulary of `size`, whether it may come next."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        mask = np.unpackbits(bits, bitorder="little")[:size].astype(np.bool_)
        return np.pad(mask, (0, size - len(mask)))

    def take(self, token: int) -> bool:
        """Let a token have come; whether the sentence is over."""
        self._matcher.consume_token(token)
        if error := self._matcher.get_error():
            raise GenerationError(f"The constraint broke: {error}")
        return bool(self._matcher.is_stopped())


def holders(tokenizer: Any, stops: list[int]) -> Callable[[Constraint], Holder]:
    """What makes a holder for a constraint, over the tokenizer's vocabulary.

    That raises `GenerationError` for a constraint that can't be read, and `MissingDependency`.
    """
    try:
        import llguidance
    except ImportError as error:
        raise MissingDependency(
            "Constraints need llguidance, which isn't installed.", "Run `pip install 'ragbraid[local]'`."
        ) from error
    vocabulary = llguidance.LLTokenizer(_described(tokenizer), eos_token=stops)

    def make(constraint: Constraint) -> Holder:
        try:
            matcher = llguidance.LLMatcher(vocabulary, _grammar(constraint))
        except RagbraidError:
            raise
        except Exception as error:  # its converter of grammars raises no narrower type
            raise GenerationError(f"The constraint can't be read: {error}.") from error
        if why := matcher.get_error():
            raise GenerationError(f"The constraint can't be read: {why.splitlines()[0]}")
        return Holder(matcher)

    return make


def _described(tokenizer: Any) -> str:
    """The tokenizer as llguidance reads it: it knows spaces that are letters from `Replace` alone."""
    description = json.loads(tokenizer.backend_tokenizer.to_str())
    description["padding"] = description["truncation"] = None
    decoder = description["decoder"] or {}
    steps = decoder.get("decoders", [decoder])
    if any(each.get("type") == "Metaspace" for each in steps):
        space = next(each for each in steps if each.get("type") == "Metaspace")["replacement"]
        description["decoder"] = {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": space}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        }
    return json.dumps(description)


def _grammar(constraint: Constraint) -> str:
    from llguidance import LLMatcher
    from llguidance.gbnf_to_lark import gbnf_to_lark

    match constraint:
        case Quotes():
            return str(LLMatcher.grammar_from_lark(gbnf_to_lark(grammar_of(constraint))))
        case Grammar():
            return str(LLMatcher.grammar_from_lark(gbnf_to_lark(constraint.gbnf)))
        case Regex():
            return str(LLMatcher.grammar_from_regex(constraint.pattern))
        case JsonSchema():
            return str(LLMatcher.grammar_from_json_schema(demand_holdable(constraint.schema)))
