"""GPT-NeoX as GGUF: what llama.cpp computes of the file is what transformers computes of the folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ragbraid.errors import ModelError
from ragbraid.generate.gguf import read
from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.generate.transformers import Transformers, TransformersRuntime
from ragbraid.models.convert.gguf_file import Packing, convert
from ragbraid.types import ModelName
from tiny_neox import make_neox

CHARACTERS = [chr(code) for code in range(33, 127)]
TEXTS = ("The Rhine flows  1,230 km.", "abc abc abc", "Züge: 漢字")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_neox(tmp_path_factory.mktemp("neox") / "tiny")


@pytest.fixture(scope="module")
def reference(folder: Path) -> Iterator[TransformersRuntime]:
    opened = Transformers(ModelName(str(folder)), context_tokens=256).open()
    yield opened
    opened.close()


def divergence(path: Path, reference: TransformersRuntime) -> float:
    """The mean KL of llama.cpp's next character to transformers', in nats."""
    runtime = LlamaCpp(ModelName(str(path)), context_tokens=256).open()
    found = []
    for text in TEXTS:
        assert runtime.count_tokens(text) == reference.count_tokens(text)
        one, other = (
            [each.logprob for each in engine.score(text, CHARACTERS)] for engine in (reference, runtime)
        )
        wanted, given = ([*map(math.exp, logs), 1 - sum(map(math.exp, logs))] for logs in (one, other))
        found.append(sum(p * math.log(p / q) for p, q in zip(wanted, given, strict=True)))
    runtime.close()
    return float(np.mean(found))


@pytest.mark.parametrize(("packing", "most"), [("f16", 1e-4), ("q8_0", 1e-2), ("q4_0", 1.0)])
def test_llama_cpp_computes_what_transformers_does(
    packing: Packing, most: float, folder: Path, reference: TransformersRuntime, tmp_path: Path
) -> None:
    convert(folder, tmp_path / "tiny.gguf", packing)
    assert abs(divergence(tmp_path / "tiny.gguf", reference)) < most
    told = read(tmp_path / "tiny.gguf")
    assert told.architecture == "gptneox"
    assert told.metadata["gptneox.rope.dimension_count"] == 4
    assert told.parameters == sum(each.numel() for each in loaded(reference).model.parameters())


def loaded(reference: TransformersRuntime):  # type: ignore[no-untyped-def]
    with reference._weights.use() as model:
        return model


def test_residuals_one_after_the_other_and_pickled_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "converted"))
    folder = make_neox(tmp_path / "serial", safe=False, parallel=False)
    convert(folder, tmp_path / "serial.gguf", "f32")
    runtime = Transformers(ModelName(str(folder)), context_tokens=256).open()
    assert abs(divergence(tmp_path / "serial.gguf", runtime)) < 1e-5


def test_what_cannot_be_converted_is_a_sentence_and_leaves_no_file(folder: Path, tmp_path: Path) -> None:
    cases = {
        "llama": ({"model_type": "llama"}, "is a llama model"),
        "bitnet": ({"model_type": "bitnet"}, "squared ReLU"),
        "lacking": ({"model_type": "gpt_neox"}, "lacks 'max_position_embeddings'"),
        "small": (json.loads((folder / "config.json").read_text("utf-8")) | {"vocab_size": 9}, "more tokens"),
        "wide": (json.loads((folder / "config.json").read_text("utf-8")) | {"hidden_size": 32}, "and not"),
    }
    for name, (config, said) in cases.items():
        made = tmp_path / name
        made.mkdir()
        for path in folder.iterdir():
            (made / path.name).write_bytes(path.read_bytes())
        (made / "config.json").write_text(json.dumps(config), "utf-8")
        with pytest.raises(ModelError, match=said):
            convert(made, tmp_path / "out.gguf")
    cut = tmp_path / "wide" / "model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-9])
    (tmp_path / "wide" / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(ModelError, match="damaged"):
        convert(tmp_path / "wide", tmp_path / "out.gguf")
    assert list(tmp_path.glob("*out.gguf*")) == []


def test_a_revision_that_is_not_here_is_named() -> None:
    runtime = Transformers(ModelName("EleutherAI/pythia-160m"), revision="step3").open()
    with pytest.raises(
        ModelError, match="The revision step3 of EleutherAI/pythia-160m isn't on this machine"
    ):
        runtime.count_tokens("a")
