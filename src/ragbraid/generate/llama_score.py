"""log P of a given continuation by llama.cpp's server: a grammar that has no other sentence makes it say so.

The grammar is of token ids, for one of letters could be said in other tokens. Scores move by up to a nat with
what was cached and with what runs beside, so nothing is cached here and one is scored at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ragbraid.errors import GenerationError
from ragbraid.generate.protocol import Score

if TYPE_CHECKING:
    from ragbraid.generate.llama_server import LlamaServer

_ALL = 2**20
"""More than any vocabulary has."""
_SURELY = 1e6
"""A bias that decides; probabilities are told as they are without it."""


def score(server: LlamaServer, prompt: Sequence[int], continuation: Sequence[int]) -> Score:
    """How likely the continuation is, and that the model ends right after it. Raises `GenerationError`."""
    if not continuation:
        raise GenerationError("There is no continuation to score.", "Give at least one character.")
    whole = "root ::= " + " ".join(f"<[{token}]>" for token in continuation)
    told = _told(server, prompt, len(continuation) + 1, grammar=whole)
    if len(told) == len(continuation) + 1:
        return Score(sum(each["logprob"] for each in told[:-1]), told[-1]["logprob"], len(continuation))
    return _one_by_one(server, prompt, continuation)


def _one_by_one(server: LlamaServer, prompt: Sequence[int], continuation: Sequence[int]) -> Score:
    """For continuations with tokens that are parts of characters, which a grammar doesn't let through."""
    # What is sampled must be whole, or nothing is told of the place; what it is doesn't matter.
    whole = [[server.tokenize(".", control=False)[0], _SURELY]]
    total, before = 0.0, list(prompt)
    for token in continuation:
        told = _told(server, before, 1, n_probs=_ALL, logit_bias=whole)
        likely = told[0]["top_logprobs"] if told else ()
        total += next((float(each["logprob"]) for each in likely if each["id"] == token), float("nan"))
        before.append(token)
    end = _told(server, before, 1, grammar='root ::= ""')
    if not end or total != total:
        raise GenerationError("llama.cpp didn't score the continuation.", "Use type: openvino.")
    return Score(total, end[0]["logprob"], len(continuation))


def _told(server: LlamaServer, prompt: Sequence[int], most: int, **wanted: Any) -> list[dict[str, Any]]:
    """What the server says of the first `most` tokens that it comes to; fewer where it fails."""
    told: list[dict[str, Any]] = []

    def each(chunk: dict[str, Any]) -> bool:
        for choice in chunk.get("choices") or []:
            told.extend((choice.get("logprobs") or {}).get("content") or [])
        return len(told) >= most

    body = {
        "prompt": list(prompt),
        "n_probs": 1,
        "n_predict": most,
        "temperature": 0.0,
        "cache_prompt": False,
        "stream": True,
    }
    server.complete({**body, **wanted}, each)
    return told
