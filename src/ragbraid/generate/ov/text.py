"""Text to token ids and back, with the tokenizer that OpenVINO made of a GGUF file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ragbraid.generate.ends import ENDS
from ragbraid.generate.gguf import Gguf
from ragbraid.generate.prompting import prompt_tokens
from ragbraid.generate.token_bytes import CONTROL, token_bytes
from ragbraid.models.openvino import openvino_genai
from ragbraid.models.signal_stack import signal_stack_kept
from ragbraid.types import Message


class Text:
    """Encodes prompts and decodes answers; knows nothing of weights."""

    def __init__(self, folder: Path, header: Gguf, name: str) -> None:
        self._folder, self._header, self._name = folder, header, name

    def prompt(self, prompt: tuple[Message, ...] | str) -> list[int]:
        """The tokens of a prompt, chat template and beginning of text included."""
        return prompt_tokens(
            prompt,
            lambda piece: self.encode(piece.text, control=piece.control),
            template=self._header.chat_template,
            bos=self._header.token("bos"),
            eos=self._header.token("eos"),
            begin=self._begin,
            model=self._name,
        )

    def encode(self, text: str, *, control: bool) -> list[int]:
        """Token ids; without `control`, what looks like a control token is cut and never becomes one."""
        parts = [text] if control else list(self._harmless(text))
        return [token for part in parts if part for token in self._encode(part)]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts without control tokens: a call for each takes a quarter of a millisecond."""
        if not texts:
            return []
        if any(not text or self._controls.search(text) for text in texts):
            return [self.encode(text, control=False) for text in texts]
        encoded = self._tokenizer.encode(list(texts), add_special_tokens=False)
        mask = encoded.attention_mask.data.astype(bool)  # shorter ones are padded
        return [row[own].tolist() for row, own in zip(encoded.input_ids.data, mask, strict=True)]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; control tokens have none, and half a character is a replacement sign."""
        return b"".join(self._bytes[token] for token in tokens).decode("utf-8", "replace")

    @cached_property
    def stops(self) -> tuple[int, ...]:
        """The tokens that end an answer; the first is the one that the file names."""
        metadata = self._header.metadata
        named = [metadata.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot")]
        tokens = metadata.get("tokenizer.ggml.tokens", [])
        known = [at for at, token in enumerate(tokens) if token.decode("utf-8", "replace") in ENDS]
        return tuple(dict.fromkeys([*(int(each) for each in named if each is not None), *known]))

    def _encode(self, text: str) -> list[int]:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return [int(each) for each in encoded.input_ids.data[0]]

    def _harmless(self, text: str) -> Iterator[str]:
        """The text in parts, none of which holds a control token."""
        start = 0
        while found := self._controls.search(text, start):
            yield text[start : found.start() + 1]
            start = found.start() + 1
        yield text[start:]

    @cached_property
    def _bytes(self) -> list[bytes]:
        """The library's own way back to text leaves out what is no whole character, here and there."""
        return token_bytes(self._header)

    @cached_property
    def _controls(self) -> re.Pattern[str]:
        tokens = self._header.metadata.get("tokenizer.ggml.tokens", [])
        types = self._header.metadata.get("tokenizer.ggml.token_type", [])
        found = {
            token.decode("utf-8", "replace")
            for token, kind in zip(tokens, types, strict=False)
            if kind in CONTROL and len(token) > 1
        }
        longest_first = sorted(found, key=lambda each: (-len(each), each))
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @cached_property
    def _begin(self) -> list[int]:
        metadata = self._header.metadata
        begin = metadata.get("tokenizer.ggml.bos_token_id")
        adds = metadata.get("tokenizer.ggml.add_bos_token", metadata.get("tokenizer.ggml.model") == "llama")
        return [int(begin)] if adds and begin is not None else []

    @cached_property
    def _tokenizer(self) -> Any:
        with signal_stack_kept():
            return openvino_genai().Tokenizer(self._folder)
