from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.context import Cancellation, Context
from ragbraid.embed.batches import by_length, of_one_length
from ragbraid.embed.encoder import is_as_exact, load
from ragbraid.embed.model_files import ModelFiles
from ragbraid.embed.probes import cosines, probes
from ragbraid.embed.sentence_transformer import SentenceTransformer, SentenceTransformerRuntime
from ragbraid.errors import Cancelled, ModelError, ModelMissing
from ragbraid.models.locate import locate
from ragbraid.testing.embedder import EmbedderConformance
from ragbraid.types import ModelName
from tiny_models import make_tiny, write

WORDS = ["the", "bridge", "over", "the", "river", "was", "opened", "in", "May", "by", "Ada", "Lind"]


def minilm() -> Path:
    try:
        return locate("all-minilm-l6-v2")
    except ModelMissing as missing:
        pytest.skip(str(missing))


def opened(folder: Path, **options: object) -> SentenceTransformerRuntime:
    return replace(SentenceTransformer(model=ModelName(str(folder))), **options).open()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("models") / "tiny")


class TestTinyConforms(EmbedderConformance):
    engine = "torch"

    @pytest.fixture(autouse=True)
    def folder(self, tiny: Path) -> None:
        self.tiny = tiny

    def make(self) -> SentenceTransformerRuntime:
        return opened(self.tiny, engine=self.engine)


class TestTinyConformsByOpenVino(TestTinyConforms):
    engine = "openvino"


@pytest.mark.model
class TestMiniLmConforms(EmbedderConformance):
    def make(self) -> SentenceTransformerRuntime:
        minilm()
        return SentenceTransformer().open()


def reference(folder: Path, texts: list[str]) -> np.ndarray:
    import warnings

    from sentence_transformers import SentenceTransformer as Reference

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Reference(str(folder), device="cpu")
        return model.encode(texts, normalize_embeddings=True)


@pytest.mark.model
def test_minilm_equals_sentence_transformers() -> None:
    texts = ["Water boils.", "A longer text about " + "many things, " * 40, "😀 é 水", "", "[MASK] <tag>"]
    expected = reference(minilm(), texts)
    for engine, least in (("torch", 0.99999), ("openvino", 0.9999)):
        ours = opened(minilm(), engine=engine).embed(texts)
        assert (ours * expected).sum(1).min() > least


