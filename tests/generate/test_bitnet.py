from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.errors import ModelError
from ragbraid.generate.bitnet import kernel
from ragbraid.generate.bitnet.component import BitNet, BitNetRuntime
from ragbraid.generate.bitnet.linear import TernaryLinear, in_8_bits, ternary
from ragbraid.generate.bitnet.load import load_bitnet, packing
from ragbraid.generate.bitnet.quantize import quantize
from ragbraid.generate.protocol import Completion, Request
from ragbraid.testing.generator import random_prompts
from ragbraid.types import Message, ModelName
from soaking import count
from tiny_bitnet import TEXT, make_bitnet


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bitnet(tmp_path_factory.mktemp("bitnet") / "trained", "ternary")


@pytest.fixture(scope="module")
def runtime(folder: Path) -> Iterator[BitNetRuntime]:
    opened = BitNet(ModelName(str(folder)), context_tokens=512).open()
    yield opened
    opened.close()


@settings(max_examples=count(20, 1000), deadline=None)
@given(rows=st.integers(1, 9), columns=st.integers(1, 70), tokens=st.integers(1, 9), seed=st.integers(0, 999))
def test_packed_is_unpacked_to_the_last_bit(rows: int, columns: int, tokens: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    weights = torch.randint(-1, 2, (4 * rows, columns), generator=draw)
    packed = kernel.pack(weights)
    assert packed.dtype == torch.uint8
    assert packed.shape == (rows, columns)
    assert torch.equal(kernel.unpack(packed), weights.to(torch.int8))
    numbers = torch.randint(-128, 128, (tokens, columns), generator=draw).to(torch.int8)
    assert torch.equal(kernel.multiply(packed, numbers), (numbers.long() @ weights.T).to(torch.int32))
    given = torch.randn(2, tokens, columns, generator=draw) * 10
    scale = torch.rand(1, generator=draw)
    one, other = (TernaryLinear(packed, scale, packed=each)(given) for each in (True, False))
    assert torch.equal(one, other)


def test_rounding_is_the_papers() -> None:
    weights = torch.tensor([[0.9, -0.1, 0.4, -2.0], [0.0, 0.3, -0.3, 0.6]])
    rounded, scale = ternary(weights)
    assert scale == pytest.approx(0.575)
    assert rounded.tolist() == [[1, 0, 1, -1], [0, 1, -1, 1]]
    numbers, factor = in_8_bits(torch.tensor([[1.0, -0.5, 0.0], [0.0, 0.0, 0.0]]))
    assert numbers.tolist() == [[127, -64, 0], [0, 0, 0]]
    assert factor[0] == 127


def test_a_packed_model_answers_as_the_unpacked_one(folder: Path, runtime: BitNetRuntime) -> None:
    unpacked = BitNet(ModelName(str(folder)), context_tokens=512, packed=False).open()
    requests = [Request("the cat sat", 12, logprobs=True), *(Request(each, 6) for each in random_prompts(3))]
    assert runtime.generate(requests) == unpacked.generate(requests)
    said = "".join(str(each) for each in runtime.stream(requests[0]) if not isinstance(each, Completion))
    assert runtime.generate(requests[:1])[0].text == said  # type: ignore[union-attr]
    chat = (Message("user", "the dog?"),)
    assert runtime.score(chat, ["log", "hay"]) == unpacked.score(chat, ["log", "hay"])


def test_it_computes_what_transformers_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda function: function)  # it would want a compiler
    monkeypatch.delitem(sys.modules, "transformers.integrations.bitnet", raising=False)
    theirs = importlib.import_module("transformers.integrations.bitnet")
    model = load_bitnet(folder, torch.float32, packing(folder, packed=True))
    layer = model.model.layers[0].mlp.down_proj
    given = torch.randn(3, layer.weight.shape[1])
    weights = kernel.unpack(layer.weight).float()
    reference = theirs.AutoBitLinear(weights.shape[1], weights.shape[0], bias=False)
    reference.weight.data, reference.weight_scale = weights, layer.weight_scale
    torch.testing.assert_close(layer(given), reference(given))
    assert model.config.hidden_act == "relu2"
    assert torch.equal(theirs.pack_weights(weights.clone()), layer.weight)


def test_quantizing_packs_what_was_trained_that_way(
    folder: Path, runtime: BitNetRuntime, tmp_path: Path
) -> None:
    packed = tmp_path / "packed"
    told = quantize(folder, packed, TEXT * 3)
    assert told.bits <= 2.1
    assert told.after <= told.before + 0.1
    assert (packed / "model.safetensors").stat().st_size < 0.5 * (folder / "model.safetensors").stat().st_size
    again = BitNet(ModelName(str(packed)), context_tokens=512).open()
    requests = [Request("the cow", 10), Request((Message("user", "the cat"),), 10)]
    assert again.generate(requests) == runtime.generate(requests)
    with pytest.raises(ModelError, match="is packed already"):
        quantize(packed, tmp_path / "twice")


def test_quantizing_refuses_what_was_not(tmp_path: Path) -> None:
    plain = make_bitnet(tmp_path / "plain", "plain")
    with pytest.raises(ModelError, match=r"wasn't trained with ternary weights: its loss"):
        quantize(plain, tmp_path / "packed", TEXT)
    assert list(tmp_path.iterdir()) == [plain]
    random = make_bitnet(tmp_path / "random")
    with pytest.raises(ModelError, match="random knows nothing of the text"):
        quantize(random, tmp_path / "packed", TEXT)
    assert not (tmp_path / "packed").exists()


def test_another_model_or_damaged_files_are_a_sentence(folder: Path, tmp_path: Path) -> None:
    cases = {
        "other": ("config.json", b'{"model_type": "llama"}', "is a llama model"),
        "unread": ("config.json", b"{", "can't be read"),
        "empty": ("config.json", b'{"model_type": "bitnet"}', "has no vocab_size"),
        "cut": ("model.safetensors", (folder / "model.safetensors").read_bytes()[:-9], "damaged"),
        "narrow": (
            "config.json", (folder / "config.json").read_bytes().replace(b": 96", b": 88"), "and not",
        ),
    }  # fmt: skip
    for name, (file, content, said) in cases.items():
        made = shutil.copytree(folder, tmp_path / name)
        (made / file).write_bytes(content)
        with pytest.raises(ModelError, match=said):
            BitNet(ModelName(str(made))).open().generate([Request("a", 1)])
