from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GPTNeoXForCausalLM

from ragbraid.errors import GenerationError, ModelError
from ragbraid.generate.choose import choose
from ragbraid.generate.local import Local
from ragbraid.generate.protocol import Completion, Grammar, Request
from ragbraid.generate.transformers import Transformers, TransformersRuntime
from ragbraid.testing.generator import GeneratorConformance, random_prompts
from ragbraid.types import Message, ModelName
from small_model import unpacked
from soaking import count
from tiny_gguf import tiny_gguf
from tiny_neox import make_neox


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersRuntime]:
    path = tiny_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf")
    opened = Transformers(ModelName(str(path)), context_tokens=512).open()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def small() -> Iterator[TransformersRuntime]:
    opened = Transformers(ModelName(str(unpacked())), context_tokens=1024).open()
    yield opened
    opened.close()


@pytest.mark.model
class TestTransformersConforms(GeneratorConformance):
    prompts, held = count(2, 1000), count(3, 1000)
    holds_patterns = tells_alternatives = scores = True

    @pytest.fixture
    def generator(self, small: TransformersRuntime) -> TransformersRuntime:
        return small


def test_side_by_side_is_as_alone(tiny: TransformersRuntime) -> None:
    requests = [Request(each, 10) for each in random_prompts(12)]
    together = tiny.generate(requests)
    assert together == [tiny.generate([each])[0] for each in requests]


def test_sampling_is_repeated_by_its_seed(tiny: TransformersRuntime) -> None:
    drawn = [tiny.generate([Request("abc", 20, temperature=1.5, seed=seed)])[0] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_constraint_that_cannot_be_read_is_a_sentence(tiny: TransformersRuntime) -> None:
    broken, fine = tiny.generate(
        [
            Request("a", 4, constraint=Grammar("root ::= missing")),
            Request("a", 4, constraint=Grammar('root ::= "b"')),
        ]
    )
    assert isinstance(broken, GenerationError)
    assert isinstance(fine, Completion)
    assert fine.text == "b"


def test_probabilities_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "nan.gguf")
    runtime = Transformers(ModelName(str(path)), context_tokens=256).open()
    with np.errstate(all="ignore"):
        with runtime._weights.use() as loaded:
            loaded.model.lm_head.weight.data.fill_(float("nan"))
        (got,) = runtime.generate([Request("abc", 4)])
    assert isinstance(got, GenerationError)
    assert "aren't numbers" in str(got)


def test_what_is_no_model_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="transformers can't load"):
        Transformers(ModelName(str(tmp_path))).open().generate([Request("a", 1)])


def test_a_model_without_a_chat_template_takes_no_chat(tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf", template=None)
    runtime = Transformers(ModelName(str(path)), context_tokens=256).open()
    text, chat = runtime.generate([Request("abc", 2), Request((Message("user", "abc"),), 2)])
    assert isinstance(text, Completion)
    assert "no chat template" in str(chat)


def test_a_base_model_goes_on_with_what_was_asked(tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf", template=None)
    runtime = Transformers(ModelName(str(path)), context_tokens=256, prompts="completion").open()
    messages = (Message("system", "Be brief."), Message("user", "Hot?"), Message("assistant", "Yes."))
    chat = runtime.generate([Request((*messages, Message("user", "Wet?")), 4)])
    text = runtime.generate([Request("Be brief.\n\nHot?\n\nAnswer: Yes.\n\nWet?\n\nAnswer:", 4)])
    assert chat == text


def spoil(folder: Path, how: str) -> None:
    """Make a folder with a GPT-NeoX one that can't be loaded."""
    weights, config = folder / "model.safetensors", folder / "config.json"
    tensors = load_file(weights)
    match how:
        case "code":
            weights.unlink()
            with (folder / "pytorch_model.bin").open("wb") as file:
                pickle.dump({"weight": Malicious()}, file)
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-500])
        case "pickle cut":
            weights.unlink()
            torch.save(tensors, folder / "pytorch_model.bin")
            os.truncate(folder / "pytorch_model.bin", 9000)
        case "shard cut":
            model = GPTNeoXForCausalLM.from_pretrained(folder)
            weights.unlink()
            model.save_pretrained(folder, max_shard_size="100KB")
            shard = sorted(folder.glob("*.safetensors"))[1]
            os.truncate(shard, shard.stat().st_size - 100)
        case "lacking":
            del tensors["gpt_neox.layers.1.mlp.dense_h_to_4h.weight"]
            save_file(tensors, weights, metadata={"format": "pt"})
        case "another's":
            config.write_text('{"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1}', "utf-8")
        case "wide":
            config.write_text(
                config.read_text("utf-8").replace('"hidden_size": 64', '"hidden_size": 32'), "utf-8"
            )
        case "unknown":
            config.write_text('{"model_type": "nonsense"}', "utf-8")


class Malicious:
    def __reduce__(self) -> Any:
        return (os.system, ("touch run",))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("code", "holds more than tensors, so nothing of it was loaded"),
        ("cut", "can't load"),
        ("pickle cut", "can't load"),
        ("shard cut", "can't load"),
        ("lacking", r"layers\.1\.mlp\.dense_h_to_4h\.weight is missing or of another size"),
        ("another's", "is missing or of another size"),
        ("wide", "is missing or of another size"),
        ("unknown", "does not recognize this architecture"),
    ],
)
def test_a_checkpoint_that_is_damaged_or_anothers_is_a_sentence_and_runs_nothing(
    how: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil(make_neox(tmp_path / "model"), how)
    capfd.readouterr()
    with pytest.raises(ModelError, match=said):
        Transformers(ModelName(str(tmp_path / "model"))).open().generate([Request("a", 1)])
    assert not (tmp_path / "run").exists()
    assert capfd.readouterr().err == ""


def test_a_stream_tells_whatever_goes_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Transformers(ModelName(str(tmp_path))).open()

    def broken() -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(runtime._weights, "_load", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(runtime.stream(Request("a", 1)))


@pytest.mark.model
def test_local_takes_it_for_safetensors_and_where_it_is_asked_for(
    small: TransformersRuntime, tmp_path: Path
) -> None:
    request = Request((Message("user", "Count to three."),), 4)
    with closing(Local(ModelName(str(unpacked())), context_tokens=1024).open()) as local:
        assert local.engine == choose(str(unpacked())).engine == "transformers"
        assert local.generate([request]) == small.generate([request])
        assert local.scores_together
        assert local.score("One,", [" two"]) == small.score("One,", [" two"])
    path = tiny_gguf(tmp_path / "tiny.gguf")
    with closing(Local(ModelName(str(path)), engine="transformers", context_tokens=256).open()) as local:
        assert local.engine == "transformers"
        assert isinstance(local.generate([Request("abc", 2)])[0], Completion)


def test_local_says_what_safetensors_want(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr("ragbraid.generate.choose.find_spec", lambda _: None)
    with pytest.raises(ModelError, match="holds safetensors, which the transformers engine reads, and torch"):
        choose(str(tmp_path))
