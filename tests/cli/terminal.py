"""Runs a program on a terminal of its own, and reads what a person would see."""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from commandline import environment

WAITED = re.compile("[^\r\n]*…\x1b\\[2K\r")
"""A line that was there for a while, and was taken away."""
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A Python process whose three streams are a pseudo-terminal, of 80 columns where none are given."""

    def __init__(
        self, *arguments: str, cwd: Path | None = None, columns: int = 80, python: str = sys.executable,
        env: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        import fcntl
        import pty
        import termios

        self._own, writing = pty.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        variables = {**environment(TERM="xterm-256color"), **(env or {})}
        del variables["COLUMNS"]  # the terminal itself knows
        self.process = subprocess.Popen(
            [python, *arguments],
            cwd=cwd, env=variables,
            stdin=writing, stdout=writing, stderr=writing, start_new_session=True,
        )  # fmt: skip
        os.close(writing)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.seen = ""

    def read_until(self, wanted: Callable[[str], bool], seconds: float = 60) -> bool:
        """Read until the text so far is as wanted; False where the program or the time ended first."""
        deadline = time.monotonic() + seconds
        while not wanted(self.seen) and time.monotonic() < deadline:
            if not select.select([self._own], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(self._own, 65536)
            except OSError:  # Linux's way of saying that the other side is closed
                break
            if not piece:
                break
            self.seen += self._decode(piece)
        return wanted(self.seen)

    def type(self, text: str) -> None:
        """Send keys."""
        os.write(self._own, text.encode())

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Wait for the end; the exit code and all that was shown, without control codes."""
        try:
            self.read_until(lambda _: False)
            code = self.process.wait(30)
        finally:
            self.process.kill()  # where it hasn't ended, it would be another test's warning
            self.process.wait()
            os.close(self._own)
        return code, CODES.sub("", WAITED.sub("", self.seen))
