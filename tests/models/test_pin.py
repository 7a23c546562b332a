from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_hub import FILE
from tiny_model import folder_of

from ragbraid.errors import ModelError
from ragbraid.models import locate, verify
from ragbraid.models.catalogue import File
from ragbraid.models.pin import PIN, is_inside, pinned, write_pin

CONTENT = {"model.gguf": b"weights" * 1000}
HELD = replace(
    FILE, files={path: File(len(data), sha256(data).hexdigest()) for path, data in CONTENT.items()}
)
PATHS = st.text(st.characters(codec="utf-8"), min_size=1).filter(is_inside)
FILES = st.builds(File, st.integers(0, 2**40), st.from_regex("[0-9a-f]{64}", fullmatch=True))


@given(files=st.dictionaries(PATHS, FILES, min_size=1), revision=st.text(st.characters(codec="utf-8")))
def test_a_pin_says_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, File], revision: str
) -> None:
    folder = tmp_path_factory.mktemp("pin")
    written = replace(FILE, files=files, revision=revision)
    write_pin(written, folder)
    assert pinned(FILE, folder) == written


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/x", "..\\x", "C:\\x", "C:x", "\\\\host\\share\\x", "", ".", PIN]
)
def test_paths_that_lead_elsewhere(path: str) -> None:
    assert not is_inside(path)


@pytest.mark.parametrize("path", ["a", "a/b.json", "1_Pooling/config.json", "a..b", ".hidden"])
def test_paths_that_stay_inside(path: str) -> None:
    assert is_inside(path)


@pytest.mark.parametrize(
    "pin",
    [
        None, "", "[", "files = 1", "revision = 'x'\n[files]", "[files]\nx = {size = 1, sha256 = 'a'}",
        "revision = 'x'\n[files]\nx = {size = 'many', sha256 = 'a'}", "revision = 'x'\n[files]\nx = 1",
        "revision = 'x'\n[files]\n'../x' = {size = 1, sha256 = 'a'}", "\x00",
    ],
)  # fmt: skip
def test_a_model_without_a_pin_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pin: str | None
) -> None:
    monkeypatch.setenv("RAGBRAID_MODELS", str(tmp_path))
    monkeypatch.setattr(locate, "catalogue", lambda: {FILE.name: FILE})
    folder = folder_of(tmp_path / FILE.name, CONTENT)
    if pin is not None:
        (folder / PIN).write_text(pin, "utf-8")
    with pytest.raises(ModelError, match=r"is damaged: pin\.toml, which says what its files must be"):
        locate.locate(FILE.name)


def test_a_model_is_held_to_its_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGBRAID_MODELS", str(tmp_path))
    monkeypatch.setattr(locate, "catalogue", lambda: {FILE.name: FILE})
    monkeypatch.setattr(verify, "_whole", {})
    folder = folder_of(tmp_path / FILE.name, CONTENT)
    write_pin(HELD, folder)
    assert locate.locate(FILE.name, kind="generator") == folder / "model.gguf"
    (folder / "model.gguf").write_bytes(b"Weights" * 1000)
    with pytest.raises(ModelError, match=r"the checksum of model\.gguf differs from the hub's"):
        locate.locate(FILE.name)
