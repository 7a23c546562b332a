"""Tokens that models end a turn with, whatever their files name as the end; llama.cpp knows these too."""

from __future__ import annotations

ENDS = frozenset(
    {
        "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>",
        "<|end|>", "<end_of_turn>", "</s>", "<eos>",
    }
)  # fmt: skip
