"""A document that takes too much memory costs itself alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import writing
from reading import load

from ragbraid.errors import LoadError
from ragbraid.load.parser import PARSER

LONG = b"<p>some words <b>bold</b></p>" * 100_000


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    with PARSER.kept():
        yield


def test_it_is_ended_and_the_next_one_is_read(tmp_path: Path) -> None:
    load(tmp_path, "b.html", b"<p>first", max_memory_mb=100_000)
    (process,) = _parsers()
    most = process.memory_info().rss // 1_000_000 + 40
    with pytest.raises(LoadError, match=rf"^Reading it took over {most} MB of memory\.") as caught:
        load(tmp_path, "a.html", LONG, max_memory_mb=most)
    assert "`max_memory_mb`" in str(caught.value)
    assert load(tmp_path, "b.html", b"<p>next", max_memory_mb=most).text.strip() == "next"
    assert len(load(tmp_path, "a.html", LONG).text) > 1_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="the limit that holds for native code is Linux's")
def test_a_sheet_that_reaches_to_the_last_cell(tmp_path: Path) -> None:
    def far(target: Any) -> None:
        target.active["A1"], target.active["XFD1048576"] = "x", "y"

    with pytest.raises(LoadError, match=r"^Reading it took over 4096 MB of memory\."):
        load(tmp_path, "a.xlsx", writing.xlsx(far))


def test_a_process_that_keeps_much_is_not_kept(tmp_path: Path) -> None:
    load(tmp_path, "a.html", b"<p>words", max_memory_mb=100_000)
    (kept,) = _parsers()
    load(tmp_path, "a.html", b"<p>words", max_memory_mb=100_000)
    assert _parsers() == [kept]
    most = kept.memory_info().rss * 1.6 / 1e6
    load(tmp_path, "a.html", b"<p>words", max_memory_mb=most)
    assert _parsers() == []


def test_what_is_in_use_is_measured() -> None:
    code = "from ragbraid.load.parser_memory import used; b = used(); x = b'x' * 90_000_000; print(b, used())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    before, after = map(int, done.stdout.split())
    assert 85e6 < after - before < 120e6
    assert 5e6 < before < 200e6


def _parsers() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [each for each in children if "ragbraid.load.parser_process" in each.cmdline()]
