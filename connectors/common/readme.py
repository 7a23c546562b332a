"""A page whose blocks are run where a framework is installed."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

from blocks import agrees, blocks, commands, write


def demand_true(page: Path, folder: Path) -> None:
    """Write the files that it names into the folder, run its code and commands, and compare what they print.

    `sh` blocks install, and aren't run.
    """
    names: dict[str, object] = {}
    said = ""
    with contextlib.chdir(folder):
        for block in blocks(page.read_text("utf-8")):
            write(block)
            place = f"{page.name}:{block.line}"
            if block.lang == "python" and not block.title:
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    exec(compile(block.text, place, "exec"), names)
                said = out.getvalue()
            elif block.lang == "text":
                assert agrees(block.text, said), f"{place}: printed\n{said}"
            elif block.lang == "console":
                for command, shown in commands(block.text):
                    printed = _printed(command)
                    assert agrees(shown, printed), f"{place}: $ {command}\nprinted\n{printed}"


def _printed(command: str) -> str:
    """What a command of ragbraid's, or of Python's, prints."""
    program, *arguments = shlex.split(command)
    module = ["-m", "ragbraid"] if program == "ragbraid" else []
    done = subprocess.run(
        [sys.executable, *module, *arguments],
        env={**os.environ, "PYTHONWARNINGS": "ignore"}, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"$ {command}\n{done.stdout}"
    return done.stdout
