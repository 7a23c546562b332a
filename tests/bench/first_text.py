"""How long until a person reads something: `ragbraid ask` in a fresh process, at a terminal.

    PYTHONPATH=src python tests/bench/first_text.py [--rounds N]

An index of this project's docs and the models lie on disk, in the machine's cache. Told are the seconds until
the first words of the answer are on the terminal, and until the process has ended. POSIX only.
"""

from __future__ import annotations

import argparse
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import report

DOCS = Path(__file__).parents[2] / "docs"
QUESTION = "When is a source unchanged?"
BEGINS = b"A source is unchanged when"
GOAL = 2.0


def asked(folder: Path) -> tuple[float, float]:
    """Seconds until the answer begins, and until the process ends."""
    began = perf_counter()
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "ragbraid", "ask", QUESTION])
    first, shown = 0.0, b""
    while True:
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not first and BEGINS in shown:
            first = perf_counter() - began
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert status == 0, shown.decode(errors="replace")
    assert first, shown.decode(errors="replace")
    return first, perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    report.header("First text of ragbraid ask, fresh process", ["ragbraid", "openvino", "openvino-genai"])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        command = [sys.executable, "-m", "ragbraid", "ingest", str(DOCS), "--quiet"]
        subprocess.run(command, cwd=folder, check=True)
        asked(folder)
        times = [asked(folder) for _ in range(given.rounds)]
    report.table(
        ["", "median s", "least s"],
        [
            [name, f"{median(each):.2f}", f"{min(each):.2f}"]
            for name, each in zip(("first words", "process ended"), zip(*times, strict=True), strict=True)
        ],
    )
    report.verdict("first words, median", median(first for first, _ in times), GOAL, " s")


if __name__ == "__main__":
    main()
