"""Who may see what: a scope is bound to the index handle, and no step gets round it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import run_parts

from ragbraid import InputError, Pipeline
from ragbraid.errors import FilterError, RagbraidError
from ragbraid.index.protocol import Index
from ragbraid.pipeline.requests import Caller
from ragbraid.types import Batch, Hit, Scope

load = partial(run_parts.load, allow="test_run_scope")


@dataclass(frozen=True, slots=True)
class Greedy:
    """Asks the index for more than it may see."""

    index: Index

    def __call__(self, question: str, k: int) -> list[Hit]:
        vector = self.index.embedder.embed([question], "query")  # type: ignore[union-attr]
        (hits,) = self.index.search_vector(vector, 50, scope=Scope("other", None))
        return hits


@dataclass(frozen=True, slots=True)
class Prying:
    """Says which names an index handle lets through."""

    index: Index

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        names = ("_target", "_opened", "snapshot", "close", "path", "search_vector", "count")
        open_ones = [each for each in names if not each.startswith("_") and hasattr(self.index, each)]
        return Batch([Hit(",".join(open_ones), "s", 0, 1, "x")] for _ in question)


def pipeline(folder: Path, kind: str = "Greedy", **more: Any) -> Pipeline:
    for name, text in {"a/one.md": "Iron melts late.", "b/two.md": "Iron rusts early."}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    content = {
        "components": {
            "embedder": {"type": "testing/hash-embedder"},
            "index": {"type": "testing/list-index", "embedder": "embedder"},
        },
        "ingest": [{"type": "files"}, {"type": "testing/fixed-splitter"}, "index"],
        "search": [{"type": f"test_run_scope:{kind}", "index": "index"}],
        **more,
    }
    return load(folder, content)


def found(pipeline: Pipeline, **request: Any) -> set[str]:
    return {each.source for each in pipeline.search("iron", **request)}


def test_a_step_that_names_another_scope_stays_in_its_own(tmp_path: Path) -> None:
    with pipeline(tmp_path) as opened:
        opened.ingest(tmp_path / "a")
        opened.ingest(tmp_path / "b", collection="other")
        assert found(opened) == {"a/one.md"}
        assert found(opened, collection="other") == {"b/two.md"}
        assert found(opened, filter={"source": "b/two.md"}) == set()


OWN, NONE = {"a/one.md"}, set[str]()


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (None, OWN),
        ({"$or": [{"tenant": "a"}, {"tenant": "b"}]}, OWN),
        ({"$or": [{"tenant": {"$exists": True}}, {"tenant": {"$exists": False}}]}, OWN),
        ({"tenant": "b"}, NONE),
        ({"$not": {"tenant": "a"}}, NONE),
        ({"tenant": {"$ne": "a"}}, NONE),
    ],
)
def test_a_callers_restriction_can_not_be_widened(tmp_path: Path, wanted: Any, seen: set[str]) -> None:
    with pipeline(tmp_path) as opened:
        for name in ("a", "b"):
            opened.as_caller(Caller({"tenant": name}, {"tenant": name})).ingest(tmp_path / name)
        view = opened.as_caller(Caller({"tenant": "a"}))
        assert found(view, filter=wanted) == seen
        assert found(view.as_caller(Caller({"tenant": "b"})), filter=wanted) == set()
        assert found(opened) == {"a/one.md", "b/two.md"}


def test_what_a_caller_ingests_carries_its_metadata_whatever_the_document_says(tmp_path: Path) -> None:
    with pipeline(tmp_path) as opened:
        (tmp_path / "a/one.md").write_text("---\ntenant: b\n---\nIron melts late.")
        opened.as_caller(Caller({"tenant": "a"}, {"tenant": "a"})).ingest(
            tmp_path / "a", metadata={"tenant": "c"}
        )
        assert [each.metadata["tenant"] for each in opened.search("iron")] == ["a"]


def test_an_index_handle_offers_its_scoped_methods_alone(tmp_path: Path) -> None:
    with pipeline(tmp_path, "Prying") as opened:
        assert [each.id for each in opened.search("iron")] == ["search_vector,count"]


def test_closing_a_view_closes_nothing(tmp_path: Path) -> None:
    with pipeline(tmp_path) as opened:
        opened.ingest(tmp_path / "a")
        opened.as_caller(Caller({"tenant": "a"})).close()
        assert found(opened) == {"a/one.md"}


def test_declared_fields_are_the_ones_that_filters_may_use(tmp_path: Path) -> None:
    with pipeline(tmp_path, fields={"year": "int"}) as opened:
        opened.ingest(tmp_path / "a", metadata={"year": 2020})
        assert found(opened, filter={"year": {"$gte": 2020}, "source": "a/one.md"}) == {"a/one.md"}
        with pytest.raises(FilterError, match="Did you mean 'year'"):
            opened.search("iron", filter={"yeer": 2020})
        with pytest.raises(FilterError):
            opened.search("iron", filter={"year": "2020"})
        for written in (datetime(2020, 1, 1), {"$date": "2020-01-01T00:00:00"}):
            with pytest.raises(FilterError, match=r"and {'\$date': '2020-01-01T00:00:00'} is none"):
                opened.search("iron", filter={"year": written})


def test_a_wrong_filter_is_a_sentence(tmp_path: Path) -> None:
    with pipeline(tmp_path) as opened:
        for wrong in ({"a": {"$gtee": 1}}, {"$or": 3}, {"a": {"$in": 3}}, 7):
            with pytest.raises(RagbraidError) as caught:
                opened.search("iron", filter=wrong)  # type: ignore[arg-type]
            assert "\n" not in str(caught.value)
        with pytest.raises(InputError):
            opened.search("iron", collection="")
