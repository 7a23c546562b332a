"""Files that can't be read stop none of the others, are named with the reason, and are tried again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import writing
from loading import Bench

from ragbraid.load.files import Files
from ragbraid.types import Document, SourceRef


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, {"type": "files", "ocr": "off"})
    yield made
    made.pipeline.close()


def test_one_bad_file_stops_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        bench.write(f"d/{number}.md", f"Good words {number}.")
    broken = dict.fromkeys(("x.pptx", "x.docx", "x.xlsx", "x.pdf", "x.epub", "x.msg", "x.odt"), b"not a zip")
    broken |= {"locked.pdf": writing.pdf(["secret"], password="pw"), "scan.pdf": writing.scan()}
    for name, data in broken.items():
        (bench.folder / "d" / name).write_bytes(data)
    assert bench.ingest() == {"new": 5, "embedded": 5, "failed": len(broken)}
    reasons = {each.source.removeprefix("d/"): each.reason for each in bench.report.failed}
    assert reasons.keys() == broken.keys()
    assert reasons.pop("locked.pdf").startswith("It is protected by a password.")
    assert reasons.pop("scan.pdf").startswith("It has no text layer")
    assert all(each.startswith("It is damaged, or not what its name says") for each in reasons.values())
    assert len(bench.sources()) == 5

    read: list[str] = []
    load = Files.load

    def counted(self: Files, ref: SourceRef) -> Iterator[Document]:
        read.append(ref.origin.removeprefix("d/"))
        return load(self, ref)

    monkeypatch.setattr(Files, "load", counted)
    assert bench.ingest() == {"unchanged": 5, "failed": len(broken)}
    assert sorted(read) == sorted(broken)


def test_ligatures_and_broken_words_are_found(bench: Bench) -> None:
    lines = ["ﬁeld oﬃce ﬂow infor-", "mation"]
    (bench.folder / "d").mkdir()
    (bench.folder / "d/a.pdf").write_bytes(writing.pdf([], lines, truetype=True))
    bench.write("d/a.txt", "ﬁeld oﬃce")
    bench.ingest()
    for word in ("field", "office", "flow", "information"):
        assert [hit.page for hit in bench.search(word) if hit.source == "d/a.pdf"] == [2], word
    assert {hit.source for hit in bench.search("office")} == {"d/a.pdf", "d/a.txt"}
