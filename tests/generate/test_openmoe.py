from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openmoe_by_hand import Mistake, logits_by_hand
from safetensors.torch import load_file, save_file

from ragbraid.errors import ModelError
from ragbraid.generate.openmoe import OpenMoe
from ragbraid.generate.openmoe.cache import Cache
from ragbraid.generate.openmoe.component import OpenMoeRuntime
from ragbraid.generate.openmoe.experts import Traffic
from ragbraid.generate.openmoe.files import read_decoder
from ragbraid.generate.openmoe.order import TokenExperts, batches
from ragbraid.generate.openmoe.shape import read_shape
from ragbraid.generate.protocol import Completion, Request
from ragbraid.models.memory import Memory
from ragbraid.testing.generator import GeneratorConformance, random_prompts
from ragbraid.types import ModelName
from soaking import count
from tiny_openmoe import CONFIG, make_openmoe, random_tensors

DATA = Path(os.environ.get("RAGBRAID_DATA", Path(__file__).parents[2] / "data"))
GOLDEN = DATA.parent / "golden" / "openmoe"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_openmoe(tmp_path_factory.mktemp("openmoe") / "tiny")


@pytest.fixture(scope="module")
def runtime(folder: Path) -> Iterator[OpenMoeRuntime]:
    opened = OpenMoe(ModelName(str(folder)), context_tokens=640).open()
    yield opened
    opened.close()


class TestOpenMoeConforms(GeneratorConformance):
    prompts, held = count(3, 100), count(1, 20)
    holds_json = False  # random weights go on with spaces
    holds_patterns = tells_alternatives = scores = True

    @pytest.fixture
    def generator(self, runtime: OpenMoeRuntime) -> OpenMoeRuntime:
        return runtime


def some_ids(rows: int, length: int, seed: int = 0, vocabulary: int = 320) -> torch.Tensor:
    ids = torch.from_numpy(np.random.default_rng(seed).integers(1, vocabulary, (rows, length)))
    ids[:, 0] = 0
    return ids


def test_the_published_implementations_logits() -> None:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} isn't there: set RAGBRAID_DATA to a folder beside golden/openmoe")
    expected = load_file(GOLDEN / "expected.safetensors")
    decoder = OpenMoe.from_folder(GOLDEN)
    together = decoder.logits(expected["input_ids"])
    assert together.dtype == torch.float32
    assert (together - expected["logits"]).abs().max() < 1e-4
    alone = decoder.logits(expected["input_ids"][:1])
    assert (alone - expected["logits_first_row_alone"]).abs().max() < 1e-4
    assert (together[:1] - alone).abs().max() > 1e-2


ODD: dict[str, Any] = CONFIG | {
    "hidden_size": 20, "intermediate_size": 14, "num_hidden_layers": 5, "num_attention_heads": 6,
    "num_key_value_heads": 2, "head_dim": 10, "num_experts": 5, "router_capacity_factor_eval": 0.9,
    "router_min_capacity": 1, "vocab_size": 37,
}  # fmt: skip
"""Nothing in it is a power of two or divides what it might: heads are wider than the hidden state, too."""


