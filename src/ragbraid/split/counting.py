"""How long a text is in tokens: the embedder's, or an estimate where there is no embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import InputError, MissingDependency

Count = Callable[[Sequence[str]], list[int]]
"""Tokens of each text."""

_BATCH = 1024
_FEW = 4096
"""Characters of texts that are sooner counted one by one than a batch of them is shared out to threads."""


def counter(embedder: Embedder | None, limit: int) -> tuple[Count, bool]:
    """What counts tokens, and whether the sum over words is exactly the count of a passage."""
    if embedder is None:
        return lambda texts: [_estimate(text) for text in texts], True
    if limit > embedder.max_tokens:
        raise InputError(
            f"The splitter's max_tokens is {limit}, but the embedder sees only {embedder.max_tokens} tokens.",
            f"Set max_tokens to {embedder.max_tokens} or less.",
        )
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingDependency(
            "Splitting by tokens needs the package tokenizers.",
            "Install it with: pip install 'ragbraid[local]'.",
        ) from None
    tokenizer = Tokenizer.from_str(embedder.tokenizer_json())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return _Tokens(tokenizer), _adds_up(tokenizer)


class _Tokens:
    """Counts tokens without special tokens, in batches where there is much to count."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __call__(self, texts: Sequence[str]) -> list[int]:
        if sum(map(len, texts)) <= _FEW:
            encode = self._tokenizer.encode
            return [len(encode(each, add_special_tokens=False)) for each in texts]
        counts: list[int] = []
        for at in range(0, len(texts), _BATCH):
            batch = list(texts[at : at + _BATCH])
            counts += map(len, self._tokenizer.encode_batch_fast(batch, add_special_tokens=False))
        return counts


def _adds_up(tokenizer: Any) -> bool:
    """Whether blanks are dropped; other pre-tokenizers give a word another count at the front of a text."""
    return type(tokenizer.pre_tokenizer).__name__ in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")


def _estimate(text: str) -> int:
    return sum(-(-len(word.encode("utf-8", "surrogatepass")) // 4) for word in text.split())
