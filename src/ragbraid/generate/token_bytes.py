"""The bytes that each token of a GGUF file's vocabulary stands for."""

from __future__ import annotations

import re
from functools import lru_cache

from ragbraid.generate.gguf import Gguf

CONTROL = (3, 4)
"""llama.cpp's token types that are no text: control, and user-defined."""
_SPACE = "\u2581"
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def token_bytes(header: Gguf) -> list[bytes]:
    """By token id; control tokens have none.

    GPT-2's tokenizers write each byte as a printable letter, SentencePiece's write text, with a block for a
    space and `<0x0A>` for a byte by itself.
    """
    tokens = header.metadata.get("tokenizer.ggml.tokens", [])
    types = header.metadata.get("tokenizer.ggml.token_type", [1] * len(tokens))
    read = _letters if header.metadata.get("tokenizer.ggml.model") == "gpt2" else _piece
    return [
        b"" if kind in CONTROL else read(token.decode("utf-8", "replace"))
        for token, kind in zip(tokens, types, strict=False)
    ]


def _letters(token: str) -> bytes:
    known = _bytes_of_letters()
    return b"".join(bytes([known[each]]) if each in known else each.encode() for each in token)


def _piece(token: str) -> bytes:
    lone = _BYTE.fullmatch(token)
    return bytes([int(lone[1], 16)]) if lone else token.replace(_SPACE, " ").encode()


@lru_cache(maxsize=1)
def _bytes_of_letters() -> dict[str, int]:
    """Printable bytes are their own letters; the others follow from 256 on, in order."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = (byte for byte in range(256) if byte not in printable)
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}
