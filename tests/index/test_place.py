"""An index on a network file system is refused; whatever else is mounted isn't."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ragbraid.errors import IndexStoreError
from ragbraid.index import place
from ragbraid.index.faiss import Faiss
from ragbraid.testing.index import EMBEDDER, change

if sys.platform != "linux":
    pytest.skip("mounts are told by a file on Linux alone", allow_module_level=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder beside which `mounts` says what is mounted where."""
    monkeypatch.setattr(place, "_MOUNTS", tmp_path / "mounts")
    (tmp_path / "my files").mkdir()
    return tmp_path / "my files"


def mounted(folder: Path, *kinds: str) -> None:
    """Have these be mounted there, the last one above the others."""
    written = str(folder).replace(" ", r"\040")
    lines = ["/dev/sda / ext4 rw 0 0", *(f"it {written} {kind} rw 0 0" for kind in kinds)]
    lines.append(f"it {written}elsewhere nfs rw 0 0")
    folder.with_name("mounts").write_text("\n".join(lines), "utf-8")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(kind: str, folder: Path) -> None:
    mounted(folder, "autofs", kind)
    index = Faiss(folder / "new" / "index", EMBEDDER).open()
    for use in (
        lambda: index.upsert([change("a", ["goat"])]),
        lambda: index.search_text(["goat"], 3),
        index.sources,
        index.check,
    ):
        with pytest.raises(IndexStoreError, match=rf"network file system \({kind}\).*disk of this machine"):
            use()
    assert not (folder / "new").exists()


def test_one_that_is_linked_to_is_refused(folder: Path) -> None:
    mounted(folder, "nfs4")
    link = folder.with_name("link")
    link.symlink_to(folder)
    with pytest.raises(IndexStoreError, match="nfs4"):
        Faiss(link / "index").open().sources()


@pytest.mark.parametrize("kinds", [(), ("nfs4", "ext4"), ("9p",), ("fuse.overlayfs",), ("virtiofs",)])
def test_others_are_not(kinds: tuple[str, ...], folder: Path) -> None:
    mounted(folder, *kinds)
    index = Faiss(folder / "index", EMBEDDER).open()
    index.upsert([change("a", ["goat"])])
    assert len(index.search_text(["goat"], 3)[0]) == 1
    index.close()


def test_where_nothing_is_told_nothing_is_refused(folder: Path) -> None:
    index = Faiss(folder / "index", EMBEDDER).open()
    index.upsert([change("a", ["goat"])])
    index.close()
