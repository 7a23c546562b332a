from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_model import CONTENT, NAME, STAMP, folder_of, kept, tiny

from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.errors import ModelError
from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.models import verify
from ragbraid.models.fetch import get
from ragbraid.models.locate import locate
from ragbraid.rerank.cross_encoder import CrossEncoder
from ragbraid.types import ModelName

_opened: list[Path] | None = None


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        _opened.append(Path(arguments[0]))


sys.addaudithook(_hear)


@contextmanager
def opened_in(folder: Path) -> Iterator[list[str]]:
    """The files in the folder that are opened meanwhile: an interpreter's own record of it."""
    global _opened
    _opened, found = [], list[str]()
    try:
        yield found
    finally:
        found += [path.relative_to(folder).as_posix() for path in _opened if path.is_relative_to(folder)]
        _opened = None


def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what only this process remembers."""
    monkeypatch.setattr(verify, "_whole", {})


def damage(file: Path) -> None:
    """Change bytes in the middle: same size, same inode."""
    before = file.stat()
    with file.open("r+b") as data:
        data.seek(3000)
        data.write(bytes(200))
    # Some systems' clocks tick so slowly that a test writes twice in one tick.
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    assert file.stat().st_size == before.st_size


def truncate(file: Path) -> None:
    os.truncate(file, 6000)


HARMS = [
    (damage, r"the checksum of model\.bin differs from the catalogue's"),
    (truncate, r"model\.bin has 6,000 bytes instead of 7,000"),
    (Path.unlink, r"model\.bin is missing"),
]


@pytest.mark.parametrize(("harm", "said"), HARMS)
@pytest.mark.parametrize("known", [False, True])
def test_harm_is_found_at_open_and_put_right_by_get(
    cache: Path, tmp_path: Path, harm: Callable[[Path], None], said: str, known: bool
) -> None:
    model = folder_of(cache / NAME)
    if known:
        assert locate(NAME) == model
    harm(model / "model.bin")
    for _ in range(2):
        with pytest.raises(ModelError, match=said) as caught:
            locate(NAME)
        assert caught.value.hint == "Run `ragbraid models get tiny`."
    assert get(NAME, source=folder_of(tmp_path / "plain")) == locate(NAME) == model
    assert (model / "model.bin").read_bytes() == CONTENT["model.bin"]
    assert kept(cache) == [NAME, STAMP]


def test_a_folder_in_a_files_place_is_a_sentence(cache: Path) -> None:
    model = folder_of(cache / NAME)
    (model / "sub" / "config.json").unlink()
    (model / "sub" / "config.json").mkdir()
    with pytest.raises(ModelError, match=r"sub/config\.json (has|can't be read)"):
        locate(NAME)


def test_only_the_first_open_reads_the_files(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(cache / NAME)
    with opened_in(cache) as first:
        locate(NAME)
    assert {NAME + "/" + path for path in CONTENT} < set(first)
    for forget in (False, True):
        if forget:
            new_process(monkeypatch)
        with opened_in(cache) as later:
            locate(NAME)
        assert later == [STAMP]


def test_an_open_after_get_reads_no_file(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(NAME, source=folder_of(tmp_path / "plain"))
    new_process(monkeypatch)
    with opened_in(cache) as opened:
        locate(NAME)
    assert opened == [STAMP]


def test_get_trusts_no_stamp(cache: Path) -> None:
    folder_of(cache / NAME)
    locate(NAME)
    with opened_in(cache) as opened:
        get(NAME)
    assert {NAME + "/" + path for path in CONTENT} < set(opened)


@pytest.mark.parametrize("stamp", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"model.bin": 1}'])
def test_a_stamp_that_says_nothing_is_made_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch, stamp: bytes
) -> None:
    model = folder_of(cache / NAME)
    locate(NAME)
    good = (cache / STAMP).read_bytes()
    (cache / STAMP).write_bytes(stamp)
    new_process(monkeypatch)
    assert locate(NAME) == model
    assert (cache / STAMP).read_bytes() == good


def test_a_copy_with_its_stamp_is_read_again(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(cache / NAME)
    locate(NAME)
    other = shutil.copytree(cache, tmp_path / "other")
    damage(other / NAME / "model.bin")
    monkeypatch.setenv("RAGBRAID_MODELS", str(other))
    with pytest.raises(ModelError, match="checksum"):
        locate(NAME)


def test_a_cache_that_cant_be_written(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = folder_of(cache / NAME)
    (cache / STAMP).mkdir()  # root may write into any folder, but not a file in a folder's place
    cache.chmod(0o555)
    try:
        assert locate(NAME) == model
        with opened_in(cache / NAME) as opened:
            assert locate(NAME) == model
        assert opened == []
        new_process(monkeypatch)
        damage(model / "model.bin")
        with pytest.raises(ModelError, match="checksum"):
            locate(NAME)
    finally:
        cache.chmod(0o755)


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = folder / "tiny_weights"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(folder))
    return folder_of(package / "model")


def test_an_installed_model_is_held_to_its_checksums(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = installed(tmp_path / "site", monkeypatch)
    assert locate(NAME) == model
    with opened_in(model) as opened:
        locate(NAME)
    assert opened == []
    damage(model / "model.bin")
    with pytest.raises(ModelError, match="checksum"):
        locate(NAME)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(ModelError, match="can't be fetched"):  # by pip: the installed one is no source
        get(NAME)
    assert get(NAME, source=folder_of(tmp_path / "plain")) == locate(NAME) == cache / NAME


@pytest.mark.parametrize("component", [SentenceTransformer, CrossEncoder, LlamaCpp])
def test_a_component_says_so_before_it_loads(
    cache: Path, monkeypatch: pytest.MonkeyPatch, component: type
) -> None:
    if component is LlamaCpp:
        generator = replace(tiny(), kind="generator")
        monkeypatch.setattr("ragbraid.models.locate.catalogue", lambda: {NAME: generator})
    damage(folder_of(cache / NAME) / "model.bin")
    with pytest.raises(ModelError, match=r"model\.bin differs from the catalogue's.* models get tiny"):
        component(model=ModelName(NAME)).open().warm_up()


def test_a_model_of_another_kind_is_refused_by_name(cache: Path) -> None:
    with pytest.raises(ModelError, match="tiny is an embedder's model and not a generator's"):
        LlamaCpp(model=ModelName(NAME)).open().warm_up()
