"""The process that parsers run in: documents come in on standard input, what is in them goes out.

It ends when its standard input does, so that it can't outlive whoever started it, and always without
Python's finalisation: xberg's threads drop Python objects then, which crashes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from io import FileIO
from queue import SimpleQueue
from typing import Any

from ragbraid.load import docx_reading, frames, mail_reading, odf_reading, sheet_reading, xberg_reading
from ragbraid.load.parser_memory import OVER, Memory

_READERS = {
    "xberg": xberg_reading.read,
    "sheets": sheet_reading.read,
    "docx": docx_reading.read,
    "odf": odf_reading.read,
    "mail": mail_reading.read,
}


def main() -> None:
    """Say that xberg is there, then answer one document after the other."""
    answers = FileIO(os.dup(1), "w")
    os.dup2(2, 1)  # what native code prints must not get between the answers
    documents: SimpleQueue[tuple[dict[str, Any], bytes]] = SimpleQueue()
    threading.Thread(target=_receive, args=(documents,), daemon=True).start()
    import xberg  # noqa: F401

    memory = Memory()
    frames.send(answers, b"{}")
    while True:
        question, data = documents.get()
        memory.allow(question["megabytes"])
        try:
            answer = _READERS[question["reader"]](data, question)
        except MemoryError:
            os._exit(OVER)
        except BaseException as error:  # a panic of xberg's is no `Exception`
            answer = {"error": str(error) or type(error).__name__}
        memory.check()
        frames.send(answers, json.dumps({**answer, "last": memory.short}).encode())


def _receive(documents: SimpleQueue[tuple[dict[str, Any], bytes]]) -> None:
    """Take in what comes, also during a document's parsing, which the end of the pipe ends."""
    pipe = FileIO(0, closefd=False)
    try:
        while True:
            question = json.loads(frames.receive(pipe))
            documents.put((question, frames.receive(pipe)))
    finally:
        os._exit(0)


if __name__ == "__main__":
    try:
        main()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(1)
