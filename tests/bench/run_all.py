"""Runs the main benchmarks, each in a process of its own, and prints Markdown: `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = ("start.py", "orchestration.py", "ingest.py", "sync.py")


def main() -> int:
    here = Path(__file__).parent
    return max(subprocess.run([sys.executable, str(here / name)]).returncode for name in BENCHMARKS)


if __name__ == "__main__":
    sys.exit(main())
