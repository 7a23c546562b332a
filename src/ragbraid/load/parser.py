"""Runs xberg in a process of its own, so that whatever a file does to it leaves this one alone."""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import RawIOBase
from pathlib import Path
from typing import IO, Any, cast

from ragbraid.errors import LoadError, MissingDependency
from ragbraid.load import frames

START = 60.0
"""Seconds that the process may take to import xberg."""
_SAID = 2000
_APART = 0
"""Windows' way of keeping the terminal's Ctrl-C from the process; elsewhere a session of its own does it."""
if sys.platform == "win32":
    from subprocess import CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW

    _APART = CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW


class Parser:
    """At most one process, started for the first document and kept for those that follow.

    It is ended when a document takes too long, with the last ingest that uses it, and when this process
    ends. A fork of this process starts its own. Several threads may use it; they take turns.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._users = 0
        atexit.register(self._end)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._leave)

    def parse(self, data: bytes, mime_type: str, timeout: float) -> dict[str, Any]:
        """What xberg finds: `content`, `pages`, `title` and `language`; or its `error`, in its words.

        `timeout` is in seconds, the start of the process not counted. Raises `LoadError` where the time
        is over or the process ends, `MissingDependency` where xberg isn't installed.
        """
        if find_spec("xberg") is None:
            raise MissingDependency(
                "Reading PDF, DOCX and HTML needs the package xberg.",
                "Install it with: pip install 'ragbraid[local]'.",
            )
        with self._lock:
            if self._process is None or not self._process.alive:
                self._end()
                self._process = _Process()
            try:
                return self._process.ask(data, mime_type, timeout)
            except BaseException:  # an interrupt leaves an answer on its way that nobody reads
                self._end()
                raise

    @contextmanager
    def kept(self) -> Iterator[None]:
        """End the process at the end of the block, unless another such block is still running."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _leave(self) -> None:
        """After a fork: the process is the parent's, and its lock may be held by a thread that isn't here."""
        if self._process is not None:
            self._process.leave()
        self._lock, self._process = threading.Lock(), None


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
        self._ready = False

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def ask(self, data: bytes, mime_type: str, timeout: float) -> dict[str, Any]:
        """The answer for one document; after an error, the process can only be ended."""
        if not self._ready:
            try:
                self._exchange(START)
            except TimeoutError:
                raise _not_started(f"it took over {START:g} s") from None
            except EOFError:
                raise _not_started(self._last_words() or f"exit code {self._popen.returncode}") from None
            self._ready = True
        try:
            return self._exchange(timeout, mime_type.encode(), data)
        except TimeoutError:
            raise LoadError(
                f"Reading it took over {timeout:g} s.", "Raise `timeout`, or leave the file out."
            ) from None
        except EOFError:
            raise LoadError(
                "The parser crashed on it.", "Open it to see whether it is whole, or leave it out."
            ) from ChildProcessError(f"exit code {self._popen.returncode}: {self._last_words()}")

    def end(self) -> None:
        """End the process now, whatever it is at; it has nothing to lose."""
        self._popen.kill()
        self._popen.wait()
        self._close()

    def leave(self) -> None:
        """In a fork of the process that started it: let go of it, so that its end isn't held up."""
        self._popen.returncode = 0  # it isn't this one's to wait for
        self._close()

    def _close(self) -> None:
        for each in (self._questions, self._answers, self._said):
            each.close()

    def _exchange(self, seconds: float, *question: bytes) -> dict[str, Any]:
        """Send and receive; a thread ends the process when the time is over, which ends either.

        Raises `TimeoutError`, or `EOFError` where the process ended by itself.
        """
        over = threading.Event()

        def end() -> None:
            over.set()
            self._popen.kill()

        answer: dict[str, Any] | None = None
        watch = threading.Timer(min(seconds, threading.TIMEOUT_MAX), end)
        watch.daemon = True
        watch.start()
        try:
            for each in question:
                frames.send(self._questions, each)
            answer = json.loads(frames.receive(self._answers))
        except (OSError, EOFError):
            self._popen.kill()
            self._popen.wait()
        finally:
            watch.cancel()
            watch.join()
        if over.is_set():
            raise TimeoutError
        if answer is None:
            raise EOFError
        return answer

    def _last_words(self) -> str:
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _SAID))
        lines = (self._said.read(_SAID) or b"").decode("utf-8", "replace").split("\n")
        return next((each.strip() for each in reversed(lines) if each.strip()), "")


def _environment() -> dict[str, str]:
    """The process imports what this one does, and nothing from the folder that it happens to start in."""
    root = str(Path(__file__).resolve().parents[2])
    path = [os.path.abspath(each) for each in sys.path if isinstance(each, str)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path if root in path else [*path, root])}


def _not_started(reason: str) -> LoadError:
    return LoadError(f"The parser can't be started ({reason}).", "Install ragbraid[local] anew.")


PARSER = Parser()
"""This process's parser."""
