"""What `doctor` finds out of this machine: packages, graphics cards, folders, the terminal."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ragbraid import requirement

NATIVE = ("torch", "faiss", "tantivy", "xllamacpp", "openvino")
"""Modules that can be installed and still not work here, so that only importing them tells."""

_NOT_USERS = ("bench", "dev")
_IN_PLACE_OF = {"faiss-cpu": "faiss-gpu"}
_PATIENCE = 120.0
_PROBE = """
import importlib, json, sys
module = importlib.import_module(sys.argv[1])
gpus = []
if sys.argv[1] == "torch" and module.cuda.is_available():
    gpus = [module.cuda.get_device_name(number) for number in range(module.cuda.device_count())]
if sys.argv[1] == "faiss":
    gpus = [f"GPU {number}" for number in range(getattr(module, "get_num_gpus", int)())]
print("\\n" + json.dumps(gpus))
"""


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra: what is installed of it with versions, what is missing, and the command that gets that."""

    name: str
    installed: dict[str, str]
    missing: tuple[str, ...]
    command: str | None


@dataclass(frozen=True, slots=True)
class Import:
    """What came of importing a module: the graphics cards that it finds, or why it failed."""

    gpus: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is written to, or will be."""

    path: Path
    exists: bool
    writable: bool
    free_bytes: int | None


def system() -> dict[str, str]:
    """Versions of ragbraid and Python, and what they run on."""
    return {
        "ragbraid": version("ragbraid") or "from a checkout",
        "python": f"{platform.python_version()}, {sys.executable}",
        "platform": f"{_platform()}, {os.cpu_count()} processors",
    }


def _platform() -> str:
    """What packages are built for: the system, the processor's kind, and on Linux the C library."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]} {platform.machine()}"
    if sys.platform == "win32":
        return f"Windows {platform.release()} {platform.machine()}"
    library = " ".join(platform.libc_ver()).strip() or "another C library than glibc"
    return f"{platform.system()} {platform.machine()}, {library}"


def terminal() -> dict[str, str]:
    """How standard output is written."""
    if not sys.stdout.isatty():
        return {"output": "no terminal", "encoding": sys.stdout.encoding}
    colours = "no colours (NO_COLOR)" if os.environ.get("NO_COLOR") else "colours"
    width = shutil.get_terminal_size().columns
    return {"output": f"a terminal of {width} columns, {colours}", "encoding": sys.stdout.encoding}


def version(package: str) -> str | None:
    """The installed version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def install(extra: str) -> str:
    """The command that installs an extra."""
    quote = '"' if sys.platform == "win32" else "'"
    return f"pip install {quote}ragbraid[{extra}]{quote}"


def core() -> dict[str, str]:
    """The packages that every installation has, with their versions."""
    return {name: version(name) or "missing" for name in _requirements().get("", ())}


def extras() -> list[Extra]:
    """The extras that have packages of their own, as far as they are installed."""
    found = []
    for extra, names in _requirements().items():
        if not extra or extra in _NOT_USERS or not names:
            continue
        there = {name: version(name) or version(_IN_PLACE_OF.get(name, name)) for name in names}
        missing = tuple(name for name, each in there.items() if each is None)
        installed = {name: each for name, each in there.items() if each is not None}
        found.append(Extra(extra, installed, missing, install(extra) if missing else None))
    return found


def imports(modules: Iterable[str]) -> dict[str, Import]:
    """Import native modules side by side, each in a process of its own: a broken one can end its process."""
    command = [sys.executable, "-P", "-c", _PROBE]
    running = {
        each: subprocess.Popen(
            [*command, each], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace",
        )
        for each in modules
        if is_there(each)
    }  # fmt: skip
    try:
        return {name: _outcome(process) for name, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def is_there(module: str) -> bool:
    """Whether a module is installed; it isn't imported."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def folder(path: Path) -> Folder:
    """How a folder stands, or the one it would be made in."""
    nearest = next((each for each in (path, *path.parents) if each.exists()), path)
    try:
        free = shutil.disk_usage(nearest).free
    except OSError:
        free = None
    return Folder(path, path.exists(), os.access(nearest, os.W_OK), free)


def _outcome(process: subprocess.Popen[str]) -> Import:
    try:
        out, err = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return Import(failure=f"it isn't imported after {_PATIENCE:.0f} s")
    if process.returncode == 0:
        return Import(gpus=tuple(json.loads(out.splitlines()[-1])))
    if process.returncode < 0:
        return Import(failure=f"importing it ends Python with signal {-process.returncode}")
    return Import(failure=(err.strip().splitlines() or [f"exit code {process.returncode}"])[-1])


def _requirements() -> dict[str, list[str]]:
    """Extra → its packages, in the order of pyproject.toml; those of the core under the empty name."""
    found: dict[str, list[str]] = {"": []}
    for needed in filter(None, map(requirement.parse, _lines())):
        if needed.name != "ragbraid":
            found.setdefault(needed.extra or "", []).append(needed.name)
    return found


def _lines() -> list[str]:
    try:
        return metadata.requires("ragbraid") or []
    except metadata.PackageNotFoundError:  # a checkout that isn't installed
        import tomllib

        file = Path(__file__).parents[3] / "pyproject.toml"
        project = tomllib.loads(file.read_text("utf-8"))["project"] if file.is_file() else {}
        optional = project.get("optional-dependencies", {})
        return [
            *project.get("dependencies", ()),
            *(f'{each}; extra == "{extra}"' for extra, names in optional.items() for each in names),
        ]
