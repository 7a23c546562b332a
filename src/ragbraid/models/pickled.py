"""Published checkpoints are pickled: read as plain tensors, never run, and kept as safetensors."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbraid.errors import ModelError
from ragbraid.models.converted import converted
from ragbraid.models.fingerprint import fingerprint
from ragbraid.models.reasons import reason

if TYPE_CHECKING:
    from torch import Tensor


def unpickled(folder: Path) -> Path:
    """The folder with a model's safetensors: this one, or what its .bin files were converted to.

    They are converted once. A pickle that holds more than tensors is refused, and nothing of it is made.
    Raises `ModelError` for a file that holds more, or is damaged.
    """
    # What a trainer leaves beside them, such as training_args.bin, is no weights.
    files = sorted(folder.glob("pytorch_model*.bin")) or sorted(folder.glob("*.bin"))
    if not files or any(folder.glob("*.safetensors")):
        return folder
    return converted(
        f"{folder.name}-{sha256(''.join(map(fingerprint, files)).encode()).hexdigest()[:12]}",
        folder,
        {"format": "safetensors 1"},
        lambda to: _convert(files, to),
        lambda made: _prove(files, made),
    )


def _convert(files: list[Path], to: Path) -> None:
    from safetensors.torch import save_file

    for number, (_, tensors) in enumerate(_read(files)):
        save_file({name: each.contiguous().clone() for name, each in tensors.items()}, _named(to, number))


def _prove(files: list[Path], made: Path) -> dict[str, Any]:
    """Each tensor, bit by bit."""
    from safetensors import safe_open

    count = 0
    for number, (path, tensors) in enumerate(_read(files)):
        with safe_open(_named(made, number), "pt") as written:
            for name, each in tensors.items():
                if not written.get_tensor(name).equal(each):
                    raise ModelError(f"{name} of {path} came out of its conversion changed.")
                count += 1
    return {"tensors": count}


def holds_more(path: Path) -> ModelError:
    """What is said of a pickle that isn't plain tensors."""
    return ModelError(
        f"{path} holds more than tensors, so nothing of it was loaded: it could run code.",
        "Take the model from its publisher, as safetensors where there are any.",
    )


def _named(folder: Path, number: int) -> Path:
    return folder / f"model-{number + 1:05}.safetensors"


def _read(files: list[Path]) -> Iterator[tuple[Path, dict[str, Tensor]]]:
    import torch

    for path in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a protocol that torch refuses with a reason anyway
                found = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
        except pickle.UnpicklingError as error:
            raise holds_more(path) from error
        except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
            raise ModelError(f"{path} is damaged: {reason(error)}.", "Fetch it again.") from error
        if not isinstance(found, dict) or not all(torch.is_tensor(each) for each in found.values()):
            raise ModelError(f"{path} isn't a checkpoint: it has no named tensors.", "Name another model.")
        yield path, found


def _is_zip(path: Path) -> bool:
    """Whether torch can map it; its older format is one stream."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"
