from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.generate.gguf import Gguf, read
from ragbraid.generate.token_bytes import token_bytes
from tiny_gguf import CONTROLS, tiny_gguf


def test_every_byte_has_its_token(tmp_path: Path) -> None:
    found = token_bytes(read(tiny_gguf(tmp_path / "tiny.gguf")))
    assert found[: len(CONTROLS)] == [b""] * len(CONTROLS)
    assert sorted(found[len(CONTROLS) : -1]) == [bytes([byte]) for byte in range(256)]
    assert found[-1] == b"th"


@given(st.binary(max_size=12))
def test_pieces_of_sentencepiece_are_text_with_blocks_for_spaces(some: bytes) -> None:
    tokens = [*(f"<0x{byte:02X}>".encode() for byte in some), "▁Ada".encode(), b"</s>"]
    kinds = [6] * len(some) + [1, 3]
    header = Gguf(
        {
            "tokenizer.ggml.model": "llama",
            "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.token_type": kinds,
        }
    )
    assert b"".join(token_bytes(header)) == some + b" Ada"
