"""The likeliest first tokens, as servers that speak OpenAI's protocol tell them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST = 20
"""How many a server tells at most."""


def alternatives(choice: Mapping[str, Any]) -> dict[str, float]:
    """Texts and log-probabilities of a choice's first token; empty where the server doesn't tell.

    Of two tokens with the same text, such as parts of a character, the likelier one counts.
    """
    found: dict[str, float] = {}
    content = (choice.get("logprobs") or {}).get("content") or []
    for each in content[0].get("top_logprobs") or [] if content else []:
        text, value = each.get("token"), each.get("logprob")
        if isinstance(text, str) and isinstance(value, int | float) and not math.isnan(value):
            found[text] = max(float(value), found.get(text, -math.inf))
    return found


def likeliest(
    logs: npt.NDArray[np.float32], count: int, decode: Callable[[list[int]], str]
) -> dict[str, float]:
    """The texts of the `count` likeliest tokens of a vocabulary; of two with one text the likelier counts."""
    told: dict[str, float] = {}
    for token in (-logs).argsort(kind="stable")[:count]:
        told.setdefault(decode([int(token)]), min(0.0, float(logs[token])))
    return told


def logprobs(choice: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The texts and log-probabilities of a choice's own tokens; empty where the server doesn't tell."""
    content = (choice.get("logprobs") or {}).get("content") or []
    return [(str(each.get("token", "")), min(0.0, float(each.get("logprob") or 0.0))) for each in content]
