"""The command line answers at once.

Each figure is the least of several starts, over the least of bare Python's: what others do on the machine
only ever adds to it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from commandline import environment


def test_importing_ragbraid_costs_nothing(tmp_path: Path) -> None:
    assert _over_bare_python(tmp_path, "-c", "import ragbraid") < 0.1


def test_help_comes_at_once(tmp_path: Path) -> None:
    assert _over_bare_python(tmp_path, "-m", "ragbraid", "--help") < 0.3


def test_check_comes_at_once(tmp_path: Path) -> None:
    assert _over_bare_python(tmp_path, "-m", "ragbraid", "check") < 0.3


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    script = (
        "import sys\n"
        "import ragbraid, ragbraid.cli.main\n"
        "heavy = {'numpy', 'pydantic', 'yaml', 'torch', 'faiss', 'tantivy', 'sqlite3', 'rich.progress'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def _over_bare_python(folder: Path, *arguments: str) -> float:
    return _best(folder, *arguments) - _best(folder, "-c", "pass")


def _best(folder: Path, *arguments: str) -> float:
    """Seconds that Python takes for these arguments, the best of five."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment(), check=True, capture_output=True
        )
        times.append(time.perf_counter() - begun)
    return min(times)
