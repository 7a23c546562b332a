"""Reads the header of a GGUF file, and finds a damaged one before llama.cpp aborts the process over it."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbraid.errors import ModelError
from ragbraid.models.locate import locate

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

# ggml type → (elements a block, bytes a block); a type that isn't here is checked by its offset alone.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2), 34: (256, 54), 35: (256, 66),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gguf:
    """What a model file says of itself. Lists of texts, the vocabulary among them, are bytes in UTF-8."""

    metadata: Mapping[str, Any]
    kinds: frozenset[int] = frozenset()
    """The ggml types of its tensors."""
    parameters: int = 0

    @property
    def architecture(self) -> str:
        """llama.cpp's name for the architecture."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def context_length(self) -> int | None:
        """The tokens that the model was trained for."""
        length = self.metadata.get(f"{self.architecture}.context_length")
        return None if length is None else int(length)

    @property
    def cache_numbers(self) -> int:
        """The numbers that a token's keys and values are, over all layers; 0 where the file doesn't tell."""
        layers, width, heads = (
            self._number(each) for each in ("block_count", "embedding_length", "attention.head_count")
        )
        pairs = self._number("attention.head_count_kv") or heads
        own = width // heads if heads else 0
        key, value = (self._number(f"attention.{each}_length") or own for each in ("key", "value"))
        return layers * pairs * (key + value)

    def _number(self, name: str) -> int:
        """A number of the architecture, the largest where layers differ; 0 where there is none."""
        value = self.metadata.get(f"{self.architecture}.{name}", 0)
        return max(map(int, value), default=0) if isinstance(value, list) else int(value)

    @property
    def chat_template(self) -> str | None:
        """The Jinja template of a chat."""
        template = self.metadata.get("tokenizer.chat_template")
        return None if template is None else str(template)

    def token(self, name: str) -> str:
        """The text of a special token, `bos` or `eos`; empty where there is none."""
        number = self.metadata.get(f"tokenizer.ggml.{name}_token_id")
        tokens = self.metadata.get("tokenizer.ggml.tokens", [])
        known = number is not None and 0 <= number < len(tokens)
        return tokens[number].decode("utf-8", "replace") if known else ""


def read(path: Path) -> Gguf:
    """Read the metadata, and check that every tensor lies inside the file. Raises `ModelError`."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data, path).read()
    except (struct.error, IndexError, UnicodeDecodeError, KeyError) as error:
        raise _damaged(path, "its header can't be read") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"The model file {path} can't be read: {error}.") from error


def find_file(model: str, revision: str | None) -> Path:
    """The GGUF file of a model on this machine. Raises `ModelError` for a folder without just one."""
    path = locate(model, revision, kind="generator")
    if path.is_file():
        return path
    files = sorted(path.rglob("*.gguf"))
    if len(files) == 1:
        return files[0]
    found = f"{len(files)} GGUF files" if files else "no GGUF file"
    raise ModelError(f"There is {found} in {path}.", "Name one GGUF file as the model.")


_SQUARED_RELU = {"context_length": 4096, "embedding_length": 2560, "block_count": 30}
"""BitNet b1.58 2B-4T by its sizes; llama.cpp's `bitnet` was made for a 3B model of 26 blocks."""


def demand_faithful(file: Gguf, path: Path) -> Gguf:
    """The file, unless llama.cpp would compute another model of it: raises `ModelError` then."""
    sizes = {key: file.metadata.get(f"bitnet.{key}") for key in _SQUARED_RELU}
    if file.architecture == "bitnet" and sizes == _SQUARED_RELU:
        raise ModelError(
            f"{path} is BitNet b1.58 2B-4T, which has squared ReLU; llama.cpp's `bitnet` architecture has "
            "SiLU, and computes another model.",
            "Take `type: bitnet` with microsoft/bitnet-b1.58-2B-4T-bf16.",
        )
    return file


class _Reader:
    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data, self._path, self._at = data, path, 0

    def read(self) -> Gguf:
        if self._data[:4] != b"GGUF":
            raise ModelError(f"{self._path} isn't a GGUF file.", "The llama-cpp generator takes GGUF models.")
        self._at = 4
        version, tensors, pairs = self._scalar("I"), self._scalar("Q"), self._scalar("Q")
        if version not in (2, 3):
            raise ModelError(f"{self._path} is GGUF version {version}, and versions 2 and 3 can be read.")
        metadata = {}
        for _ in range(pairs):
            key = self._string()
            metadata[key] = self._value(self._scalar("I"))
        ends, kinds, parameters = [], set(), 0
        for _ in range(tensors):
            end, kind, elements = self._tensor()
            ends.append(end)
            kinds.add(kind)
            parameters += elements
        alignment = int(metadata.get("general.alignment", 32))
        begin = -(-self._at // alignment) * alignment
        missing = begin + max(ends, default=0) - len(self._data)
        if missing > 0:
            raise _damaged(self._path, f"{missing:,} bytes are missing at its end")
        return Gguf(metadata, frozenset(kinds), parameters)

    def _scalar(self, code: str) -> Any:
        (value,) = struct.unpack_from(f"<{code}", self._data, self._at)
        self._at += struct.calcsize(f"<{code}")
        return value

    def _string(self) -> str:
        length = self._scalar("Q")
        start, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise IndexError
        return self._data[start : self._at].decode("utf-8", "replace")

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._scalar(_SCALARS[kind])
        inner, count = self._scalar("I"), self._scalar("Q")
        if count > len(self._data):
            raise IndexError
        if inner in _SCALARS:
            code = f"<{count}{_SCALARS[inner]}"
            values = list(struct.unpack_from(code, self._data, self._at))
            self._at += struct.calcsize(code)
            return values
        return self._strings(count) if inner == _STRING else [self._value(inner) for _ in range(count)]

    def _strings(self, count: int) -> list[bytes]:
        """Left in UTF-8: a vocabulary has 50,000 and more, of which two are asked for."""
        data, at, length_at = self._data, self._at, struct.Struct("<Q").unpack_from
        found, end = [], len(data)
        for _ in range(count):
            start = at + 8
            at = start + length_at(data, at)[0]
            if at > end:
                raise IndexError
            found.append(data[start:at])
        self._at = at
        return found

    def _tensor(self) -> tuple[int, int, int]:
        """Where a tensor's data ends, its type, and how many numbers it has."""
        self._string()
        elements = 1
        for _ in range(self._scalar("I")):
            elements *= self._scalar("Q")
        kind, offset = self._scalar("I"), self._scalar("Q")
        block, size = _BLOCKS.get(kind, (1, 0))
        return int(offset + elements // block * size), kind, elements


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(f"The model file {path} is damaged: {what}.", "Fetch it again.")