def wide_moe(folder: Path, config: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """Write config.json and model.safetensors alone; the tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tensors = random_tensors(config, seed)
    save_file(tensors, folder / "model.safetensors")
    return {name: each.numpy() for name, each in tensors.items()}


def padded(rows: int, length: int, padding: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids, the first row's mask beginning with zeros."""
    ids = some_ids(rows, length, seed, 37)
    seen = torch.ones_like(ids)
    seen[0, : min(padding, length - 1)] = 0
    return ids, seen


@settings(max_examples=count(8, 400), deadline=None)
@given(
    rows=st.integers(1, 3), length=st.integers(1, 12), seed=st.integers(0, 99), padding=st.integers(0, 3),
    heads=st.sampled_from([(1, 1), (2, 1), (3, 3), (6, 2)]),
    config=st.fixed_dictionaries(
        {
            "hidden_size": st.sampled_from([12, 20, 32]), "intermediate_size": st.sampled_from([6, 14]),
            "head_dim": st.sampled_from([2, 6, 10]), "num_experts": st.sampled_from([2, 3, 5, 8, 11]),
            "num_hidden_layers": st.integers(1, 5), "moe_layer_interval": st.integers(1, 6),
            "router_topk": st.sampled_from([1, 2]), "router_min_capacity": st.integers(1, 5),
            "router_capacity_factor_eval": st.sampled_from([0.3, 0.9, 1.25, 2.0]),
            "rms_norm_eps": st.sampled_from([1e-6, 1e-2]), "rope_theta": st.sampled_from([500.0, 10_000.0]),
        }
    ),
)  # fmt: skip
def test_the_forward_pass_is_that_written_out_by_hand(
    tmp_path_factory: pytest.TempPathFactory, rows: int, length: int, seed: int, padding: int,
    heads: tuple[int, int], config: dict[str, Any],
) -> None:  # fmt: skip
    config = ODD | config | {"num_attention_heads": heads[0], "num_key_value_heads": heads[1]}
    folder = tmp_path_factory.mktemp("any")
    tensors = wide_moe(folder, config, seed)
    ids, seen = padded(rows, length, padding, seed)
    wanted = logits_by_hand(config, tensors, ids.numpy(), seen.numpy())
    found = OpenMoe.from_folder(folder).logits(ids, seen)
    assert found.shape == (rows, length, 37)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-4, rtol=1e-4)


CROWDED = {"router_capacity_factor_eval": 0.5}
SEEN_BY: dict[Mistake, dict[str, Any]] = {
    **{each: {} for each in get_args(Mistake)},
    "room rounded up": {"router_capacity_factor_eval": 0.95},
    "overflow is zero": CROWDED,
}
"""What each mistake is seen with, beside ODD's shapes."""


@pytest.mark.parametrize("mistake", SEEN_BY)
def test_what_implementations_get_wrong_would_be_seen(mistake: Mistake, tmp_path: Path) -> None:
    config = ODD | SEEN_BY[mistake]
    tensors = wide_moe(tmp_path, config)
    ids, seen = padded(3, 11, 4)
    found = OpenMoe.from_folder(tmp_path).logits(ids, seen).numpy()
    right, wrong = (
        logits_by_hand(config, tensors, ids.numpy(), seen.numpy(), each) for each in (None, mistake)
    )
    np.testing.assert_allclose(found, right, atol=1e-4, rtol=1e-4)
    assert np.abs(found - wrong).max() > 1e-2


def test_a_cache_of_shared_heads_is_as_the_whole_text(tmp_path: Path) -> None:
    wide_moe(tmp_path, ODD | {"router_drop_tks": False})
    decoder = OpenMoe.from_folder(tmp_path)
    ids, cache = some_ids(2, 9, vocabulary=37), Cache(5)
    with torch.inference_mode():
        steps = [decoder.head(decoder.forward(part, cache)) for part in ids.split([4, 1, 3, 1], 1)]
    torch.testing.assert_close(torch.cat(steps, 1), decoder.logits(ids), atol=1e-4, rtol=1e-4)


def test_routers_choose_in_float32(tmp_path: Path) -> None:
    tensors = wide_moe(tmp_path, ODD)
    for name, each in tensors.items():
        if name.endswith("gate_weight"):  # in bfloat16 all experts are one
            each[:] = 1 + 1e-3 * np.random.default_rng(0).normal(size=each.shape)
    save_file(
        {name: torch.from_numpy(each) for name, each in tensors.items()}, tmp_path / "model.safetensors"
    )
    chosen: list[int] = []
    decoder = read_decoder(tmp_path, dtype=torch.bfloat16)
    with torch.inference_mode():
        decoder.forward(
            some_ids(3, 20, vocabulary=37), Cache(5),
            watch=lambda _, routes: chosen.extend(routes.chosen.flatten().tolist()),
        )  # fmt: skip
    assert set(chosen) == set(range(5))


