"""An embedder that isn't made for the documents' language is told once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ingest_bench import Embedder, run

from ragbraid import Pipeline
from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.testing import ListIndex, MemoryLoader
from ragbraid.types import Document, ModelName, SourceRef

GERMAN = "Das ist ein Satz, der von dem Urlaub und den Tagen im Jahr handelt, die nicht genommen werden."
ENGLISH = "This is a sentence about the holidays and the days of a year that have not been taken by them."


class EnglishEmbedder(Embedder):
    languages = ("en",)


def warnings(texts: dict[str, str], embedder: Embedder | None = None) -> list[tuple[str, str]]:
    report = run(ListIndex(embedder or EnglishEmbedder()).open(), MemoryLoader(texts))
    assert report.failed == []
    return [(each.source, each.reason) for each in report.warnings]


def test_one_line_for_all_of_them() -> None:
    texts = {f"e{n}": f"{ENGLISH} {n}" for n in range(4)} | {f"d{n}": f"{GERMAN} {n}" for n in range(3)}
    said = "3 of 7 documents, this one first, seem to be in de, and the embedder is made for en: "
    ((source, reason),) = warnings(texts)
    assert source == "d0"
    assert reason.startswith(said)


def test_a_single_document() -> None:
    ((_, reason),) = warnings({"d": GERMAN})
    assert reason.startswith("It seems to be in de,")


def test_a_source_that_is_taken_in_parts() -> None:
    class Table(MemoryLoader):
        def load(self, ref: SourceRef) -> Iterator[Document]:
            for row in range(700):
                yield Document(f"{ref.origin}#{row}", f"{GERMAN} {row}")

    (warning,) = run(ListIndex(EnglishEmbedder()).open(), Table({"t.csv": ""})).warnings
    assert warning.source == "t.csv#0"
    assert warning.reason.startswith("700 of 700 documents")


def test_a_few_among_many_are_no_matter() -> None:
    texts = {f"e{n}": f"{ENGLISH} {n}" for n in range(9)}
    assert warnings(texts | {"d": GERMAN}) == []
    assert warnings(texts) == []


def test_an_embedder_that_doesnt_say_is_believed() -> None:
    class Silent(Embedder):
        @property
        def languages(self) -> tuple[str, ...]:  # type: ignore[override]
            raise AttributeError("as where it is left out")

    assert warnings({"d": GERMAN}, Silent()) == warnings({"d": GERMAN}, Embedder()) == []


def test_what_the_document_says_counts() -> None:
    class Named(MemoryLoader):
        def load(self, ref: SourceRef) -> Iterator[Document]:
            yield Document(ref.origin, "Zwei Wörter", {"lang": "de-AT"})

    report = run(ListIndex(EnglishEmbedder()).open(), Named({"a": ""}))
    assert "seems to be in de" in report.warnings[0].reason
    assert run(ListIndex(EnglishEmbedder()).open(), MemoryLoader({"a": "Zwei Wörter"})).warnings == []


def test_nothing_is_said_again_of_what_is_unchanged() -> None:
    index = ListIndex(EnglishEmbedder()).open()
    assert len(run(index, MemoryLoader({"d": GERMAN})).warnings) == 1
    assert run(index, MemoryLoader({"d": GERMAN})).warnings == []


def test_the_catalogue_knows_the_languages() -> None:
    assert SentenceTransformer().open().languages == ("en",)
    for name in ("qwen3-embedding-0.6b", "someone/something"):
        assert SentenceTransformer(model=ModelName(name)).open().languages == ()


@pytest.mark.model
def test_through_a_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "urlaub.md").write_text(GERMAN, "utf-8")
    with Pipeline.load() as pipeline:
        (warning,) = pipeline.ingest(["urlaub.md"]).warnings
    assert warning.source == "urlaub.md"
    assert "the embedder is made for en" in warning.reason
