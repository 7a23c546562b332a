"""init → check → ingest → ask, each in a fresh process, beside what the models alone take.

init and check are compared with a bare Python. ingest and ask are compared with a script that loads the same
two models and does the same forward passes and generations with them, and nothing else (`model_work.py`).
Contenders take turns, and find their bytecode compiled, as after any first run. Seconds on the clock are what
a user waits; others on the machine change processor time least.

    PYTHONPATH=src python tests/bench/commands.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import report

report.quiet_peers()
WORK = str(Path(__file__).with_name("model_work.py"))
PAGES = {
    "leave.md": "# Leave\n\nParental leave is 14 months. Tell the office a month before it begins.\n",
    "travel.md": "# Travel\n\nTrips are booked by the travel desk. A train is taken up to five hours.\n",
    "desks.md": "# Desks\n\nA desk is booked for a day. The booking ends at noon where nobody came.\n",
}
QUESTION = "How long is parental leave?"
COMMANDS = {
    "init": ["init", "--yes", "--force"],
    "check": ["check"],
    "ingest": ["ingest", "docs", "--quiet"],
    "ask": ["ask", QUESTION],
}
GOALS = {"init": 0.5, "check": 0.3, "ingest": 0.5, "ask": 0.5}
INDEX = Path(".ragbraid")
PACKAGES = ["ragbraid", "openvino", "openvino-genai", "tokenizers", "faiss-cpu", "tantivy"]


class Clocked:
    """A fresh process as a contender: seconds on the clock, and beside them processor seconds."""

    def __init__(
        self, folder: Path, arguments: list[str], before: Callable[[], object] = lambda: None
    ) -> None:
        self._folder, self._arguments, self._before = folder, arguments, before
        self._environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.processor: list[float] = []

    def __call__(self) -> float:
        self._before()
        used = _children()
        start = perf_counter()
        subprocess.run(
            [sys.executable, *self._arguments],
            cwd=self._folder, env=self._environment, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        taken = perf_counter() - start
        self.processor.append(_children() - used)
        return taken


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def contenders(folder: Path) -> dict[str, tuple[Clocked, Clocked]]:
    """Each command, and what it is measured against; leaves a folder in which all can run again."""

    def forget() -> None:
        shutil.rmtree(folder / INDEX, ignore_errors=True)

    found: dict[str, tuple[Clocked, Clocked]] = {}
    for name, arguments in COMMANDS.items():
        before = forget if name == "ingest" else lambda: None
        against = ["-c", "pass"]
        if name in ("ingest", "ask"):
            file = folder / f"{name}.work"
            before()
            Clocked(folder, [WORK, "record", str(file), *arguments])()
            against = [WORK, "replay", str(file)]
        found[name] = Clocked(folder, ["-m", "ragbraid", *arguments], before), Clocked(folder, against)
        for each in found[name]:
            each()  # compiled, and in the machine's cache then
            each.processor.clear()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=COMMANDS, action="append")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "docs").mkdir()
        for name, text in PAGES.items():
            (folder / "docs" / name).write_text(text, "utf-8")
        report.header("Commands: init, check, ingest of three small files, ask", PACKAGES)
        pairs = contenders(folder)
        over: dict[str, list[float]] = {}
        rows = []
        for name in given.only or COMMANDS:
            ours, other = pairs[name]
            taken = report.rounds({"ours": ours, "other": other}, given.rounds)
            over[name] = [mine - bare for mine, bare in zip(taken["ours"], taken["other"], strict=True)]
            figures = (
                median(taken["ours"]), median(taken["other"]), median(over[name]), min(taken["ours"]),
                min(taken["ours"]) - min(taken["other"]), min(ours.processor) - min(other.processor),
            )  # fmt: skip
            rows.append([f"ragbraid {name}", *(f"{each:.2f}" for each in figures)])
            over[name].append(figures[-1])
        heads = ["fresh process", "median s", "model or bare Python", "over it", "least s", "over the least"]
        report.table([*heads, "over it, processor s"], rows)
        for name, each in over.items():
            *clock, processor = each
            against = "its models" if name in ("ingest", "ask") else "bare Python"
            report.verdict(f"ragbraid {name} over {against}, median", median(clock), GOALS[name], " s")
            report.verdict(f"ragbraid {name} over {against}, processor", processor, GOALS[name], " s")


if __name__ == "__main__":
    main()
