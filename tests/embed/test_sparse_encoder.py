"""Sparse models: what the library computes, in batches of ours."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.context import Cancellation, Context
from ragbraid.embed.protocol import Purpose, SparseVector
from ragbraid.embed.sparse_encoder import SparseEncoder, SparseEncoderRuntime
from ragbraid.errors import Cancelled, ModelError, ModelMissing
from ragbraid.pipeline.check import check_file
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.types import ModelName
from tiny_models import WORDS, make_sparse, make_tiny

TEXTS = ["water boils.", "a", "fire a b c d e f g h", "", "zzz water fires", "fire"]


@pytest.fixture(scope="module", params=["splade", "inference-free"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sparse(tmp_path_factory.mktemp("sparse") / "m", free=request.param == "inference-free")


def opened(folder: Path, **options: Any) -> SparseEncoderRuntime:
    return replace(SparseEncoder(ModelName(str(folder))), **options).open()


def dense(vectors: list[SparseVector]) -> np.ndarray:
    found = np.zeros((len(vectors), len(WORDS)), np.float32)
    for row, each in zip(found, vectors, strict=True):
        assert (np.diff(each.terms) > 0).all()
        assert (each.weights != 0).all()
        assert (each.terms.dtype, each.weights.dtype) == (np.int32, np.float32)
        row[each.terms] = each.weights
    return found


@pytest.mark.parametrize("purpose", ["passage", "query"])
def test_it_equals_sentence_transformers(folder: Path, purpose: Purpose) -> None:
    from sentence_transformers import SparseEncoder as Library

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = Library(str(folder), device="cpu")
    encode = library.encode_query if purpose == "query" else library.encode_document
    expected = np.stack([encode(each, convert_to_sparse_tensor=False).numpy() for each in TEXTS])
    ours = opened(folder, batch_tokens=16)
    found = dense(ours.embed_sparse(TEXTS, purpose))
    assert expected.any()
    assert np.allclose(found, expected, atol=1e-5)
    assert np.allclose(dense(ours.embed_sparse(TEXTS[::-1], purpose))[::-1], found, atol=1e-5)
    assert ours.embed_sparse([]) == []
    ours.close()


def test_what_is_set_and_what_is_refused(folder: Path, tmp_path: Path) -> None:
    ours, few = opened(folder), opened(folder, max_active_dims=3)
    assert max(len(each.terms) for each in few.embed_sparse(TEXTS)) <= 3
    other = make_sparse(tmp_path / "m", seed=1)
    assert len({ours.identity, few.identity, opened(other).identity}) == 3
    assert ours.identity == opened(folder, batch_tokens=99).identity
    long = "a " * 40
    with pytest.raises(ModelError, match=r"Passage 2 of 2 has 4\d tokens, and .* sees 18"):
        ours.embed_sparse(["a", long])
    context = Context(Cancellation())
    ours.embed_sparse([long], "query", context=context)
    assert ("cut" in context.notes) is True
    cancelled = Cancellation()
    cancelled.cancel()
    with pytest.raises(Cancelled):
        ours.embed_sparse(TEXTS, context=Context(cancelled))


def test_a_dense_model_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no sparse model"):
        opened(make_tiny(tmp_path / "dense")).embed_sparse(["a"])
    with pytest.raises(ModelMissing):
        opened(tmp_path / "nothing").embed_sparse(["a"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="is one file"):
        opened(tmp_path / "file").embed_sparse(["a"])


def test_a_pipeline_file_ingests_with_it_and_fuses_three_searches(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("water boils.")
    (tmp_path / "b.txt").write_text("fire a b c")
    (tmp_path / "ragbraid.yaml").write_text(
        f"""
ragbraid: 1
components:
  embedder: {{type: testing/hash-embedder}}
  sparse: {{type: sparse-encoder, model: {folder}}}
  index: {{type: faiss, path: index, embedder: embedder, sparse: sparse}}
ingest:
  - {{type: files, include: ["*.txt"]}}
  - {{type: testing/fixed-splitter}}
  - index
search:
  - {{type: dense, index: index}}
  - {{type: lexical, index: index}}
  - {{id: terms, type: sparse, index: index}}
  - {{type: rrf, hits: [dense, lexical, terms]}}
"""
    )
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        pipeline.ingest([str(tmp_path)])
        hits = pipeline.search("water")
    assert {hit.source.rpartition("/")[2] for hit in hits} == {"a.txt", "b.txt"}
    best = next(hit for hit in hits if hit.source.endswith("a.txt"))
    assert {"dense", "lexical", "terms", "rrf"} <= best.scores.keys()


@pytest.mark.parametrize("index", ["{type: faiss}", "{type: testing/list-index}"])
def test_a_check_refuses_an_index_without_sparse_vectors(index: str, tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(
        f"""
ragbraid: 1
components:
  index: {index}
search:
  - {{type: sparse, index: index}}
"""
    )
    problems = check_file(tmp_path / "ragbraid.yaml")
    said = "keeps no sparse vectors" if "faiss" in index else "it has no search_sparse"
    assert any(said in each.message for each in problems), problems
