"""What the tests of failing disks do to an index, and what must then be found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from ragbraid.errors import IndexMissing
from ragbraid.index.faiss import Faiss
from ragbraid.testing.index import EMBEDDER, embedded

State: TypeAlias = Mapping[str, Sequence[str]]
"""Source → the texts of its chunks. Each text has a word that no other has."""


def _texts(source: str, count: int, version: str = "") -> list[str]:
    return [f"word{source}x{number}{version} goat on a hill" for number in range(count)]


BASE: State = {f"s{number}": _texts(f"s{number}", 1 + number % 4) for number in range(6)}
CHANGES: Mapping[str, State] = {
    "first": {"s0": _texts("s0", 2), "s1": _texts("s1", 12)},
    "base": {"s0": BASE["s0"]},
    "change": {"s1": _texts("s1", 3, "new"), "s7": _texts("s7", 4)},
}
LATER: State = {"later": _texts("later", 2)}


def before(what: str) -> State:
    """What is there at first."""
    return {} if what == "first" else BASE


def after(what: str) -> State:
    """What is there once the change is acknowledged."""
    if what == "compact":
        return BASE
    if what in ("delete", "purge"):
        return {source: texts for source, texts in BASE.items() if source != "s2"}
    return {**before(what), **CHANGES[what]}


def state(folder: Path) -> State:
    """What an index holds, after making sure that it is whole and found by id, by words and by vectors."""
    index = Faiss(folder, EMBEDDER, tokens=EMBEDDER).open()
    found: dict[str, list[str]] = {}
    try:
        for each in index.sources():
            document = index.document(each.source)
            assert document is not None
            texts = found[each.source] = document.text.split("\n")
            chunks = index.chunks(each.source)
            assert [chunk.text for chunk in chunks] == texts
            assert index.get([chunk.id for chunk in chunks]) == chunks
            assert set(index.stored_tokens([chunk.id for chunk in chunks])) == {each.id for each in chunks}
            for text in texts:
                assert [hit.text for hit in index.search_text([text.split()[0]], 10)[0]] == [text]
                assert index.search_vector(embedded(text), 1)[0][0].text == text
        with suppress(IndexMissing):
            total = sum(map(len, found.values()))
            assert index.count() == total
            assert len(index.search_vector(embedded("goat"), total + 9)[0]) == total
            assert len(index.search_text(["goat"], total + 9)[0]) == total
            problems = index.check()
            if any("purge was interrupted" in each.what for each in problems):
                index.purge([])  # as it says
                problems = index.check()
            assert not problems, problems
    finally:
        index.close()
    return found
