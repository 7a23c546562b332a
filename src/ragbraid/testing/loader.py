"""What every loader must do. Subclass `LoaderConformance` in a test file and give it a loader."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ragbraid.errors import InputError, LoadError
from ragbraid.load.protocol import Loader
from ragbraid.types import Document, Gone, Skipped, SourceRef


class LoaderConformance:
    """The contract of a loader, as tests."""

    def loader(self) -> Loader:
        """The loader to test."""
        raise NotImplementedError

    def write(self, folder: Path) -> Sequence[str]:
        """Write at least two readable sources under `folder`; the paths that name them to `scan`."""
        raise NotImplementedError

    def absent(self, folder: Path) -> str:
        """A path that doesn't exist."""
        return str(folder / "absent")

    def test_a_scan_names_each_source_once_and_in_the_same_order(self, tmp_path: Path) -> None:
        """Also where paths are given twice."""
        paths = self.write(tmp_path)
        first = [_origin(each) for each in self.loader().scan(paths, tmp_path)]
        assert len(first) >= 2
        assert len(set(first)) == len(first)
        assert [_origin(each) for each in self.loader().scan([*paths, *paths], tmp_path)] == first

    def test_a_path_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        """The error has a hint."""
        path = self.absent(tmp_path)
        with pytest.raises(InputError) as caught:
            list(self.loader().scan([path], tmp_path))
        assert path in str(caught.value)
        assert caught.value.hint

    def test_documents_are_whole(self, tmp_path: Path) -> None:
        """No replaced characters; `body` and `pages` lie in the text."""
        for ref in self._refs(tmp_path):
            documents = list(self.loader().load(ref))
            assert documents
            for each in documents:
                _demand_whole(each)

    def test_loading_again_gives_the_same(self, tmp_path: Path) -> None:
        """Loading has no memory."""
        for ref in self._refs(tmp_path):
            assert list(self.loader().load(ref)) == list(self.loader().load(ref))

    def test_fingerprints_are_sha256_and_stay(self, tmp_path: Path) -> None:
        """32 bytes in hexadecimal."""
        for ref in self._refs(tmp_path):
            fingerprint = self.loader().fingerprint(ref)
            assert len(bytes.fromhex(fingerprint)) == 32
            assert self.loader().fingerprint(ref) == fingerprint

    def test_a_source_that_is_gone_is_a_load_error(self, tmp_path: Path) -> None:
        """A file may vanish between scan and load."""
        gone = SourceRef("gone.txt", str(tmp_path / "gone.txt"))
        with pytest.raises(LoadError):
            list(self.loader().load(gone))
        with pytest.raises(LoadError):
            self.loader().fingerprint(gone)

    def _refs(self, folder: Path) -> list[SourceRef]:
        found = list(self.loader().scan(self.write(folder), folder))
        return [each for each in found if isinstance(each, SourceRef)]


def _origin(found: SourceRef | Skipped | Gone) -> str:
    return found.origin if isinstance(found, SourceRef) else found.source


def _demand_whole(document: Document) -> None:
    assert document.source
    assert "\ufffd" not in document.text
    assert 0 <= document.body <= len(document.text)
    assert list(document.pages) == sorted(document.pages)
    assert all(0 <= page <= len(document.text) for page in document.pages)
    for key in ("title", "lang"):
        assert isinstance(document.metadata.get(key, "absent"), str)
