"""Every engine beside torch in float32: the same model, the same prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.generate.openvino import OpenVino
from ragbraid.generate.protocol import Completion, Generator, Request
from ragbraid.generate.transformers import Transformers
from ragbraid.testing.generator import random_prompts
from ragbraid.types import ModelName
from soaking import count
from tiny_gguf import tiny_gguf


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def told(generator: Generator, prompts: list[str]) -> list[Completion]:
    found = generator.generate([Request(each, 8, logprobs=True) for each in prompts])
    assert all(isinstance(each, Completion) for each in found), found
    return found  # type: ignore[return-value]


def test_openvino_says_what_torch_says_as_surely(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, prompts = ModelName(str(path)), random_prompts(count(20, 300), seed=9)
    torch, ours = Transformers(model).open(), OpenVino(model, context_tokens=512, cache_mb=8).open()
    try:
        for expected, found in zip(told(torch, prompts), told(ours, prompts), strict=True):
            assert found.text == expected.text
            assert np.allclose(
                [log for _, log in found.tokens], [log for _, log in expected.tokens], atol=1e-4
            )
        texts = ["abc", "the", "水", "th"]
        for one, other in zip(ours.score(prompts[0], texts), torch.score(prompts[0], texts), strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-3)
            assert one.stop == pytest.approx(other.stop, abs=1e-3)
    finally:
        torch.close()
        ours.close()


def test_llama_cpp_reads_the_same_model(path: Path) -> None:
    """It rounds activations: near torch, and not equal to it."""
    model = ModelName(str(path))
    torch, ours = Transformers(model).open(), LlamaCpp(model, context_tokens=512, threads=1).open()
    try:
        for prompt in random_prompts(3, seed=9):
            texts = ["abc", "the", "水"]
            for one, other in zip(ours.score(prompt, texts), torch.score(prompt, texts), strict=True):
                assert one.tokens == other.tokens
                assert one.logprob == pytest.approx(other.logprob, abs=0.5)
    finally:
        torch.close()
        ours.close()
