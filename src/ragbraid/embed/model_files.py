"""What an embedding model's own files say of it: limits, pooling, prefixes. Imports no torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ragbraid.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Pooling = Literal["mean", "cls"]

_ENDLESS = 1 << 16
"""Tokens of a text for a model that has no limit of its own."""
_SMALL = 1 << 20
_SAMPLE = 4096


@dataclass(frozen=True)
class ModelFiles:
    """A sentence-transformers folder, or a plain transformers one (then pooled by the mean)."""

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """The transformer's own configuration."""
        config = self._json("config.json")
        if not isinstance(config, dict):
            raise ModelError(
                f"{self.folder} isn't an embedding model: it has no readable config.json.",
                "Name the folder of a sentence-transformers model.",
            )
        return config

    @cached_property
    def modules(self) -> list[tuple[str, str]]:
        """The class name and subfolder of each module, in order."""
        listed = self._json("modules.json") or [{"type": "Transformer", "path": ""}]
        return [(each["type"].rpartition(".")[2], each["path"]) for each in listed]

    @cached_property
    def static(self) -> Path | None:
        """The folder of a static model: a table of tokens' vectors, and nothing after it."""
        own = [(name, path) for name, path in self.modules if name != "Normalize"]
        return self.folder / own[0][1] if [name for name, _ in own] == ["StaticEmbedding"] else None

    @property
    def pooling(self) -> Pooling | None:
        """How token states become one vector; None for anything but the mean or the first token."""
        if [name for name, _ in self.modules] == ["Transformer"]:
            return "mean"
        if [name for name, _ in self.modules if name != "Normalize"] != ["Transformer", "Pooling"]:
            return None
        modes = [key for key, on in self._pooling_config.items() if key.startswith("pooling_mode") and on]
        names: dict[str, Pooling] = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
        return names.get(modes[0]) if len(modes) == 1 else None

    @property
    def _pooling_config(self) -> dict[str, Any]:
        path = next((path for name, path in self.modules if name == "Pooling"), "")
        return self._json(f"{path}/config.json") or {}

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        if self.static is not None:
            return _width(self.static / "model.safetensors")
        dense = [path for name, path in self.modules if name == "Dense"]
        if dense:
            return int((self._json(f"{dense[-1]}/config.json") or {})["out_features"])
        if self.pooling is None and "word_embedding_dimension" in self._pooling_config:
            modes = [on for key, on in self._pooling_config.items() if key.startswith("pooling_mode")]
            return int(self._pooling_config["word_embedding_dimension"]) * sum(map(bool, modes))
        return int(self.config["hidden_size"])

    @property
    def positions(self) -> int:
        """The most tokens that the model can take, special ones included."""
        if self.static is not None:
            return _ENDLESS
        positions = int(self.config.get("max_position_embeddings", 512))
        if self.config.get("model_type") in ("roberta", "xlm-roberta", "camembert"):
            positions -= int(self.config.get("pad_token_id", 1)) + 1
        return positions

    @property
    def max_length(self) -> int:
        """The tokens that the model was meant for, special ones included."""
        if self.static is not None:
            return _ENDLESS
        limit = (self._json("sentence_bert_config.json") or {}).get("max_seq_length")
        limit = limit or (self._json("tokenizer_config.json") or {}).get("model_max_length")
        return min(int(limit), self.positions) if limit else self.positions

    def prefix(self, purpose: str) -> str:
        """What the model's files say to put before a text of this purpose."""
        prompts = (self._json("config_sentence_transformers.json") or {}).get("prompts") or {}
        other = {"query": "query", "passage": "document"}[purpose]
        return str(prompts.get(purpose) or prompts.get(other) or "")

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, cutting and padding nothing; a static model's adds no special tokens."""
        from tokenizers import Tokenizer

        path = (self.static or self.folder) / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises plain Exception
            raise ModelError(f"The tokenizer {path} can't be read: {error}.") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if self.static is not None:
            tokenizer.post_processor = None
        return tokenizer

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits that differ wherever the vectors may.

        Hashes every small JSON file in whole and, of the weights, the header, the size and 4 KiB from the
        middle of each tensor: training moves all of a tensor, so two models differ in each sample, and no
        90 MB have to be read to open an index. A damaged file isn't found this way: `locate` finds it, where
        the model is the catalogue's.
        """
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.suffix == ".json" and name != "data_config.json":
                digest.update(name.encode() + path.read_bytes())
            elif path.suffix in (".safetensors", ".bin"):
                digest.update(name.encode())
                _sample(path, digest)
        return digest.hexdigest()[:12]

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ModelError(f"{self.folder / name} can't be read: {error}.") from error


def _width(path: Path) -> int:
    """The length of a row of a static model's table, from the header of its file."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        table = header.get("embedding.weight") or header["embeddings"]
        return int(table["shape"][1])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelError(f"{path} can't be read as a table of vectors.", "Fetch the model again.") from error


def _sample(path: Path, digest: Any) -> None:
    """Feed the header and a block of every tensor to the digest; all of a file that isn't safetensors."""
    with path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(8), "little")
        if path.suffix != ".safetensors" or length > size:
            file.seek(0)
            while block := file.read(_SMALL):
                digest.update(block)
            return
        header = file.read(length)
        digest.update(str(size).encode() + header)
        for name, tensor in sorted(json.loads(header).items()):
            if name != "__metadata__":
                start, end = tensor["data_offsets"]
                middle = start + max(0, (end - start - _SAMPLE) // 2)
                file.seek(8 + length + middle)
                digest.update(file.read(min(_SAMPLE, end - start)))