def test_a_tied_head_is_the_embedding_and_a_bias_is_anothers(tmp_path: Path) -> None:
    tensors = wide_moe(tmp_path, ODD)
    ids = some_ids(1, 5, vocabulary=37)
    kept = {name: torch.from_numpy(each) for name, each in tensors.items()}
    kept["lm_head.weight"] = kept["model.embed_tokens.weight"].clone()
    save_file(kept, tmp_path / "model.safetensors")
    wanted = OpenMoe.from_folder(tmp_path).logits(ids)
    del kept["lm_head.weight"]
    save_file(kept, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"they have no lm_head\.weight"):
        OpenMoe.from_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(ODD | {"tie_word_embeddings": True}), "utf-8")
    assert torch.equal(OpenMoe.from_folder(tmp_path).logits(ids), wanted)
    save_file(
        kept | {"model.layers.0.self_attn.q_proj.bias": torch.zeros(60)}, tmp_path / "model.safetensors"
    )
    with pytest.raises(ModelError, match="OpenMoE has no biases"):
        OpenMoe.from_folder(tmp_path)


def test_experts_on_disk_give_the_same_logits_and_are_counted(folder: Path) -> None:
    ids = some_ids(2, 20)
    wanted = read_decoder(folder).logits(ids)
    for keep in ("cpu", "disk"):
        decoder = read_decoder(folder, keep=keep, room=4)  # type: ignore[arg-type]
        torch.testing.assert_close(decoder.logits(ids), wanted, atol=1e-5, rtol=1e-5)
        traffic = decoder.experts.store.traffic
        assert traffic is not None
        assert traffic.misses >= 8
        assert traffic.hits == 0  # each layer's experts make way for the other's
        roomy = read_decoder(folder, keep=keep, room=16)  # type: ignore[arg-type]
        roomy.logits(ids)
        roomy.logits(ids)
        assert (roomy.experts.store.traffic or Traffic()).hit_rate == 0.5


