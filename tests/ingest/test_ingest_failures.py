"""One bad source among good ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from ingest_bench import TEXTS, Embedder, refuse, run, sources, split

from ragbraid.errors import (
    IndexLocked,
    LoadError,
    MissingDependency,
    ModelMissing,
    RagbraidError,
)
from ragbraid.ingest import Progress
from ragbraid.testing import ListIndex, MemoryLoader
from ragbraid.types import Chunk, Document, SourceRef, Vectors


def test_a_source_that_cannot_be_loaded_keeps_its_earlier_version() -> None:
    index = ListIndex(Embedder()).open()
    run(index, MemoryLoader(TEXTS))
    changed = {**TEXTS, "b": "changed", "c": "drei"}
    report = run(index, MemoryLoader(changed, failing=("b",)), prune=True)
    assert [each.source for each in report.failed] == ["b"]
    assert (report.changed, report.unchanged) == (1, 2)
    document = index.document("b")
    assert document is not None
    assert document.text == "two bad words"


def test_a_renamed_source_that_cannot_be_loaded_is_not_pruned() -> None:
    index = ListIndex(Embedder()).open()
    run(index, MemoryLoader(TEXTS))
    renamed = {"a": "one", "c": "three", "d": "four", "e": "two bad words"}
    report = run(index, MemoryLoader(renamed, failing=("e",)), prune=True)
    assert (report.removed, report.gone) == (0, 1)
    assert sources(index) == ["a", "b", "c", "d"]
    report = run(index, MemoryLoader(renamed), prune=True)
    assert (report.renamed, report.removed, report.gone) == (1, 0, 0)
    assert sources(index) == ["a", "c", "d", "e"]


def test_an_unforeseen_error_names_its_type() -> None:
    class Odd(MemoryLoader):
        def load(self, ref: SourceRef) -> Iterator[Document]:
            if ref.origin == "b":
                raise ZeroDivisionError("in line\n  7")
            return MemoryLoader.load(self, ref)

    report = run(ListIndex(Embedder()).open(), Odd(TEXTS))
    assert [(each.source, each.reason) for each in report.failed] == [("b", "ZeroDivisionError: in line 7")]
    assert report.new == 3


def test_a_missing_reader_fails_only_its_format() -> None:
    class NoReader(MemoryLoader):
        def load(self, ref: SourceRef) -> Iterator[Document]:
            if ref.origin == "b":
                raise MissingDependency("xberg isn't installed.", "Install ragbraid[local].")
            return MemoryLoader.load(self, ref)

    report = run(ListIndex(Embedder()).open(), NoReader(TEXTS))
    assert report.new == 3
    assert report.failed[0].reason == "xberg isn't installed. Install ragbraid[local]."


def test_a_text_that_cannot_be_embedded_fails_its_source_alone() -> None:
    embedder = Embedder(refuse("bad", ValueError("what a word")))
    index = ListIndex(embedder).open()
    told: list[Progress] = []
    report = run(index, MemoryLoader(TEXTS), on_progress=told.append)
    assert [(each.source, each.reason) for each in report.failed] == [("b", "ValueError: what a word")]
    assert sources(index) == ["a", "c", "d"]
    assert sorted((each.source, each.kind) for each in told) == [
        ("a", "new"), ("b", "failed"), ("c", "new"), ("d", "new")
    ]  # fmt: skip
    assert [each.done for each in told] == [1, 2, 3, 4]


def test_a_vector_that_cannot_be_stored_fails_its_source_alone() -> None:
    class Nan(Embedder):
        def embed(self, texts: Sequence[str], *rest: Any, **more: Any) -> Vectors:
            vectors = super().embed(texts)
            vectors[["bad" in each for each in texts]] = np.nan
            return vectors

    index = ListIndex(Nan()).open()
    report = run(index, MemoryLoader({f"{n}": f"text {n}" for n in range(9)} | {"x": "bad"}))
    assert [each.source for each in report.failed] == ["x"]
    assert "NaN" in report.failed[0].reason
    assert report.new == 9


def test_metadata_that_cannot_be_stored_fails_its_source_alone() -> None:
    index = ListIndex(Embedder()).open()
    report = run(index, MemoryLoader(TEXTS, {"b": {"x": {1, 2}}}))
    assert [each.source for each in report.failed] == ["b"]
    assert sources(index) == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("chunk", "complaint"),
    [
        (Chunk("b", 0, 3, "tow"), "isn't the text at its offsets, 0 to 3"),
        (Chunk("b", 4, 4, ""), "isn't the text at its offsets, 4 to 4"),
        (Chunk("b", -5, 13, "words"), "isn't the text at its offsets, -5 to 13"),
        (Chunk("b", 8, 99, "words"), None),
        (Chunk("z", 0, 3, "two"), "a passage of 'z'"),
    ],
)
def test_a_passage_that_lies_is_refused(chunk: Chunk, complaint: str | None) -> None:
    def process(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
        return documents, [chunk] if documents[0].source == "b" else split(documents)[1]

    index = ListIndex(Embedder()).open()
    report = run(index, MemoryLoader(TEXTS), process)
    assert "The splitter gave a passage" in report.failed[0].reason
    assert (complaint or "isn't the text") in report.failed[0].reason
    assert sources(index) == ["a", "c", "d"]


def test_two_documents_of_one_name_are_refused() -> None:
    class Twice(MemoryLoader):
        def load(self, ref: SourceRef) -> Iterator[Document]:
            yield from [Document("same", "one"), Document("same", "two")]

    report = run(ListIndex(Embedder()).open(), Twice({"a": ""}))
    assert report.failed[0].reason == "The loader gave two documents the name same."


def test_an_origin_of_several_documents_is_replaced_as_one() -> None:
    class Rows(MemoryLoader):
        def load(self, ref: SourceRef) -> Iterator[Document]:
            for number, line in enumerate(self.documents[ref.origin].split("/")):
                yield Document(f"{ref.origin}#{number}", line)

    index = ListIndex(Embedder()).open()
    assert run(index, Rows({"t": "one/two/three"})).new == 1
    assert sources(index) == ["t#0", "t#1", "t#2"]
    assert run(index, Rows({"t": "one/two/three"})).unchanged == 1
    report = run(index, Rows({"t": "one/zwei"}))
    assert (report.changed, report.chunks, report.embedded) == (1, 2, 1)
    assert sources(index) == ["t#0", "t#1"]


def test_a_source_without_any_document() -> None:
    class Lines(MemoryLoader):
        def load(self, ref: SourceRef) -> Iterator[Document]:
            for number, line in enumerate(self.documents[ref.origin].split()):
                yield Document(f"{ref.origin}#{number}", line)

    index = ListIndex(Embedder()).open()
    report = run(index, Lines({"t": ""}))
    assert (report.new, [each.reason for each in report.skipped]) == (0, ["there is no document in it"])
    run(index, Lines({"t": "some"}))
    assert run(index, Lines({"t": ""})).changed == 1
    assert sources(index) == []


def test_warnings_are_in_the_report() -> None:
    class Scanned(MemoryLoader):
        def load(self, ref: SourceRef) -> Iterator[Document]:
            yield Document(ref.origin, "", warnings=("Page 1 is an image.",))

    report = run(ListIndex(Embedder()).open(), Scanned({"a": ""}))
    assert [(each.source, each.reason) for each in report.warnings] == [("a", "Page 1 is an image.")]


def test_a_source_that_changes_while_it_is_read() -> None:
    class Busy(MemoryLoader):
        """Is written to between the first reading and the second."""

        texts: list[str] = ["half", "whole text"]  # noqa: RUF012

        def fingerprint(self, ref: SourceRef) -> str:
            return self.texts[0]

        def load(self, ref: SourceRef) -> Iterator[Document]:
            yield Document(ref.origin, self.texts[0])
            del self.texts[:-1]

    index = ListIndex(Embedder()).open()
    assert run(index, Busy({"a": ""})).new == 1
    document = index.document("a")
    assert document is not None
    assert document.text == "whole text"
    assert [each.fingerprint for each in index.sources()] == ["whole text"]


def test_a_source_that_never_rests_is_left_for_later() -> None:
    class Restless(MemoryLoader):
        counter = iter(range(100))

        def fingerprint(self, ref: SourceRef) -> str:
            return str(next(self.counter))

    report = run(ListIndex(Embedder()).open(), Restless({"log": "line"}))
    assert "changes while it is read" in report.failed[0].reason


@pytest.mark.parametrize(
    "error", [ModelMissing("No model."), IndexLocked("Locked."), MissingDependency("No torch.")]
)
def test_an_error_about_everything_ends_the_run(error: RagbraidError) -> None:
    index = ListIndex(Embedder(refuse("bad", error))).open()
    with pytest.raises(type(error)):
        run(index, MemoryLoader(TEXTS))
    assert sources(index) == []


def test_loading_is_what_a_step_may_refuse() -> None:
    def process(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
        if documents[0].source == "b":
            raise LoadError("No title.")
        return split(documents)

    report = run(ListIndex(Embedder()).open(), MemoryLoader(TEXTS), process)
    assert [(each.source, each.reason) for each in report.failed] == [("b", "No title.")]
