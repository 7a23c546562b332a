"""Weights are loaded at first use, shared, put away when idle, and within a budget."""

from __future__ import annotations

import threading
from pathlib import Path
from random import Random

import pytest

from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.errors import InputError, ModelError
from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.generate.local import Local
from ragbraid.generate.openvino import OpenVino
from ragbraid.generate.protocol import Completion, Request
from ragbraid.generate.transformers import Transformers
from ragbraid.models import memory
from ragbraid.models.memory import Memory, Need, of_machine
from ragbraid.models.sizes import parameters
from ragbraid.models.weights import Weights
from ragbraid.pipeline.engine import Engine
from ragbraid.types import ModelName
from soaking import count
from tiny_gguf import tiny_gguf
from tiny_models import make_tiny

MIB = 2**20


class Model:
    """Counts its lives; nobody may find it closed."""

    def __init__(self) -> None:
        self.opened = self.closed = 0

    def weights(
        self, mib: int = 1, memory: Memory | None = None, idle: float | None = None
    ) -> Weights[Model]:
        made = Weights(f"m{mib}", self.load, need=lambda: Need(mib * MIB), close=Model.end, idle=idle)
        made.memory = memory or Memory(10_000)
        return made

    def load(self) -> Model:
        self.opened += 1
        return self

    def end(self) -> None:
        self.closed += 1


def until(condition: threading.Event, true: object) -> None:
    for _ in range(200):
        if callable(true) and true():
            return
        condition.wait(0.05)
    raise AssertionError("it never came true")


def test_what_is_idle_is_put_away_and_loaded_again() -> None:
    model, pause = Model(), threading.Event()
    weights = model.weights(idle=0.05)
    assert not weights.loaded
    with weights.use():
        pause.wait(0.2)
        assert weights.loaded, "it is in use"
    until(pause, lambda: not weights.loaded)
    assert (model.opened, model.closed) == (1, 1)
    with weights.use():
        assert weights.memory.taken() == MIB
    weights.close()
    assert (model.opened, model.closed) == (2, 2)
    assert weights.memory.taken() == 0
    assert not [each for each in threading.enumerate() if each.name == "ragbraid-idle"]


def test_without_idle_nothing_watches_and_nothing_goes() -> None:
    model = Model()
    weights = model.weights()
    before = threading.active_count()
    with weights.use(), weights.use():
        pass
    assert weights.loaded
    assert threading.active_count() == before
    weights.close()
    weights.close()
    assert (model.opened, model.closed) == (1, 1)


def test_a_budget_puts_the_longest_unused_away_and_refuses_where_all_are_used() -> None:
    shared = Memory(memory_mb=10)
    first, second, third = (Model() for _ in range(3))
    a, b, c = (each.weights(4, shared) for each in (first, second, third))
    for each in (a, b):
        with each.use():
            pass
    with c.use():
        assert (a.loaded, b.loaded) == (False, True)
        with b.use(), pytest.raises(ModelError) as raised, a.use():
            pass
        assert "m4 needs about 4 MB of memory, and memory_mb allows 10 MB, of which 8 MB are taken" in str(
            raised.value
        )
    assert shared.taken() == 8 * MIB
    for each in (a, b, c):
        each.close()
    assert shared.taken() == 0


def test_what_fails_to_load_takes_nothing() -> None:
    def fail() -> None:
        raise ModelError("broken")

    shared = Memory(memory_mb=10)
    weights = Weights("m", fail, need=lambda: Need(MIB))
    weights.memory = shared
    with pytest.raises(ModelError, match="broken"), weights.use():
        pass
    assert shared.taken() == 0


def test_the_budget_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGBRAID_MEMORY_MB", "3")
    with pytest.raises(ModelError, match="memory_mb allows 3 MB"), Model().weights(4, Memory()).use():
        pass
    monkeypatch.setenv("RAGBRAID_MEMORY_MB", "three")
    with pytest.raises(InputError, match="RAGBRAID_MEMORY_MB is 'three'"), Model().weights(1, Memory()).use():
        pass


