"""Generations that are begun and dropped at random moments, by every engine: nothing of them is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.generate.openai import OpenAi
from ragbraid.generate.openvino import OpenVino
from ragbraid.generate.protocol import Request
from ragbraid.generate.transformers import Transformers
from ragbraid.types import ModelName
from soaking import count
from tiny_gguf import tiny_gguf

ASKERS = 8


def llama_cpp(path: Path) -> Iterator[Any]:
    yield LlamaCpp(ModelName(str(path)), context_tokens=256, parallel=4, cache_mb=8, threads=1)


def openvino(path: Path) -> Iterator[Any]:
    yield OpenVino(ModelName(str(path)), context_tokens=512, cache_mb=8, threads=1)


def transformers(path: Path) -> Iterator[Any]:
    yield Transformers(ModelName(str(path)), context_tokens=256, device="cpu")


def openai(path: Path) -> Iterator[Any]:
    """Against llama.cpp's server, whose four slots must be free again for the last answer to come."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.n_parallel = str(path), 1024, 4
    params.verbosity, params.warmup, params.cache_ram_mib, params.fit_params = -1, False, 8, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    yield OpenAi(f"{server.listening_address}/v1", "m", retries=0)
    del server


ENGINES = {"llama-cpp": llama_cpp, "openvino": openvino, "transformers": transformers, "openai": openai}


@contextmanager
def opened(engine: str, path: Path) -> Iterator[Any]:
    with contextmanager(ENGINES[engine])(path) as component, closing(component.open()) as runtime:
        yield runtime


def of_ragbraid() -> set[threading.Thread]:
    """The threads that ragbraid began, those of other tests in this process among them."""
    return {each for each in threading.enumerate() if each.name.startswith("ragbraid")}


@pytest.mark.parametrize("engine", ENGINES)
def test_generations_cancelled_at_random_moments_leave_nothing_behind(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "models"))
    others = of_ragbraid()
    with opened(engine, tiny_gguf(tmp_path / "tiny.gguf")) as runtime:
        request = Request("One two three", 20)
        (before,) = runtime.generate([request])
        process, failures = psutil.Process(), []

        def ask(seed: int, times: int) -> None:
            draw = Random(seed)
            for _ in range(times):
                stream = runtime.stream(Request("".join(draw.choices("abcdef ", k=draw.randint(1, 60))), 20))
                try:
                    for _ in range(draw.randint(0, 6)):
                        next(stream, None)
                except Exception as error:  # the test tells it
                    failures.append(error)
                stream.close()

        def ask_all(times: int) -> None:
            askers = [threading.Thread(target=ask, args=(seed, times)) for seed in range(ASKERS)]
            for asker in askers:
                asker.start()
            for asker in askers:
                asker.join()

        ask_all(3)  # a server takes a thread more for each that asks at once
        memory, threads = process.memory_info().rss, process.num_threads()
        ask_all(count(3, 1250))
        assert not failures
        assert runtime.generate([request]) == [before]
        assert process.memory_info().rss - memory < 100 * 2**20
        assert process.num_threads() <= threads + 2
        for _ in range(100):  # a batch's thread ends by itself, a moment after the last answer
            if not of_ragbraid() - others:
                break
            threading.Event().wait(0.05)
        assert not of_ragbraid() - others
