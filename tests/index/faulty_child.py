"""Changes an index once for each line that it is given, in a fork of its own, while its calls go wrong.

It runs with faults.c preloaded. A line is a JSON object: the `folder` of the index, what to do with it
(`first`, `change`, `delete`, `purge` or `compact`), and what `faults_arm` takes. What came of it is answered
in a line.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from faulty import CHANGES, LATER

from ragbraid.errors import IndexStoreError
from ragbraid.index import derived, embedded, prepare, rewriting, rows_file, writing  # noqa: F401 - before any fork
from ragbraid.index.faiss import Faiss
from ragbraid.index.structure import building
from ragbraid.testing.index import EMBEDDER, change

rows_file._ENOUGH = -1  # the file of rows and the structure are written with every commit, however small
building.STEP = 1  # type: ignore[misc]
building.SMALL = embedded.SMALL = 8  # type: ignore[misc, attr-defined]


def main() -> None:
    faults = ctypes.CDLL(None)
    for line in sys.stdin:
        reading, writing_end = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            try:
                os.write(writing_end, json.dumps(_done(faults, json.loads(line))).encode())
            except BaseException:
                answer = {"raised": traceback.format_exc()}
                os.write(writing_end, json.dumps(answer).encode())
            finally:
                os._exit(0)
        os.close(writing_end)
        with os.fdopen(reading) as said:
            answer = said.read()
        _, status = os.waitpid(child, 0)
        print(answer or json.dumps({"died": os.waitstatus_to_exitcode(status)}), flush=True)


def _done(faults: Any, asked: dict[str, Any]) -> dict[str, Any]:
    folder = Path(asked["folder"])
    index = Faiss(folder, EMBEDDER, tokens=EMBEDDER).open()
    log = asked.get("log")
    given = (asked.get("at", 0), asked.get("kind", 0), asked.get("stays", 0), log.encode() if log else None)
    number, kind, stays, log_name = given
    faults.faults_arm(str(folder.parent).encode(), ctypes.c_long(number), kind, stays, log_name)
    refused = ""
    try:
        _change(index, asked["what"])
        faults.faults_note(b"acknowledged")
    except IndexStoreError as error:
        refused = str(error)
    index.close()
    calls = faults.faults_calls()
    faults.faults_disarm()
    if asked.get("later"):  # what failed must not be in the way of what comes
        again = Faiss(folder, EMBEDDER, tokens=EMBEDDER).open() if asked["later"] == "reopened" else index
        again.upsert([change(*each) for each in LATER.items()])
        again.close()
    return {"refused": refused, "calls": calls}


def _change(index: Any, what: str) -> None:
    if what == "delete":
        index.delete(["s2"])
    elif what == "purge":
        index.purge(["s2"])
    elif what == "compact":
        index.compact()
    else:
        index.upsert([change(source, texts) for source, texts in CHANGES[what].items()])


if __name__ == "__main__":
    main()