def test_more_than_the_machine_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    free, whole = of_machine()
    if free is not None and whole is not None:
        assert 0 < free <= whole
    monkeypatch.setattr(memory, "of_machine", lambda: (2 * MIB, 8 * MIB))
    shared = Memory()
    shared.reserve(Model().weights(1), Need(MIB, mapped=6 * MIB))
    with pytest.raises(ModelError, match="needs about 3 MB of memory, and 2 MB are free"):
        shared.reserve(Model().weights(2), Need(3 * MIB))
    with pytest.raises(ModelError, match="and the machine has 8 MB"):
        shared.reserve(Model().weights(3), Need(MIB, mapped=8 * MIB))


def test_a_containers_limit_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text(f"{64 * MIB}\n")
    (tmp_path / "memory.current").write_text(f"{60 * MIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {10 * MIB}\ninactive_file {50 * MIB}\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert of_machine() == (54 * MIB, 64 * MIB)
    (tmp_path / "memory.max").write_text("max\n")
    assert of_machine()[1] != 64 * MIB


def test_many_threads_never_find_it_closed() -> None:
    """Used, put away by time and by others' needs, closed: all at once."""
    shared, failures = Memory(memory_mb=5), []
    models = [Model() for _ in range(4)]
    held = [each.weights(2, shared, idle=0.002) for each in models]

    def work(seed: int) -> None:
        draw = Random(seed)
        for _ in range(count(150, 5000)):
            at = draw.randrange(4)
            try:
                with held[at].use():
                    if models[at].closed >= models[at].opened:
                        failures.append("closed while in use")
                    if draw.random() < 0.1:
                        threading.Event().wait(0.004)
            except ModelError:
                pass  # two others are in use

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    for each in held:
        each.close()
    assert not failures
    assert all(each.opened == each.closed for each in models)
    assert shared.taken() == 0
    assert not [each for each in threading.enumerate() if each.name == "ragbraid-idle"]


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(params=[LlamaCpp, OpenVino, Transformers, Local], ids=lambda each: each.__name__)
def generator(request: pytest.FixtureRequest, gguf_file: Path) -> tuple[Engine, object]:
    kind = request.param
    settings = {} if kind is Transformers else {"cache_mb": 8, "threads": 1}
    return Engine(Memory()), kind(ModelName(str(gguf_file)), context_tokens=256, idle=0.1, **settings)


def test_an_idle_generator_gives_its_memory_back_and_answers_as_before(
    generator: tuple[Engine, object],
) -> None:
    engine, component = generator
    opened, pause = engine.acquire(component), threading.Event()
    runtime, request = opened.runtime, Request("abc", 4)
    (before,) = runtime.generate([request])
    assert isinstance(before, Completion)
    assert engine.memory.taken() > 0
    until(pause, lambda: engine.memory.taken() == 0)
    *_, again = runtime.stream(request)
    assert again == before
    opened.release()
    assert engine.memory.taken() == 0
    left = {each.name for each in threading.enumerate() if each.name.startswith("ragbraid-")}
    assert left <= {"ragbraid-watchdog"}, "that one is of parsers, which other tests may have started"


def test_a_model_over_the_budget_is_refused(gguf_file: Path, tmp_path: Path) -> None:
    name = ModelName(str(gguf_file))
    for component in (
        LlamaCpp(name, cache_mb=64),
        OpenVino(name, cache_mb=64),
        SentenceTransformer(ModelName(str(make_tiny(tmp_path / "m")))),
    ):
        opened = Engine(Memory(memory_mb=16)).acquire(component)
        with pytest.raises(ModelError, match="memory_mb allows 16 MB"):
            opened.runtime.warm_up()
        opened.release()


def test_a_gguf_file_larger_than_the_machine_is_refused(
    gguf_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "of_machine", lambda: (10**12, 10_000))
    with pytest.raises(ModelError, match="and the machine has 0 MB"):
        LlamaCpp(ModelName(str(gguf_file))).open().generate([Request("a", 1)])


def test_weights_are_counted_from_the_headers(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    folder = make_tiny(tmp_path / "m")
    (weights,) = folder.glob("*.safetensors")
    assert parameters(folder) == sum(each.size for each in load_file(weights).values())
    weights.write_bytes(b"no weights")
    assert parameters(folder) == 0
