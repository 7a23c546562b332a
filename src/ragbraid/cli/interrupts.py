"""Ctrl-C: the first one ends what is being done in good order, the second one ends the process at once.

Without this a second one, while the first is dealt with or while Python itself ends, would be a traceback or
a death by the signal. Which of the two comes next is told by the installed handler alone.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_CODE = 130
_AGAIN = 0.2
"""Seconds after which a Ctrl-C at a prompt that nobody heeded is given again."""
_SHOW_CURSOR = b"\x1b[?25h\n"
"""A progress bar hides the cursor, and would show it again when it ends."""


@contextmanager
def heeded() -> Iterator[None]:
    """Whatever comes inside and after this, the process ends with code 130, and without a traceback."""
    try:
        try:
            listen()
            yield
        finally:
            signal.signal(signal.SIGINT, _leave)
            # Once Python takes its own handlers down, the signal alone would end the process.
            atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        raise SystemExit(_CODE) from None


def listen() -> None:
    """The next Ctrl-C is a first one: it raises `KeyboardInterrupt` in the main thread."""
    signal.signal(signal.SIGINT, _interrupt)


def leave_at_once() -> None:
    """The next Ctrl-C ends the process: for a command that leaves nothing half done, whatever it is at."""
    signal.signal(signal.SIGINT, _leave)


@contextmanager
def prompting() -> Iterator[None]:
    """Inside it a Ctrl-C ends the reading of a line, whenever it comes.

    Python alone loses one that comes after its last look for signals and before the system begins to read, or
    while `input` flushes, which drops every exception: the prompt would then wait as if nothing were pressed.
    Here it is given again until the reading has ended.
    """
    if sys.platform == "win32":  # whose console tells a reader of Ctrl-C itself
        yield
        return
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    ended = threading.Event()
    before = signal.signal(signal.SIGINT, _interrupt_prompt)
    descriptor = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_give_again, args=(reading, ended), daemon=True).start()
    after = before
    try:
        yield
    except BaseException:  # an interrupt, or what a library makes of it
        after = _leave
        raise
    finally:
        signal.set_wakeup_fd(descriptor)
        ended.set()
        signal.signal(signal.SIGINT, after)
        writing.close()


def _give_again(reading: socket.socket, ended: threading.Event) -> None:
    main = threading.main_thread().ident
    with reading:
        while (number := reading.recv(1)) != bytes([signal.SIGINT]):
            if not number:  # the other side was closed: the line was read
                return
        while main is not None and not ended.wait(_AGAIN):
            signal.pthread_kill(main, signal.SIGINT)


def _interrupt_prompt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, _leave)
    raise KeyboardInterrupt


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    if sys.__stderr__ is not None and sys.__stderr__.isatty():
        os.write(sys.__stderr__.fileno(), _SHOW_CURSOR)
    os._exit(_CODE)