@pytest.mark.model
def test_half_precision_is_taken_where_it_is_as_exact(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a GPU is asked, asked of the CPU: bfloat16 is the same there."""
    files = ModelFiles(minilm())
    encoder = load(files, "cpu")
    assert not encoder.half
    assert is_as_exact(files, encoder)
    exact = encoder.sentences(*probes(files))
    encoder.half = True
    half = encoder.sentences(*probes(files))
    assert 0.9999 < cosines(exact, half).min() < 1
    assert half.dtype == np.float32
    monkeypatch.setattr(encoder, "_sentences", lambda ids, _: ids[:, :9] + encoder.half * 1e4 * ids[:, 1:2])
    assert not is_as_exact(files, encoder)


@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token"])
def test_openvino_equals_torch(tmp_path: Path, model_type: str, pooling: str) -> None:
    folder = make_tiny(tmp_path / "m", model_type=model_type, pooling=pooling)
    texts = ["water boils.", "fire", "a b c d e f g h", "zzz"]
    ours, torchs = opened(folder, engine="openvino"), opened(folder, engine="torch")
    assert (ours.embed(texts) * torchs.embed(texts)).sum(1).min() > 0.9999
    for one, other in zip(ours.token_vectors(texts), torchs.token_vectors(texts), strict=True):
        assert (one.vectors * other.vectors).sum(1).min() > 0.999
    assert ours.identity == torchs.identity


def test_what_openvino_computes_wrongly_is_left_to_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "converted"))
    monkeypatch.setattr("ragbraid.embed.bert_graph._Builder._layer", lambda _self, x, *_: x)
    folder = make_tiny(tmp_path / "m")
    with pytest.raises(ModelError, match=r"differ from torch's: cosine 0\.\d+"):
        opened(folder, engine="openvino").embed(["fire"])
    ours = opened(folder).embed(["fire"])
    assert np.array_equal(ours, opened(folder, engine="torch").embed(["fire"]))


def test_a_model_that_openvino_is_not_given_is_left_to_torch(tmp_path: Path) -> None:
    folder = make_tiny(tmp_path / "m", model_type="modernbert")
    assert opened(folder).embed(["fire"]).shape == (1, 32)
    with pytest.raises(ModelError, match="engine: torch"):
        opened(folder, engine="openvino").embed(["fire"])


@pytest.mark.model
def test_a_proven_model_embeds_without_torch() -> None:
    opened(minilm(), engine="openvino").embed(["proves it"])
    code = (
        "import sys; from ragbraid.embed.sentence_transformer import SentenceTransformer as S;"
        "print(S(engine='openvino').open().embed(['water']).shape);"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert ran.stdout.strip() == "(1, 384)"


@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta", "modernbert", "qwen3"])
@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token", "max_tokens", "lasttoken"])
def test_random_weights_equal_sentence_transformers(tmp_path: Path, model_type: str, pooling: str) -> None:
    folder = make_tiny(tmp_path / "m", model_type=model_type, pooling=pooling)
    texts = ["water boils.", "fire", "a b c d e f g h", "zzz"]
    ours = opened(folder, engine="torch").embed(texts)
    assert (ours * reference(folder, texts)).sum(1).min() > 0.99999


def test_limits_and_identity_come_without_torch() -> None:
    code = (
        "import sys; from ragbraid.embed.sentence_transformer import SentenceTransformer as S;"
        "r = S().open(); print(r.dimensions, r.max_tokens, len(r.identity), len(r.tokenizer_json()) > 1000);"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    minilm()
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert ran.stdout.split() == ["384", "254", "29", "True"]


def test_identity_tells_weights_and_settings_apart(tiny: Path, tmp_path: Path) -> None:
    other = make_tiny(tmp_path / "tiny", seed=1)
    identities = {
        opened(tiny).identity,
        opened(other).identity,
        opened(tiny, max_tokens=8).identity,
        opened(tiny, query_prefix="query: ").identity,
    }
    assert len(identities) == 4
    assert opened(tiny, device="cpu", batch_tokens=7).identity == opened(tiny).identity


def test_vectors_can_be_shortened(tiny: Path) -> None:
    whole, short = opened(tiny), opened(tiny, dimensions=8)
    vectors = short.embed(["water boils", "fire"])
    assert (short.dimensions, vectors.shape) == (8, (2, 8))
    first = whole.embed(["water boils", "fire"])[:, :8]
    assert np.allclose(vectors, first / np.linalg.norm(first, axis=1, keepdims=True), atol=1e-5)
    assert short.identity != whole.identity
    with pytest.raises(ModelError, match=r"dimensions is 33, and .* gives vectors of 32"):
        opened(tiny, dimensions=33).embed(["water"])


def test_a_long_passage_is_refused_and_a_long_query_cut(tiny: Path) -> None:
    runtime, context = opened(tiny), Context()
    text = "a " * 30
    with pytest.raises(ModelError, match=r"Passage 2 of 2 has 30 tokens, and .* sees 16\."):
        runtime.embed(["a", text])
    cut = runtime.embed([text], "query", context=context)
    assert context.notes["cut"] == {"texts": 1, "first_tokens": 30, "kept_tokens": 16}
    assert np.allclose(cut, runtime.embed(["a " * 16], "query"), atol=1e-6)


def test_max_tokens_beyond_the_positions_is_refused(tiny: Path) -> None:
    with pytest.raises(ModelError, match="takes 18 at most"):
        _ = opened(tiny, max_tokens=19).max_tokens
    assert opened(tiny, max_tokens=18).embed(["a " * 18]).shape == (1, 32)


def test_prefixes_are_put_before_the_text(tiny: Path, tmp_path: Path) -> None:
    plain, prefixed = opened(tiny), opened(tiny, query_prefix="fire ", passage_prefix="water ")
    assert np.allclose(prefixed.embed(["a"], "query"), plain.embed(["fire a"]), atol=1e-6)
    assert np.allclose(prefixed.embed(["a"]), plain.embed(["water a"]), atol=1e-6)
    own = make_tiny(tmp_path / "own")
    write(own / "config_sentence_transformers.json", {"prompts": {"query": "fire ", "document": "water "}})
    assert np.allclose(opened(own).embed(["a"], "query"), plain.embed(["fire a"]), atol=1e-6)
    assert np.allclose(opened(own).embed(["a"]), plain.embed(["water a"]), atol=1e-6)


def test_token_vectors_lie_where_they_say(tiny: Path) -> None:
    text = "Water boils 😀 fires."
    (tokens,) = opened(tiny).token_vectors([text])
    assert [text[start:end] for start, end in tokens.offsets] == ["Water", "boils", "😀", "fire", "s", "."]
    assert tokens.vectors.shape == (6, 32)
    assert np.allclose(np.linalg.norm(tokens.vectors, axis=1), 1.0, atol=1e-3)  # half precision
    assert opened(tiny).token_vectors([]) == []


@pytest.mark.parametrize("cache", [0, 1])
def test_a_token_has_the_same_vector_in_any_company(tiny: Path, cache: int) -> None:
    runtime, texts = opened(tiny, token_cache_mb=cache), ["water", "a b c d e f", "fire boils", "a"]
    fresh = [opened(tiny, batch_tokens=8).token_vectors([text])[0] for text in texts]
    for _ in range(2):
        for alone, together in zip(fresh, runtime.token_vectors(texts), strict=True):
            assert np.array_equal(alone.vectors, together.vectors)
            assert (alone.ids, alone.offsets) == (together.ids, together.offsets)


@pytest.mark.model
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_a_model_computes_the_very_same_in_any_company(engine: str) -> None:
    minilm()
    runtime = SentenceTransformer(engine=engine, token_cache_mb=0).open()  # type: ignore[arg-type]
    texts = [" ".join(WORDS[at % 7 : at % 7 + 3] * (1 + at % 5)) for at in range(24)]
    states = [runtime.token_vectors([text])[0].vectors for text in texts]
    queries = [runtime.embed([text], "query")[0] for text in texts]
    for order in (range(24), range(23, -1, -1), range(0, 24, 5)):
        some = [texts[at] for at in order]
        for at, found in zip(order, runtime.token_vectors(some), strict=True):
            assert np.array_equal(found.vectors, states[at])
        for at, vector in zip(order, runtime.embed(some, "query"), strict=True):
            assert np.array_equal(vector, queries[at])
    runtime.close()


class Counting:
    """Counts the texts that an encoder computes."""

    def __init__(self, runtime: SentenceTransformerRuntime) -> None:
        runtime.warm_up()
        self.encoder, self.texts = runtime._weights._loaded, 0
        runtime._weights._loaded = self  # type: ignore[assignment]

    def states(self, ids: Any, mask: Any) -> Any:
        self.texts += len(ids)
        return self.encoder.states(ids, mask)


def test_kept_token_vectors_are_the_very_same_and_computed_once(tiny: Path) -> None:
    runtime = opened(tiny)
    counting = Counting(runtime)
    first = runtime.token_vectors(["water", "fire boils", "water"])
    again = runtime.token_vectors(["fire boils", "a", "water"])
    assert counting.texts == 3
    assert np.array_equal(first[0].vectors, again[2].vectors)
    assert np.array_equal(first[1].vectors, again[0].vectors)
    again[0].vectors[:] = 0
    assert np.array_equal(runtime.token_vectors(["fire boils"])[0].vectors, first[1].vectors)


def test_the_store_of_token_vectors_keeps_to_its_budget(tiny: Path) -> None:
    runtime = opened(tiny, token_cache_mb=1)
    counting = Counting(runtime)
    size = 6 * (32 * 2 + 160)
    letters = str.maketrans("0123456789", "abcdefghij")
    many = [" ".join(f"{each:06}".translate(letters)) for each in range(2000)]
    runtime.token_vectors(many)
    assert runtime._kept._used <= 2**20 < runtime._kept._used + size
    runtime.token_vectors(many[-10:])
    assert counting.texts == 2000
    runtime.token_vectors(many[:10])
    assert counting.texts == 2010


def test_a_cut_text_is_noted_each_time(tiny: Path) -> None:
    runtime = opened(tiny)
    for _ in range(2):
        context = Context()
        assert len(runtime.token_vectors(["a " * 30], context=context)[0].ids) == 16
        assert "cut" in context.notes


def test_cancelling_stops_between_two_batches(tiny: Path) -> None:
    class Late(Cancellation):
        checks = 0

        def check(self) -> None:
            Late.checks += 1
            if Late.checks == 3:
                self.cancel()
            super().check()

    with pytest.raises(Cancelled):
        opened(tiny, batch_tokens=8).embed(["a b c d"] * 50, context=Context(Late()))
    assert Late.checks == 3


@pytest.mark.parametrize(("name", "content"), [("model.safetensors", b"broken"), ("tokenizer.json", b"{")])
def test_a_damaged_file_is_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    folder = make_tiny(tmp_path / "m")
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError):
        opened(folder).embed(["a"])


def test_a_folder_that_is_no_model_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="isn't an embedding model"):
        opened(tmp_path).embed(["a"])


def test_a_generators_model_is_refused_whether_it_is_here_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBRAID_MODELS", str(tmp_path))
    embedder = SentenceTransformer(model=ModelName("smollm2-135m-instruct")).open()
    with pytest.raises(ModelError, match="is a generator's model and not an embedder's") as caught:
        _ = embedder.identity
    assert "`ragbraid models list` names embedders" in caught.value.hint


def test_a_file_is_no_embedders_model(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    embedder = SentenceTransformer(model=ModelName(str(tmp_path / "a.gguf"))).open()
    with pytest.raises(ModelError, match=r"a\.gguf is one file, and an embedder's model is a folder"):
        _ = embedder.identity


@pytest.mark.parametrize("made", [by_length, of_one_length])
def test_batches_keep_to_their_budget_and_hold_everything_once(
    made: Callable[[list[int], int], Iterator[list[int]]],
) -> None:
    lengths = [5, 1, 9, 30, 9, 2, 0, 7]
    batches = list(made(lengths, 18))
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    assert all(len(batch) == 1 or max(lengths[at] for at in batch) * len(batch) <= 18 for batch in batches)
    assert batches[0] == [3]
    assert made is by_length or all(len({lengths[at] for at in batch}) == 1 for batch in batches)
