"""Files of older versions become current ones, and keep all else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid.errors import PipelineFileError
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.tree import Map
from ragbraid.pipeline.upgrade import upgrade

FLOW = "search:\n  - {type: lexical, index: {type: faiss}}\n"


def source(text: str) -> PipelineSource:
    return PipelineSource(text, "file.yaml", Path())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FLOW, f"ragbraid: 1\n{FLOW}"),
        (f"# a comment\n\n{FLOW}# the end", f"# a comment\n\nragbraid: 1\n{FLOW}# the end"),
        (f"---\n{FLOW}", f"---\nragbraid: 1\n{FLOW}"),
        ("  name: ö\r\n  x-a: 1\r\n", "  ragbraid: 1\r\n  name: ö\r\n  x-a: 1\r\n"),
        ('# ü\n{"name": x}\n', '# ü\n{ragbraid: 1, "name": x}\n'),
        ("{ # empty\n}\n", "{ragbraid: 1 # empty\n}\n"),
        ("&a\nname: x\n", "&a\nragbraid: 1\nname: x\n"),
        ("? name\n: x\n", None),
    ],
)
def test_a_file_without_a_version_gets_it_where_it_belongs(before: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(PipelineFileError):
            upgrade(source(before))
        return
    done = upgrade(source(before))
    assert (done.text, done.before, done.after) == (after, None, 1)
    assert upgrade(source(done.text)).text == done.text


def test_a_file_of_the_current_version_is_unchanged() -> None:
    text = f"# mine\nragbraid:   1 # here\n{FLOW}"
    assert upgrade(source(text)).text == text


def test_each_step_brings_a_file_one_version_on_and_keeps_its_comments() -> None:
    def two(text: str, root: Map) -> str:
        assert "search" in root.items
        return text.replace("search:", "find:")

    def three(text: str, root: Map) -> str:
        assert "find" in root.items
        return f"{text}# three\n"

    text = f"# mine\nragbraid: 1 # the version\n{FLOW}"
    done = upgrade(source(text), {1: two, 2: three}, 3)
    assert done.text == f"# mine\nragbraid: 3 # the version\n{FLOW.replace('search', 'find')}# three\n"
    assert (done.before, done.after) == (1, 3)
    assert upgrade(source(FLOW), {1: two, 2: three}, 3).text.startswith("ragbraid: 3\nfind:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"ragbraid: 2\n{FLOW}", "version 2 of the language, and this ragbraid knows 1"),
        (f"ragbraid: one\n{FLOW}", "wants the version of the language, 1, not 'one'"),
        (f"ragbraid: 0\n{FLOW}", "wants the version of the language"),
        ("", "the file is empty"),
        ("- a\n", "a pipeline file is a mapping"),
        ("name: [x\n", "isn't closed"),
    ],
)
def test_what_cannot_be_upgraded_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(PipelineFileError, match=said):
        upgrade(source(text))
