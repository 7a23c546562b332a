"""Text to token ids and back, with the tokenizer that OpenVINO made of a GGUF file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ragbraid.errors import GenerationError
from ragbraid.generate.chat_template import Piece, render
from ragbraid.generate.gguf import Gguf
from ragbraid.types import Message

_CONTROL_TYPES = (3, 4)
"""llama.cpp's token types: control, and user-defined."""


_ENDS = frozenset(
    each.encode()
    for each in (
        "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>",
        "<|end|>", "<end_of_turn>", "</s>", "<eos>",
    )
)  # fmt: skip
"""What models end a turn with, whatever their files name; llama.cpp knows these too."""


class Text:
    """Encodes prompts and decodes answers; knows nothing of weights."""

    def __init__(self, folder: Path, header: Gguf, name: str) -> None:
        self._folder, self._header, self._name = folder, header, name

    def prompt(self, prompt: tuple[Message, ...] | str) -> list[int]:
        """The tokens of a prompt, chat template and beginning of text included."""
        if isinstance(prompt, str):
            pieces = [Piece(prompt, False)]
        else:
            template = self._header.chat_template
            if template is None:
                raise GenerationError(
                    f"{self._name} has no chat template.",
                    "Send the prompt as plain text, or take a model that was made for chat.",
                )
            pieces = render(template, prompt, bos=self._header.token("bos"), eos=self._header.token("eos"))
        ids = [token for piece in pieces for token in self.encode(piece.text, control=piece.control)]
        begin = self._begin
        return ids if ids[: len(begin)] == begin else begin + ids

    def encode(self, text: str, *, control: bool) -> list[int]:
        """Token ids; without `control`, what looks like a control token is cut and never becomes one."""
        parts = [text] if control else list(self._harmless(text))
        return [token for part in parts if part for token in self._encode(part)]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; control tokens have none, and half a character is a replacement sign."""
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    @cached_property
    def stops(self) -> tuple[int, ...]:
        """The tokens that end an answer; the first is the one that the file names."""
        metadata = self._header.metadata
        named = [metadata.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot")]
        tokens = metadata.get("tokenizer.ggml.tokens", [])
        known = [at for at, token in enumerate(tokens) if token in _ENDS]
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
    def _controls(self) -> re.Pattern[str]:
        tokens = self._header.metadata.get("tokenizer.ggml.tokens", [])
        types = self._header.metadata.get("tokenizer.ggml.token_type", [])
        found = {
            token.decode("utf-8", "replace")
            for token, kind in zip(tokens, types, strict=False)
            if kind in _CONTROL_TYPES and len(token) > 1
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
        from openvino_genai import Tokenizer

        return Tokenizer(self._folder)


class Decoder:
    """The text of an answer token by token, in whole characters.

    Decoding needs what stands before: some tokenizers drop a first space. So each step decodes a short run
    that begins with the last token already said.
    """

    def __init__(self, text: Text) -> None:
        self._text = text
        self._said: list[int] = []
        self._held: list[int] = []

    def feed(self, tokens: Sequence[int]) -> str:
        """What can be said now; half a character waits."""
        self._held += tokens
        told = self._told()
        if not told or told.endswith("\ufffd"):
            return ""
        self._said, self._held = self._held[-1:], []
        return told

    def end(self) -> str:
        """What was held back, without the part of a character that never came."""
        told = self._told().rstrip("\ufffd") if self._held else ""
        self._held = []
        return told

    def _told(self) -> str:
        before = self._text.decode(self._said) if self._said else ""
        return self._text.decode([*self._said, *self._held])[len(before) :]
