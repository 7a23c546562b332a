"""A byte-level BPE tokenizer, as GPT-2's and GPT-NeoX's, in a GGUF file's terms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbraid.errors import ModelError

_NORMAL, _CONTROL, _USER, _UNUSED = 1, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens with their ggml types, merges, and the numbers of the tokens that begin and end texts."""

    tokens: tuple[str, ...]
    types: tuple[int, ...]
    merges: tuple[str, ...]
    begin: int | None
    end: int | None


def read_vocabulary(folder: Path, size: int, begin: int | None, end: int | None) -> Vocabulary:
    """What tokenizer.json has, filled up to `size` tokens. Raises `ModelError` for another kind."""
    path = folder / "tokenizer.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        model = told["model"]
        if model["type"] != "BPE" or "ByteLevel" not in json.dumps(told["pre_tokenizer"]):
            raise ModelError(
                f"The tokenizer {path} isn't a byte-level BPE, as GPT-NeoX's is.",
                "Take `type: transformers`, which reads any tokenizer.",
            )
        names = {int(number): str(token) for token, number in model["vocab"].items()}
        types = dict.fromkeys(names, _NORMAL)
        for each in told.get("added_tokens", ()):
            names[int(each["id"])] = str(each["content"])
            types[int(each["id"])] = _CONTROL if each["special"] else _USER
        if names and max(names) >= size:
            raise ModelError(f"{path} has more tokens than the model, which has {size:,}.", "Fetch it again.")
        return Vocabulary(
            tuple(names.get(number, f"[PAD{number}]") for number in range(size)),
            tuple(types.get(number, _UNUSED) for number in range(size)),
            tuple(_merge(each) for each in model["merges"]),
            begin,
            end,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The tokenizer {path} can't be read: {error!r}.", "Fetch the model again."
        ) from error


def _merge(told: Any) -> str:
    """Older files have a text, newer ones a pair."""
    return told if isinstance(told, str) else " ".join(told)
