"""Runs parsers in a process of their own, so that whatever a file does to them leaves this one alone."""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from io import RawIOBase
from pathlib import Path
from typing import IO, Any, cast

from ragbraid.errors import LoadError, MissingDependency
from ragbraid.load import frames
from ragbraid.load.parser_memory import OVER
from ragbraid.load.reading import Limits
from ragbraid.load.watchdog import Watchdog

START = 60.0
"""Seconds that the process may take to import xberg."""
_SAID = 8000
_OUT_OF_MEMORY = "memory allocation of"
"""What native code says before it gives up because it gets no more."""
_PACKAGES = {"xberg": "xberg", "python-calamine": "python_calamine"}
"""The packages of the parsers, and the modules that they bring."""
_APART = 0
"""Windows' way of keeping the terminal's Ctrl-C from the process; elsewhere a session of its own does it."""
if sys.platform == "win32":
    from subprocess import CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW

    _APART = CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW


MOST = min(4, os.cpu_count() or 1)
"""Processes at a time: each holds some 100 MB."""


class Parser:
    """A few processes at most, each started when none is idle and kept for the documents that follow.

    One is ended when a document takes too long, all of them with the last ingest that uses them, and when
    this process ends. A fork of this process starts its own. A thread that finds all at work waits.
    """

    def __init__(self) -> None:
        self._free = threading.Condition(threading.RLock())
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._askers: dict[_Process, int] = {}
        self._users = 0
        atexit.register(self._end)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._leave)

    def parse(self, data: bytes, question: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
        """What the `reader` that the question names finds in a file; or its `error`, in its words.

        The start of the process isn't counted to the seconds. Raises `LoadError` where the limits are passed
        or the process ends, `MissingDependency` where a parser isn't installed.
        """
        process = self._take()
        try:
            found = process.ask(data, question, limits)
        except BaseException:  # an interrupt leaves an answer on its way that nobody reads
            self._put_back(process, spent=True)
            raise
        self._put_back(process, spent=bool(found.pop("last")))  # it holds too much memory for another one
        return found

    @contextmanager
    def kept(self) -> Iterator[None]:
        """End the processes at the end of the block, unless another such block is still running."""
        with self._free:
            self._users += 1
        try:
            yield
        finally:
            with self._free:
                self._users -= 1
                if self._users == 0:
                    self._end()

    def _take(self) -> _Process:
        with self._free:
            while not self._idle and len(self._all) >= MOST:
                self._free.wait()
            process = self._idle.pop() if self._idle else None
            if process is None or not process.alive:
                if process is not None:
                    self._all.discard(process)
                    process.end()
                _demand_packages()
                process = _Process()
                self._all.add(process)
            self._askers[process] = threading.get_ident()
            return process

    def _put_back(self, process: _Process, spent: bool) -> None:
        if spent:
            process.end()
        with self._free:
            self._askers.pop(process, None)
            if spent or process not in self._all:
                self._all.discard(process)
                if not spent:  # all were ended meanwhile
                    process.end()
            else:
                self._idle.append(process)
            self._free.notify()

    def _end(self) -> None:
        idle, busy = self._idle, self._all.difference(self._idle)
        self._idle, self._all = [], set()
        for each in idle:
            each.end()
        for each in busy:  # whoever waits for it puts it away
            each.kill()

    def abandon(self, threads: Collection[int]) -> None:
        """Cut short what is parsed for the threads of these numbers."""
        with self._free:
            for process, asker in self._askers.items():
                if asker in threads:
                    process.kill()

    def _leave(self) -> None:
        """After a fork: the processes are the parent's; its lock may be held by a thread that isn't here."""
        for each in self._all:
            each.leave()
        self._free = threading.Condition(threading.RLock())
        self._idle, self._all, self._askers = [], set(), {}


class _Process:
    """The running process, and what it says on standard error."""

    def __init__(self) -> None:
        from subprocess import PIPE, Popen
        from tempfile import TemporaryFile

        self._said = cast("RawIOBase", TemporaryFile(buffering=0))  # noqa: SIM115
        try:
            self._popen = Popen(
                [sys.executable, "-P", "-m", "ragbraid.load.parser_process"],
                stdin=PIPE, stdout=PIPE, stderr=cast("IO[bytes]", self._said), bufsize=0,
                env=_environment(), start_new_session=True, creationflags=_APART,
            )  # fmt: skip
        except OSError as error:
            self._said.close()
            raise _not_started(error.strerror or str(error)) from error
        # Without buffers: there is nothing that a fork could hold a second copy of.
        self._questions = cast("RawIOBase", self._popen.stdin)
        self._answers = cast("RawIOBase", self._popen.stdout)
        self._watchdog = Watchdog(self._popen.kill)
        self._ready = False

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def ask(self, data: bytes, question: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
        """The answer for one document; after an error, the process can only be ended."""
        if not self._ready:
            try:
                self._exchange(START)
            except TimeoutError:
                raise _not_started(f"it took over {START:g} s") from None
            except EOFError:
                raise _not_started(self._last_words() or f"exit code {self._popen.returncode}") from None
            self._ready = True
        asked = {**question, "megabytes": limits.megabytes}
        try:
            return self._exchange(limits.seconds, json.dumps(asked).encode(), data)
        except TimeoutError:
            raise LoadError(
                f"Reading it took over {limits.seconds:g} s.", "Raise `timeout`, or leave the file out."
            ) from None
        except EOFError:
            if self._popen.returncode == OVER or _OUT_OF_MEMORY in self._tail():
                raise LoadError(
                    f"Reading it took over {limits.megabytes:g} MB of memory.",
                    "Raise `max_memory_mb`, or leave the file out.",
                ) from None
            raise LoadError(
                "The parser crashed on it.", "Open it to see whether it is whole, or leave it out."
            ) from ChildProcessError(f"exit code {self._popen.returncode}: {self._last_words()}")

    def kill(self) -> None:
        """End the process now, whatever it is at; it has nothing to lose."""
        self._popen.kill()

    def end(self) -> None:
        """End the process now, and let go of it."""
        self._popen.kill()
        self._popen.wait()
        self._watchdog.close()
        self._close()

    def leave(self) -> None:
        """In a fork of the process that started it: let go of it, so that its end isn't held up."""
        self._popen.returncode = 0  # it isn't this one's to wait for
        self._close()

    def _close(self) -> None:
        for each in (self._questions, self._answers, self._said):
            each.close()

    def _exchange(self, seconds: float, *question: bytes) -> dict[str, Any]:
        """Send and receive; the watchdog ends the process when the time is over, which ends either.

        Raises `TimeoutError`, or `EOFError` where the process ended by itself.
        """
        answer: dict[str, Any] | None = None
        with self._watchdog.within(seconds):
            try:
                for each in question:
                    frames.send(self._questions, each)
                answer = json.loads(frames.receive(self._answers))
            except (OSError, EOFError):
                self._popen.kill()
                self._popen.wait()
        if self._watchdog.over:
            raise TimeoutError
        if answer is None:
            raise EOFError
        return answer

    def _last_words(self) -> str:
        lines = self._tail().split("\n")
        return next((each.strip() for each in reversed(lines) if each.strip()), "")

    def _tail(self) -> str:
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _SAID))
        return (self._said.read(_SAID) or b"").decode("utf-8", "replace")


def _demand_packages() -> None:
    for package, module in _PACKAGES.items():
        if find_spec(module) is None:
            raise MissingDependency(
                f"Reading documents needs the package {package}.",
                "Install it with: pip install 'ragbraid[local]'.",
            )


def _environment() -> dict[str, str]:
    """The process imports what this one does, and nothing from the folder that it happens to start in.

    It has no way to the network: no parser shall fetch anything, neither models nor what a file links to.
    """
    root = str(Path(__file__).resolve().parents[2])
    path = [os.path.abspath(each) for each in sys.path if isinstance(each, str)]
    own = {"PYTHONPATH": os.pathsep.join(path if root in path else [*path, root])}
    offline = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    offline |= {name.lower(): place for name, place in offline.items()} | {"NO_PROXY": "", "no_proxy": ""}
    return {**os.environ, **own, **offline}


def _not_started(reason: str) -> LoadError:
    return LoadError(f"The parser can't be started ({reason}).", "Install ragbraid[local] anew.")


PARSER = Parser()
"""This process's parsers."""
