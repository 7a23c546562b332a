"""Code of one's own in a pipeline: used only where the command line allows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commandline import ragbraid, says

RANK = '''
from ragbraid.hits import rescored
from ragbraid.types import Hit

print("rank.py runs")


def recency(hits: list[Hit], *, field: str = "date") -> list[Hit]:
    """The newest first."""
    years = [float(str(hit.metadata.get(field, "0"))[:4]) for hit in hits]
    return sorted(rescored(hits, "recency", years), key=lambda hit: -hit.score)
'''
PIPELINE = """\
ragbraid: 1
components:
  index: {type: faiss, path: index}
ingest:
  - {type: files}
  - {type: recursive-splitter}
  - index
search:
  - {type: lexical, index: index}
  - {type: ./rank.py:recency}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rank.py").write_text(RANK, "utf-8")
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    (tmp_path / "notes").mkdir()
    for year in (2021, 2025, 2023):
        text = f"---\ndate: {year}-01-01\nedited: {5000 - year}-01-01\n---\nThe office opens at nine.\n"
        (tmp_path / "notes" / f"{year}.md").write_text(text, "utf-8")
    return tmp_path


def years(*options: str, folder: Path) -> list[str]:
    done = ragbraid("search", "the office", "--json", "--allow", "rank.py", *options, cwd=folder)
    assert done.returncode == 0, done
    return [hit["source"][6:10] for hit in json.loads(done.stdout.removeprefix("rank.py runs\n"))]


def test_a_local_function_ranks_where_it_is_allowed(folder: Path) -> None:
    done = ragbraid("ingest", "notes", "--allow", "rank.py", cwd=folder)
    assert done.returncode == 0, done
    assert years(folder=folder) == ["2025", "2023", "2021"]
    assert years("--set", "search.recency.field=edited", folder=folder) == ["2021", "2023", "2025"]


@pytest.mark.parametrize("allowed", [(), ("--allow", "other.py"), ("--allow", "rank")])
def test_it_does_not_run_where_it_is_not(folder: Path, allowed: tuple[str, ...]) -> None:
    done = ragbraid("search", "the office", *allowed, cwd=folder)
    says(done, 2, "ragbraid.yaml:10:12: error: './rank.py:recency' is code of its own", "--allow rank.py")


def test_a_name_that_is_not_in_the_file_is_met_with_the_nearest(folder: Path) -> None:
    pipeline = folder / "ragbraid.yaml"
    pipeline.write_text(PIPELINE.replace("rank.py:recency", "rank.py:recenty"), "utf-8")
    done = ragbraid("search", "the office", "--allow", "rank.py", cwd=folder)
    assert done.returncode == 2
    assert "did you mean 'recency'?" in done.stderr


def test_a_file_that_fails_is_a_sentence(folder: Path) -> None:
    (folder / "rank.py").write_text("1 / 0", "utf-8")
    says(ragbraid("search", "x", "--allow", "rank.py", cwd=folder), 2, "rank.py can't be imported: Zero")


def test_an_allowed_file_that_isnt_there_is_told(folder: Path) -> None:
    pipeline = folder / "ragbraid.yaml"
    pipeline.write_text(PIPELINE.replace("  - {type: ./rank.py:recency}\n", ""), "utf-8")
    said = "no file rnk.py to be allowed; did you mean 'rank.py'?"
    says(ragbraid("search", "x", "--allow", "rnk.py", cwd=folder), 2, said)
    says(ragbraid("check", "--allow", "deep/none.py", cwd=folder), 2, "no file deep/none.py to be allowed.")
