"""Embedders as far as a splitter asks them: their tokenizers."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from ragbraid.errors import ModelMissing
from ragbraid.models.locate import locate


class Measure:
    """An embedder as far as a splitter asks it."""

    def __init__(self, tokenizer_json: str, max_tokens: int) -> None:
        self._tokenizer_json = tokenizer_json
        self.max_tokens = max_tokens

    def tokenizer_json(self) -> str:
        return self._tokenizer_json


def minilm_json() -> str:
    try:
        folder = locate("all-minilm-l6-v2")
    except ModelMissing as missing:
        pytest.skip(str(missing))
    return (folder / "tokenizer.json").read_text("utf-8")


def byte_level_json() -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(["some words on a line, and then more of the same words"] * 3, trainer)
    return str(tokenizer.to_str())


def words(text: str) -> int:
    """How a splitter without an embedder counts."""
    return sum(-(-len(word.encode()) // 4) for word in text.split())
