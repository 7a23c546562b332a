"""Checks files in a watched process: prints what it found wrong, and what it did that a check mustn't.

Run as `python watched_check.py FILE…`, where `packaged` is the file that holds without one. `--try` does
the forbidden things instead, so that a test can see them reported.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

HEAVY = {"torch", "faiss", "tantivy", "sentence_transformers", "xllamacpp", "numpy", "transformers"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
    "os.utime", "os.chown", "shutil.rmtree", "shutil.copyfile", "shutil.move", "tempfile.mkstemp",
    "tempfile.mkdtemp", "sqlite3.connect", "subprocess.Popen", "os.system", "os.posix_spawn", "os.exec",
    "os.fork",
}  # fmt: skip
done: list[str] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
    if writing or event in CHANGES or (event.startswith("socket.") and event != "socket.__new__"):
        done.append(f"{event} {arguments[0]!r}")


def forbidden() -> None:
    Path("written.txt").write_text("x", "utf-8")
    Path("made").mkdir()
    with socket.socket() as opened:
        opened.settimeout(0.01)
        opened.connect_ex(("127.0.0.1", 9))


def main(files: list[str]) -> None:
    from ragbraid.pipeline.check import check_file

    for each in files:
        found = check_file(None if each == "packaged" else each, allow=["parts.py"])
        done.extend(str(problem) for problem in found)
    done.extend(f"import {each}" for each in sorted(HEAVY & sys.modules.keys()))


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # Python's own cache isn't the check's doing
    sys.addaudithook(watch)
    if sys.argv[1:] == ["--try"]:
        forbidden()
    else:
        main(sys.argv[1:])
    for each in done:
        print(each)
