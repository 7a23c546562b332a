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

_FEW, _ALL = 4096, 2**20
"""Likeliest tokens to be told of: most often enough, and more than any vocabulary has, which takes ten times
as long."""
_SURELY = 1e6
"""A bias that decides; probabilities are told as they are without it."""


def score(
    server: LlamaServer, prompt: Sequence[int], continuation: Sequence[int], then: int | None = None
) -> Score:
    """How likely the continuation is, and right after it an end or the token `then`.

    Raises `GenerationError`.
    """
    if not continuation:
        raise GenerationError("There is no continuation to score.", "Give at least one character.")
    followed = [*continuation, *([] if then is None else [then])]
    whole = "root ::= " + " ".join(f"<[{token}]>" for token in followed)
    told = _told(server, prompt, len(continuation) + 1, grammar=whole)
    if len(told) == len(continuation) + 1:
        return Score(sum(each["logprob"] for each in told[:-1]), told[-1]["logprob"], len(continuation))
    return _one_by_one(server, prompt, followed, ends=then is None)


def _one_by_one(
    server: LlamaServer, prompt: Sequence[int], continuation: Sequence[int], *, ends: bool
) -> Score:
    """For continuations with tokens that are parts of characters, which a grammar doesn't let through."""
    # What is sampled must be whole, or nothing is told of the place; what it is doesn't matter.
    whole = [[server.tokenize(".", control=False)[0], _SURELY]]
    logs, before = [], list(prompt)
    for token in continuation:
        for most in (_FEW, _ALL):
            told = _told(server, before, 1, n_probs=most, logit_bias=whole)
            likely = told[0]["top_logprobs"] if told else ()
            found = [float(each["logprob"]) for each in likely if each["id"] == token]
            if found:
                break
        logs += found
        before.append(token)
    if ends:
        logs += [each["logprob"] for each in _told(server, before, 1, grammar='root ::= ""')]
    if len(logs) != len(continuation) + ends:
        raise GenerationError("llama.cpp didn't score the continuation.", "Use type: openvino.")
    return Score(sum(logs[:-1]), logs[-1], len(logs) - 1)


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
