from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ragbraid.errors import InputError, LoadError
from ragbraid.load.files import Files
from ragbraid.load.protocol import Loader
from ragbraid.testing.loader import LoaderConformance
from ragbraid.types import Skipped, SourceRef


class TestFilesConforms(LoaderConformance):
    def loader(self) -> Loader:
        return Files()

    def write(self, folder: Path) -> Sequence[str]:
        write(folder, "docs/a.txt", "docs/b.md", "docs/deep/c.html", "docs/picture.heif")
        return [str(folder / "docs")]


def write(folder: Path, *names: str, text: str = "some text") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def names(folder: Path, *paths: str, loader: Files | None = None) -> list[str]:
    found = (loader or Files()).scan([str(folder / path) for path in paths or (".",)], folder)
    return [each.origin for each in found if isinstance(each, SourceRef)]


def skipped(folder: Path, loader: Files | None = None) -> dict[str, str]:
    found = (loader or Files()).scan([str(folder)], folder)
    return {each.source: each.reason for each in found if isinstance(each, Skipped)}


def test_names_are_relative_inside_the_base_and_absolute_outside(tmp_path: Path) -> None:
    write(tmp_path, "base/a.txt", "outside/b.txt")
    found = list(Files().scan([str(tmp_path)], tmp_path / "base"))
    origins = [each.origin for each in found if isinstance(each, SourceRef)]
    assert origins == ["a.txt", f"{tmp_path}/outside/b.txt"]


def test_a_base_reached_through_a_link_is_the_same_folder(tmp_path: Path) -> None:
    write(tmp_path, "real/a.txt")
    (tmp_path / "link").symlink_to("real")
    found = list(Files().scan([str(tmp_path / "real")], tmp_path / "link"))
    assert [each.origin for each in found if isinstance(each, SourceRef)] == ["a.txt"]


def test_equal_names_in_two_folders_are_two_sources(tmp_path: Path) -> None:
    write(tmp_path, "a/1.html", "b/1.html")
    assert names(tmp_path) == ["a/1.html", "b/1.html"]


def test_a_pipeline_file_is_no_document_unless_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "ragbraid.yaml", "b/ragbraid.yaml", "c.yaml")
    assert names(tmp_path) == ["a.txt", "c.yaml"]
    assert names(tmp_path, "ragbraid.yaml") == ["ragbraid.yaml"]


def test_hidden_files_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", ".b.txt", ".c/d.txt", ".git/e.txt", ".ragbraid/f.txt")
    assert names(tmp_path) == ["a.txt"]
    assert names(tmp_path, loader=Files(hidden=True)) == [".b.txt", ".c/d.txt", "a.txt"]
    assert names(tmp_path, ".b.txt") == [".b.txt"]


def test_gitignore_is_honoured_in_every_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.log", "keep.log", "build/x.txt")
    write(tmp_path / "sub", "a.txt", "b.txt", "build.txt", "c.log")
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/build/\n")
    (tmp_path / "sub" / ".gitignore").write_text("b.txt\n!c.log\n")
    assert names(tmp_path) == ["keep.log", "sub/a.txt", "sub/build.txt", "sub/c.log"]


def test_gitignore_of_the_repository_above_is_honoured(tmp_path: Path) -> None:
    write(tmp_path, "docs/a.txt", "docs/a.log", ".git/HEAD")
    (tmp_path / ".gitignore").write_text("*.log\n/out/\n")
    assert names(tmp_path, "docs") == ["docs/a.txt"]
    write(tmp_path, "out/b.txt")
    assert names(tmp_path, "out") == ["out/b.txt"], "a folder given by name is read"


def test_globs_include_and_exclude(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.txt", "docs/c.md", "docs/old/d.md")
    assert names(tmp_path, loader=Files(include=("*.md",))) == ["a.md", "docs/c.md", "docs/old/d.md"]
    assert names(tmp_path, loader=Files(include=("/docs/",), exclude=("old/",))) == ["docs/c.md"]


def test_loops_of_links_end_and_each_file_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "d/x.txt", "real.txt")
    (tmp_path / "d" / "loop").symlink_to(".")
    (tmp_path / "d" / "up").symlink_to("..")
    (tmp_path / "a-link.txt").symlink_to("real.txt")
    (tmp_path / "d" / "self.txt").symlink_to("self.txt")
    assert names(tmp_path) == ["d/x.txt", "real.txt"]
    assert set(skipped(tmp_path)) == {"d/self.txt"}


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/x.txt", "here/y.txt")
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path, "here") == ["here/y.txt", "here/link/x.txt"]


def test_what_is_not_read_is_named_with_its_reason(tmp_path: Path) -> None:
    write(tmp_path, "a.heif", "noextension", "Makefile", "README", "big.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "big.txt").write_bytes(b"x" * 2000)
    found = skipped(tmp_path, Files(max_mb=0.001))
    assert sorted(found) == ["a.heif", "big.txt", "noextension", "pipe.txt"]
    assert ".heif" in found["a.heif"]
    assert "max_mb" in found["big.txt"]
    assert "regular" in found["pipe.txt"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "closed/b.txt")
    (tmp_path / "a.txt").chmod(0)
    (tmp_path / "closed").chmod(0)
    try:
        assert set(skipped(tmp_path)) == {"a.txt", "closed"}
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_name_that_is_not_utf8_is_skipped_with_a_printable_name(tmp_path: Path) -> None:
    with open(os.path.join(os.fsencode(tmp_path), b"caf\xe9.txt"), "wb") as file:
        file.write(b"x")
    write(tmp_path, "b.txt")
    assert names(tmp_path) == ["b.txt"]
    assert list(skipped(tmp_path)) == ["caf\\xe9.txt"]


def test_an_empty_folder_yields_nothing(tmp_path: Path) -> None:
    assert list(Files().scan([str(tmp_path)], tmp_path)) == []
    assert list(Files().scan([], tmp_path)) == []


def test_a_missing_path_is_refused_before_anything_is_yielded(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    with pytest.raises(InputError, match="nowhere"):
        Files().scan([str(tmp_path), "nowhere"], tmp_path)


def test_stamps_hold_still_and_change_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.txt")

    def stamp() -> str:
        (ref,) = Files().scan([str(tmp_path)], tmp_path)
        assert isinstance(ref, SourceRef)
        return ref.stamp

    assert stamp() == "", "a file changed a moment ago may change again within the clock's tick"
    now = time.time_ns()
    monkeypatch.setattr("ragbraid.load.places.time.time_ns", lambda: now + 60_000_000_000)
    before = stamp()
    assert before
    assert stamp() == before
    os.utime(tmp_path / "a.txt", ns=(1, 1))
    assert stamp() != before


def test_a_file_that_grew_over_the_limit_is_a_load_error(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    (ref,) = Files().scan([str(tmp_path)], tmp_path)
    assert isinstance(ref, SourceRef)
    (tmp_path / "a.txt").write_bytes(b"x" * 3000)
    with pytest.raises(LoadError, match="max_mb"):
        list(Files(max_mb=0.002).load(ref))
