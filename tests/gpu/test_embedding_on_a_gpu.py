"""Embedding on a real GPU gives the vectors of the CPU, in bfloat16; skipped by name where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ragbraid.embed.encoder import load
from ragbraid.embed.model_files import ModelFiles
from ragbraid.embed.probes import COSINE_LEAST, PROBES, cosines
from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.embed.sparse_encoder import SparseEncoder
from ragbraid.errors import ModelMissing
from ragbraid.models.locate import locate
from ragbraid.types import ModelName
from tiny_models import make_sparse, make_tiny


@pytest.fixture(autouse=True)
def gpu() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch finds no GPU")


def test_minilm_in_bfloat16_is_as_exact() -> None:
    try:
        files = ModelFiles(locate("all-minilm-l6-v2"))
    except ModelMissing as missing:
        pytest.skip(str(missing))
    assert load(files, "cuda").half  # type: ignore[attr-defined]
    both = [SentenceTransformer(engine="torch", device=each).open().embed(PROBES) for each in ("cuda", "cpu")]
    assert cosines(*both).min() >= COSINE_LEAST


@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta", "modernbert", "qwen3"])
def test_other_models_are_near_enough(tmp_path: Path, model_type: str) -> None:
    model = ModelName(str(make_tiny(tmp_path / "m", model_type=model_type)))
    texts = ["water boils.", "fire", "a b c d e f g h", "zzz"]
    both = [
        SentenceTransformer(model, engine="torch", device=each).open().embed(texts)
        for each in ("cuda", "cpu")
    ]
    assert cosines(*both).min() >= COSINE_LEAST


def test_a_sparse_model_is_near_enough(tmp_path: Path) -> None:
    model = ModelName(str(make_sparse(tmp_path / "m")))
    both = [
        SparseEncoder(model, device=each).open().embed_sparse(["water", "fire"]) for each in ("cuda", "cpu")
    ]
    for one, other in zip(*both, strict=True):
        assert np.array_equal(one.terms, other.terms)
        assert np.allclose(one.weights, other.weights, atol=0.02)
