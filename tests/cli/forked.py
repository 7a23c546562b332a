"""Commands in processes forked from one that has imported the large libraries already.

Half of the time of a short command goes into starting Python and loading libraries, and the suite runs
hundreds of them. At full counts (`make soak`), on systems without fork, and where a test changes how Python
itself starts, commands start as a user's do.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from soaking import FULL

LIBRARIES = ["faiss", "numpy", "pydantic_core", "rich.console", "tantivy", "tokenizers", "torch", "typer"]
READ_AT_START = ("PYTHON", "LC_", "LANG", "OMP_")
"""How the names of variables begin that Python or a library reads once, at its start."""


def can_fork(env: Mapping[str, str], source: Path) -> bool:
    """Whether a forked process would be like one that is started with these variables."""

    def at_start(variables: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in variables.items() if name.startswith(READ_AT_START)}

    alike = at_start(env) == {**at_start(os.environ), "PYTHONPATH": str(source)}
    return alike and hasattr(os, "fork") and not FULL


def run(
    arguments: Sequence[str], cwd: Path | None, env: Mapping[str, str], timeout: float, together: bool
) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` of `python -m ragbraid` would return; `together` is its `stderr=STDOUT`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), None if together else Path(folder, "err")
        child = context.Process(target=_command, args=(list(arguments), cwd or Path(), dict(env), out, err))
        child.start()
        child.join(timeout)
        if child.exitcode is None:
            child.kill()
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        return subprocess.CompletedProcess(
            list(arguments), child.exitcode, out.read_text("utf-8"), err.read_text("utf-8") if err else ""
        )


def _command(arguments: list[str], cwd: Path, env: dict[str, str], out: Path, err: Path | None) -> None:
    """The child: become what `python -m ragbraid` is, then run it."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    installed = [each for each in sys.path if each.startswith((sys.prefix, sys.base_prefix))]
    sys.path[:] = [os.getcwd(), env["PYTHONPATH"], *installed]
    sys.argv = ["ragbraid", *arguments]
    for number, path in enumerate((os.devnull, out, err)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT) if path else os.dup(1)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode) for number, mode in enumerate("rww"))  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from ragbraid.__main__ import main

    main()
