"""Static models: what the library computes, by a table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ragbraid.embed.sentence_transformer import SentenceTransformer, SentenceTransformerRuntime
from ragbraid.errors import ModelError
from ragbraid.testing.embedder import EmbedderConformance
from ragbraid.types import ModelName
from tiny_models import make_tiny

TEXTS = ["water boils.", "a", "fire a b c d e f g h " * 40, "zzz water fires"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer as Library
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    base = tmp_path_factory.mktemp("static")
    torch.manual_seed(0)
    tokenizer = Tokenizer.from_file(str(make_tiny(base / "base") / "tokenizer.json"))
    model = Library(modules=[StaticEmbedding(tokenizer, embedding_dim=24)], device="cpu")
    model.save(str(base / "m"), create_model_card=False)
    return base / "m"


def opened(folder: Path, **options: object) -> SentenceTransformerRuntime:
    return SentenceTransformer(model=ModelName(str(folder)), **options).open()  # type: ignore[arg-type]


class TestStaticConforms(EmbedderConformance):
    @pytest.fixture(autouse=True)
    def place(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> SentenceTransformerRuntime:
        return opened(self.folder)


def test_it_equals_sentence_transformers(folder: Path) -> None:
    from sentence_transformers import SentenceTransformer as Library

    expected = Library(str(folder), device="cpu").encode(TEXTS, normalize_embeddings=True)
    ours = opened(folder, batch_tokens=50)
    assert np.allclose(ours.embed(TEXTS), expected, atol=1e-5)
    assert ours.dimensions == 24
    assert opened(folder, dimensions=8).embed(TEXTS).shape == (4, 8)
    assert [len(each.ids) for each in ours.token_vectors(TEXTS[:2])] == [3, 1]


def test_it_takes_neither_torch_nor_the_library(folder: Path) -> None:
    code = (
        "import sys; from ragbraid.embed.sentence_transformer import SentenceTransformer as S;"
        f"print(S(model={str(folder)!r}).open().embed(['water']).shape);"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert ran.stdout.strip() == "(1, 24)"


def test_as_model2vec_writes_it(folder: Path, tmp_path: Path) -> None:
    table = load_file(_weights(folder))["embedding.weight"]
    other = tmp_path / "m"
    _copy(folder, other)
    at = np.arange(len(table), dtype=np.int64)[::-1].copy()
    weights = np.linspace(0.5, 2, len(table)).astype(np.float32)
    stored = (table / weights[:, None])[at]
    save_file(
        {"embeddings": np.ascontiguousarray(stored), "mapping": at, "weights": weights}, _weights(other)
    )
    assert np.allclose(opened(other).embed(TEXTS), opened(folder).embed(TEXTS), atol=1e-5)
    assert opened(other).identity != opened(folder).identity


def test_what_cannot_be_read_is_told(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "m"
    _copy(folder, other)
    with pytest.raises(ModelError, match="OpenVINO isn't given"):
        opened(other, engine="openvino").embed(["a"])
    with pytest.raises(ModelError, match="late"):
        opened(other, late=True).embed(["a"])
    _weights(other).write_bytes(_weights(other).read_bytes()[:-7])
    with pytest.raises(ModelError, match="can't be loaded"):
        opened(other).embed(["a"])
    save_file({"embedding.weight": np.full((40, 4), np.nan, np.float32)}, _weights(other))
    with pytest.raises(ModelError, match="isn't a number"):
        opened(other).embed(["a"])
    save_file({"other": np.zeros((4, 4), np.float32)}, _weights(other))
    with pytest.raises(ModelError, match="a table of vectors"):
        opened(other).embed(["a"])


def _weights(folder: Path) -> Path:
    (found,) = folder.rglob("model.safetensors")
    return found


def _copy(folder: Path, target: Path) -> None:
    for each in folder.rglob("*"):
        if each.is_file():
            place = target / each.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(each.read_bytes())
