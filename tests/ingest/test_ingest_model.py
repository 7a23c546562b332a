"""Random edits, moves, deletions and metadata, each followed by an ingest, against a model of the index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.ingest import IngestFlow, ingest
from ragbraid.testing import FixedSplitter, HashEmbedder, ListIndex, MemoryLoader
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Chunk, Document
from soaking import count

NAMES = st.sampled_from(["a", "b", "x/a", "x/b", "x/y/c"])
TEXTS = st.sampled_from(["", "one", "one two three", "two three four five", "five six seven eight nine"])
STEPS = st.one_of(
    st.tuples(st.just("write"), NAMES, TEXTS),
    st.tuples(st.just("delete"), NAMES, st.just("")),
    st.tuples(st.just("move"), NAMES, NAMES),
    st.tuples(st.just("split"), st.integers(1, 3), st.just("")),
    st.tuples(st.just("stamp"), st.integers(1, 3), st.just("")),
    st.tuples(st.just("break"), NAMES, st.just("")),
)
ROUNDS = st.lists(
    st.tuples(st.lists(STEPS, max_size=4), st.sampled_from([".", "x", "a"]), st.booleans()), max_size=8
)


class World:
    """What is there, what is broken, and what the index should hold: source → (text, words, stamp)."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.broken: set[str] = set()
        self.words, self.stamp = 2, 0
        self.expected: dict[str, tuple[str, int, int]] = {}
        self.embedder = HashEmbedder(dimensions=8).open()
        self.index = ListIndex(self.embedder).open()

    def step(self, what: str, first: Any, second: Any) -> None:
        if what == "write":
            self.texts[first] = second
        elif what == "delete":
            self.texts.pop(first, None)
        elif what == "move" and first in self.texts:
            self.texts[second] = self.texts.pop(first)
        elif what == "split":
            self.words = first
        elif what == "stamp":
            self.stamp = first
        elif what == "break":
            self.broken ^= {first}

    def ingest(self, path: str, prune: bool) -> None:
        covered = {each for each in NAMES_ALL if path == "." or each == path or each.startswith(f"{path}/")}
        if path != "." and not covered & self.texts.keys():
            return
        before = dict(self.expected)
        splitter = FixedSplitter(self.words)

        def process(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
            return documents, splitter(documents)

        loader = MemoryLoader(self.texts, failing=tuple(self.broken))
        flow = IngestFlow([loader], process, self.index, f"words={self.words}")
        embedded = self.embedder.embedded
        report = ingest(flow, [path], base=Path.cwd(), prune=prune, metadata={"stamp": self.stamp})
        self.predict(covered, prune)
        assert contents(self.index) == contents_of(self.expected)
        assert {each.source for each in report.failed} <= self.broken
        known = {text for each in contents_of(before).values() for _, _, text, _ in each}
        wanted = {text for each in contents(self.index).values() for _, _, text, _ in each}
        assert self.embedder.embedded - embedded == report.embedded
        assert report.embedded >= len(wanted - known)
        if self.expected == before:
            assert report.embedded == 0

    def predict(self, covered: set[str], prune: bool) -> None:
        gone = sorted(each for each in covered & self.expected.keys() if each not in self.texts)
        claimed = set()
        for name in sorted(covered & self.texts.keys()):
            state = (self.texts[name], self.words, self.stamp)
            former = None
            if name not in self.expected:
                same = [each for each in gone if self.expected[each][0] == state[0] and each not in claimed]
                former = same[0] if same else None
                claimed.update(same[:1])
            if self.expected.get(name) != state and name not in self.broken:
                if former is not None:
                    gone.remove(former)
                    del self.expected[former]
                self.expected[name] = state
        for name in gone if prune else []:
            if name not in claimed:
                del self.expected[name]


NAMES_ALL = ("a", "b", "x/a", "x/b", "x/y/c")


def contents(index: ListIndexRuntime) -> dict[str, set[tuple[int, int, str, int]]]:
    found: dict[str, set[tuple[int, int, str, int]]] = {each.source: set() for each in index.sources()}
    for hit in index.search_vector(HashEmbedder(dimensions=8).open().embed(["any"]), 1000)[0]:
        found[hit.source].add((hit.start, hit.end, hit.text, hit.metadata["stamp"]))
    return found


def contents_of(expected: dict[str, tuple[str, int, int]]) -> dict[str, set[tuple[int, int, str, int]]]:
    return {
        name: {
            (each.start, each.end, each.text, stamp) for each in FixedSplitter(words)([Document(name, text)])
        }
        for name, (text, words, stamp) in expected.items()
    }


@given(ROUNDS)
@settings(max_examples=count(100, 2000), deadline=None)
def test_the_index_holds_what_the_model_says(rounds: Any) -> None:
    world = World()
    for steps, path, prune in rounds:
        for each in steps:
            world.step(*each)
        world.ingest(path, prune)
