"""The process that parses: it may hang, crash or be left alone, and the next document is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import writing
from commandline import environment, ragbraid
from test_bad_input import WORDS

from ragbraid.errors import LoadError, MissingDependency
from ragbraid.load.files import Files
from ragbraid.load.parser import MOST, PARSER
from ragbraid.types import SourceRef
from soaking import count

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows can't stop a process for a while")
LOADS = """
import sys
from ragbraid.load.hypertext import extract_html
from ragbraid.load.reading import Limits, Settings
print(extract_html('<p>words', Settings(Limits(20))).text, flush=True)
"""


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """No process before and none after."""
    with PARSER.kept():
        pass
    assert parsers() == []
    yield
    with PARSER.kept():
        pass
    assert parsers() == []


def parsers(pid: int | None = None) -> list[psutil.Process]:
    return [each for each in psutil.Process(pid).children() if "ragbraid.load.parser_process" in line(each)]


def line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def load(folder: Path, words: str = "words", timeout: float = 20) -> str:
    (folder / "a.html").write_text(f"<p>{words}", "utf-8")
    (document,) = Files(timeout=timeout).load(SourceRef("a.html", str(folder / "a.html")))
    return document.text.strip()


def soon(holds: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def test_a_few_processes_are_kept_for_all_documents_and_threads(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(24)]
    for each in folders:
        each.mkdir()
    assert parsers() == []
    with PARSER.kept():
        load(tmp_path)
        before = parsers()
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(load, folders, map(str, range(24)))) == [str(each) for each in range(24)]
        with PARSER.kept():
            load(tmp_path)
        assert len(before) == 1
        assert before[0] in parsers()
        assert len(parsers()) <= MOST
    assert parsers() == []
    assert load(tmp_path, "again") == "again"


@posix
def test_a_crash_is_told_and_the_next_document_is_read(tmp_path: Path) -> None:
    load(tmp_path)
    (process,) = parsers()
    process.suspend()  # so that it is amid the document for certain
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load, tmp_path)
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGSEGV)
        process.resume()
        with pytest.raises(LoadError, match=r"^The parser crashed on it\. ") as caught:
            loading.result(20)
    assert f"{-signal.SIGSEGV}" in str(caught.value.__cause__)
    assert load(tmp_path, "the next") == "the next"


def test_a_process_that_died_between_two_documents_costs_none(tmp_path: Path) -> None:
    load(tmp_path)
    (process,) = parsers()
    process.kill()
    process.wait(20)
    assert load(tmp_path, "the next") == "the next"


@posix
def test_a_document_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    load(tmp_path)
    (process,) = parsers()
    process.suspend()
    with pytest.raises(LoadError, match=r"^Reading it took over 0\.3 s\. "):
        load(tmp_path, timeout=0.3)
    assert not process.is_running()
    assert not any(isinstance(each, threading.Timer) for each in threading.enumerate())
    assert load(tmp_path, "the next") == "the next"


@posix
def test_an_interrupted_document_gives_no_answer_to_the_next(tmp_path: Path) -> None:
    load(tmp_path)
    (process,) = parsers()
    process.suspend()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, "first")
    timer.join()
    assert parsers() == []
    assert load(tmp_path, "second") == "second"


def test_a_large_document_passes_whole(tmp_path: Path) -> None:
    words = "Größe 𝄞 " * 40_000
    assert load(tmp_path, words) == words.strip()


def test_a_python_that_cannot_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(LoadError, match=r"can't be started \(No such file"):
        load(tmp_path)


def test_a_library_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xberg.py").write_text("raise OSError('no such processor')", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(LoadError, match=r"can't be started \(OSError: no such processor\)"):
        load(tmp_path)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xberg", None)
    with pytest.raises(MissingDependency, match="needs the package xberg"):
        load(tmp_path)


@pytest.mark.parametrize("options", [[], ["-E", "-s"], ["-I"]])
def test_the_folder_it_starts_in_is_not_imported_from(tmp_path: Path, options: list[str]) -> None:
    for name in ("xberg", "asyncio", "json", "ragbraid"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')", "utf-8")
    source = environment()["PYTHONPATH"]
    code = f"import sys; sys.path.append({source!r})\n{LOADS}"
    done = subprocess.run(
        [sys.executable, *options, "-P", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "words", "")


@posix
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path, how: signal.Signals, busy: bool) -> None:
    then = (
        "extract_html('<p>some words, <b>bold</b></p>' * 400_000, Settings(Limits(99)))"
        if busy
        else "sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", LOADS + then],
        env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip() == b"words"
        (process,) = parsers(parent.pid)
        before = process.cpu_times().user
        assert not busy or soon(lambda: process.cpu_times().user > before + 0.2)
        parent.send_signal(how)
        parent.wait(20)
        assert soon(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 10)


@posix
def test_a_fork_has_its_own(tmp_path: Path) -> None:
    code = LOADS + (
        "import os\n"
        "pid = os.fork()\n"
        "print(extract_html('<p>both', Settings(Limits(20))).text, flush=True)\n"
        "sys.exit(os.waitpid(pid, 0)[1] if pid else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment(), capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["words", "both", "both"], "")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A pipeline that needs no model, and one PDF that can't be read."""
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    return tmp_path


def test_an_ingest_with_a_broken_file_ends_as_it_should(broken: Path) -> None:
    for _ in range(count(15, 100)):
        done = ragbraid("ingest", "docs", cwd=broken)
        assert done.returncode == 1, done
        assert done.stderr.startswith("failed       1  It is damaged"), done
        assert done.stderr.endswith(" docs/broken.pdf\n"), done


@posix
def test_ctrl_c_amid_a_document(broken: Path) -> None:
    from terminal import Terminal

    (broken / "docs" / "long.html").write_text("<p>some words, <b>bold</b></p>" * 800_000, "utf-8")
    terminal = Terminal("-m", "ragbraid", "ingest", "docs", cwd=broken)
    assert terminal.read_until(lambda seen: "broken.pdf" in seen), terminal.seen

    def busy() -> list[psutil.Process]:
        return [each for each in parsers(terminal.process.pid) if each.cpu_times().user > 0.7]

    assert soon(lambda: bool(busy()))
    found = parsers(terminal.process.pid)
    terminal.interrupt()
    began = time.monotonic()
    code, seen = terminal.end()
    assert code == 130, seen
    assert time.monotonic() - began < 5
    assert "Traceback" not in seen
    assert not any(each.is_running() for each in found)


def test_what_a_pdf_holds_is_the_same_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(writing.pdf(["One"], ["Two"], title="Title"))
    ref = SourceRef("a.pdf", str(tmp_path / "a.pdf"))
    (first,) = Files().load(ref)
    with PARSER.kept():
        pass
    assert list(Files().load(ref)) == [first]