def test_where_weights_cannot_be_laid_out_torchs_own_products_serve(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = some_ids(2, 20)
    wanted = read_decoder(folder).logits(ids)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    torch.testing.assert_close(read_decoder(folder).logits(ids), wanted, atol=1e-5, rtol=1e-5)


def test_without_drops_side_by_side_is_as_alone(folder: Path) -> None:
    runtime = OpenMoe(ModelName(str(folder)), context_tokens=640, drop_tokens=False, parallel=4).open()
    requests = [Request(each, 6) for each in random_prompts(6)]
    together = runtime.generate(requests)
    assert together == [runtime.generate([each])[0] for each in requests]
    assert runtime.traffic is None


def test_sampling_is_repeated_by_its_seed(runtime: OpenMoeRuntime) -> None:
    drawn = [runtime.generate([Request("water", 20, temperature=1.5, seed=seed)])[0] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_prompts_begin_with_the_padding_token(runtime: OpenMoeRuntime) -> None:
    assert runtime._loaded().prompt("the water")[0] == 0
    assert runtime.count_tokens("the water") == 1 + len("_the_water")


def test_batches_put_together_what_wants_different_experts(folder: Path) -> None:
    model = OpenMoe(ModelName(str(folder))).open()._loaded()
    shape = model.decoder.shape
    draw = np.random.default_rng(0)
    topics = [[2 + 3 * at + each for each in range(3)] for at in range(8)]
    prompts = [list(draw.choice(topics[at // 8], 24)) for at in range(64)]  # they come topic after topic
    model.load([[token for topic in topics for token in topic]])
    arrival = [list(range(at, at + 8)) for at in range(0, 64, 8)]
    with torch.inference_mode():
        model.next(
            torch.tensor([list(chain.from_iterable(topics))]),
            torch.ones(1, 24),
            torch.arange(24)[None],
            model.new_cache(),
        )
    chosen = batches(prompts, 8, model.experts, shape)
    assert sorted(at for batch in chosen for at in batch) == list(range(64))
    assert {len(batch) for batch in chosen} == {8}

    def dropped(order: list[list[int]]) -> int:
        return int(sum(model.load([prompts[at] for at in batch]).dropped.sum() for batch in order))

    assert dropped(chosen) < 0.7 * dropped(arrival)


@settings(max_examples=count(20, 500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(1, 9), max_size=20), size=st.integers(1, 6))
def test_batches_are_full_but_one(folder: Path, lengths: list[int], size: int) -> None:
    shape = read_shape(folder)
    found = batches([[1] * each for each in lengths], size, TokenExperts(shape), shape)
    assert sorted(at for batch in found for at in batch) == list(range(len(lengths)))
    assert sum(len(batch) < size for batch in found) <= 1


def test_loads_say_which_experts_took_a_questions_tokens(runtime: OpenMoeRuntime) -> None:
    model = runtime._loaded()
    prompts = [model.prompt("the water is"), model.prompt("12345")]
    load = model.load(prompts)
    assert load.chosen.shape == (2, 2, 8)
    assert load.chosen.sum(-1).tolist() == [[2 * len(each)] * 2 for each in prompts]
    assert (load.dropped <= load.chosen).all()
    assert load.drop_rate == load.dropped.sum() / load.chosen.sum()


def test_pickled_shards_are_converted_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "converted"))
    published = make_openmoe(tmp_path / "published")
    tensors = load_file(published / "model.safetensors")
    (published / "model.safetensors").unlink()
    names = sorted(tensors)
    for at, part in enumerate((names[:20], names[20:])):
        torch.save({name: tensors[name] for name in part}, published / f"pytorch_model-{at}.bin")
    torch.save({"learning_rate": Path("x")}, published / "training_args.bin")  # a trainer's, which isn't read
    ids = some_ids(1, 8)
    wanted = OpenMoe.from_folder(folder).logits(ids)
    assert torch.equal(OpenMoe.from_folder(published).logits(ids), wanted)
    monkeypatch.setattr(torch, "load", None)  # the second time it isn't read
    assert torch.equal(OpenMoe.from_folder(published).logits(ids), wanted)


class Malicious:
    def __reduce__(self) -> Any:
        return (os.system, ("touch run",))


def bad_folders(folder: Path) -> dict[str, tuple[Path, str]]:
    """Folders that can't be loaded, and what is said of them."""
    made = {name: make_openmoe(folder / name) for name in ("code", "cut", "other", "shape", "lacking", "bin")}
    with (made["code"] / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"weight": Malicious()}, file)
    torch.save({"a": torch.zeros(999)}, made["bin"] / "pytorch_model.bin")
    for each in ("code", "bin"):
        (made[each] / "model.safetensors").unlink()
    for path in (made["cut"] / "model.safetensors", made["bin"] / "pytorch_model.bin"):
        path.write_bytes(path.read_bytes()[:-500])
    (made["other"] / "config.json").write_text('{"architectures": ["GPTNeoXForCausalLM"]}', "utf-8")
    (made["shape"] / "config.json").write_text(json.dumps(CONFIG | {"hidden_size": 48}), "utf-8")
    tensors = load_file(made["lacking"] / "model.safetensors")
    tensors.pop("lm_head.weight")
    save_file(tensors, made["lacking"] / "model.safetensors")
    said = {
        "code": "holds more than tensors, so nothing of it was loaded",
        "cut": "damaged",
        "bin": "damaged",
        "other": "its architecture is GPTNeoXForCausalLM",
        "shape": "and not",
        "lacking": "they have no lm_head.weight",
    }
    return {name: (path, said[name]) for name, path in made.items()}


def test_what_cannot_be_loaded_is_a_sentence_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "converted"))
    monkeypatch.chdir(tmp_path)
    for path, said in bad_folders(tmp_path / "bad").values():
        with pytest.raises(ModelError, match=said):
            OpenMoe(ModelName(str(path))).open().generate([Request("a", 1)])
    assert not (tmp_path / "run").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"config\.json can't be read"):
        OpenMoe.from_folder(tmp_path / "empty")


def test_more_experts_than_memory_is_a_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    folder = make_openmoe(tmp_path / "large", intermediate_size=2048)
    whole, part = (
        OpenMoe(ModelName(str(folder)), experts=each, experts_held=2).open() for each in ("device", "disk")
    )
    for each in (whole, part):
        each.take_from(Memory(memory_mb=12))
    with pytest.raises(ModelError, match="Set `experts: disk` with experts_held below 16"):
        whole.generate([Request("a", 1)])
    (got,) = part.generate([Request("a", 2)])
    assert isinstance(got, Completion)
    assert part.traffic is not None
    assert part.traffic.misses > 0
    assert part.traffic.seconds > 0
