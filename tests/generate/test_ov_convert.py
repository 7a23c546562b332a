from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from ragbraid.errors import ModelError
from ragbraid.generate.choose import choose
from ragbraid.generate.gguf import read
from ragbraid.generate.local import Local
from ragbraid.generate.openvino import OpenVino
from ragbraid.generate.ov import weights
from ragbraid.generate.ov.convert import convert
from ragbraid.generate.protocol import Completion, Request
from ragbraid.models.cache import converted_folder
from ragbraid.models.converted import proof
from ragbraid.types import ModelName
from tiny_gguf import tiny_gguf

Kind = gguf.GGMLQuantizationType


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "models"))


@pytest.mark.parametrize("kind", [Kind.F16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1], ids=lambda kind: kind.name)
def test_what_is_converted_equals_torch(kind: Kind, tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf", kind)
    measured = proof(convert(path, read(path)))
    assert measured is not None
    assert abs(measured["kl"]) < 1e-5
    assert measured["top1"] == 1.0


def test_weights_as_imported_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "make_exact", lambda *_: None)
    path = tiny_gguf(tmp_path / "tiny.gguf", Kind.Q4_1)
    for _ in range(2):  # the second time it is remembered, and isn't tried
        with pytest.raises(ModelError, match=r"isn't exact: it differs by 0\.\d+ nats"):
            convert(path, read(path))
        monkeypatch.setattr(weights, "make_exact", pytest.fail)


def test_it_is_converted_once_and_proven_anew_on_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf")
    folder = convert(path, read(path))
    made = (folder / "openvino_model.bin").stat().st_mtime_ns
    assert convert(path, read(path)) == folder
    monkeypatch.setattr("ragbraid.generate.ov.convert.machine", lambda: {"processor": "another"})
    assert convert(path, read(path)) == folder
    again = proof(folder)
    assert again is not None
    assert again["processor"] == "another"
    assert (folder / "openvino_model.bin").stat().st_mtime_ns == made


def test_another_file_of_the_same_name_is_another_model(tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf")
    folder = convert(path, read(path))
    other = tiny_gguf(tmp_path / "tiny.gguf", seed=1)
    assert convert(other, read(other)) != folder


@pytest.mark.parametrize(
    ("kind", "architecture", "why"),
    [
        (
            Kind.Q5_0,
            "llama",
            r"can't take .*tiny\.gguf: its importer doesn't unpack weights of ggml type 6\.",
        ),
        (Kind.Q4_1, "mamba", r"can't take .*: its importer doesn't know the architecture 'mamba'"),
    ],
)
def test_what_it_cannot_read_is_said(kind: Kind, architecture: str, why: str, tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf", kind, architecture=architecture)
    with pytest.raises(ModelError, match=why) as raised:
        convert(path, read(path))
    assert "type: local" in str(raised.value)
    left = [each.name for each in converted_folder().iterdir()] if converted_folder().exists() else []
    assert all(each.endswith(".lock") for each in left)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "file"))
    path = tiny_gguf(tmp_path / "tiny.gguf")
    with pytest.raises(ModelError, match="can't be kept in") as raised:
        convert(path, read(path))
    assert "RAGBRAID_CONVERTED" in str(raised.value)


def test_a_model_without_a_chat_template_continues_text_and_takes_no_chat(tmp_path: Path) -> None:
    from ragbraid.types import Message

    path = tiny_gguf(tmp_path / "tiny.gguf", template=None)
    runtime = OpenVino(ModelName(str(path)), context_tokens=256, cache_mb=8).open()
    try:
        text, chat = runtime.generate([Request("abc", 4), Request((Message("user", "abc"),), 4)])
    finally:
        runtime.close()
    assert isinstance(text, Completion)
    assert "no chat template" in str(chat)


def test_local_takes_openvino_where_it_is_exact_and_llama_cpp_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request("abc", 4)
    for kind, engine in ((Kind.Q4_1, "openvino"), (Kind.Q5_0, "llama-cpp")):
        path = tiny_gguf(tmp_path / f"{kind.name}.gguf", kind)
        runtime = Local(ModelName(str(path)), context_tokens=256, cache_mb=8).open()
        try:
            assert isinstance(runtime.generate([request])[0], Completion)
            assert runtime.engine == engine == choose(str(path)).engine
        finally:
            runtime.close()
    monkeypatch.setattr(weights, "make_exact", lambda *_: None)
    path = tiny_gguf(tmp_path / "refused.gguf", seed=2)
    runtime = Local(ModelName(str(path)), context_tokens=256, cache_mb=8).open()
    try:
        assert runtime.engine == "llama-cpp"
    finally:
        runtime.close()
    with pytest.raises(ModelError, match="isn't exact"):
        Local(ModelName(str(path)), engine="openvino", context_tokens=256).open().warm_up()
