"""What `make demo` prints once everything is installed; run as a script, it writes that into README.md.

Run it from the repository's root: .venv/bin/python tests/docs/demo.py
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"(```sh\nmake demo\n```\n.*?```text\n).*?(\n```)", re.S)


def demo(folder: Path) -> str:
    """The demo's output, in a folder that holds `docs`."""
    python = f'"{sys.executable}"'  # the shell takes a path with a space as one word
    installed = ["-o", ".venv/.made-local", "-o", "models", f"VENV_PYTHON={python}"]
    done = subprocess.run(
        ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), *installed, "demo"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
    )  # fmt: skip
    return done.stdout.replace(python, ".venv/bin/python")


def shortened(output: str) -> str:
    """The output with most of the lines that name a source left out."""
    first, *rest, last = re.findall(r"^\+ .*\n", output, re.M)
    return output.replace(first + "".join(rest) + last, f"{first}...\n{last}")


def main() -> None:
    """Write the demo's output into the README."""
    page = ROOT / "README.md"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "docs", Path(folder) / "docs")
        text = shortened(demo(Path(folder))).strip()
    page.write_text(SHOWN.sub(lambda found: found[1] + text + found[2], page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
