"""Named tensors of a folder with safetensors files, read one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbraid.errors import ModelError
from ragbraid.models.reasons import reason

if TYPE_CHECKING:
    from torch import Tensor


class Tensors:
    """Named tensors of a folder's safetensors files, brought to a device as they are asked for."""

    def __init__(self, folder: Path, device: str, dtype: Any) -> None:
        """Raises `ModelError` where a file is missing or can't be read."""
        self.device, self.dtype = device, dtype
        self._folder = folder
        self._files = _index(folder)

    @property
    def names(self) -> Iterable[str]:
        """The tensors that there are."""
        return self._files

    def get(self, name: str, size: Sequence[int], *, device: str | None = None, dtype: Any = None) -> Tensor:
        """A tensor that must have this size. Raises `ModelError`."""
        with self._slice(name, size) as found:
            return self._brought(found[:], device, dtype)

    def whole(self, name: str) -> Tensor:
        """A tensor of whatever size, as it is stored."""
        with self._slice(name, None) as found:
            whole: Tensor = found[:]
            return whole

    def row(self, name: str, at: int, size: Sequence[int], *, device: str | None = None) -> Tensor:
        """The part of a tensor of this size that is at one place of its first dimension."""
        with self._slice(name, size) as found:
            return self._brought(found[at], device)

    def _brought(self, tensor: Tensor, device: str | None = None, dtype: Any = None) -> Tensor:
        found: Tensor = tensor.to(device or self.device, dtype or self.dtype)
        return found

    @contextmanager
    def _slice(self, name: str, size: Sequence[int] | None) -> Iterator[Any]:
        from safetensors import SafetensorError, safe_open

        if name not in self._files:
            raise _unfit(self._folder, f"they have no {name}")
        path = self._folder / self._files[name]
        with ExitStack() as stack:
            try:
                found = stack.enter_context(safe_open(path, "pt")).get_slice(name)
            except (OSError, SafetensorError) as error:
                raise ModelError(f"{path} is damaged: {reason(error)}.", "Fetch it again.") from error
            if size is not None and tuple(found.get_shape()) != tuple(size):
                raise _unfit(self._folder, f"{name} is {tuple(found.get_shape())} and not {tuple(size)}")
            yield found


def _index(folder: Path) -> dict[str, str]:
    """Which file has which tensor. Raises `ModelError` where a file is missing or can't be read."""
    from safetensors import SafetensorError, safe_open

    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "pt") as opened:
                found |= dict.fromkeys(opened.keys(), path.name)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} is damaged: {reason(error)}.", "Fetch it again.") from error
    listed = folder / "model.safetensors.index.json"
    if listed.is_file():
        try:
            wanted = set(json.loads(listed.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"{listed} can't be read: {reason(error)}.", "Fetch it again.") from error
        if missing := sorted(each for each in wanted if not (folder / str(each)).is_file()):
            raise ModelError(f"{folder / str(missing[0])} is missing.", "Fetch the model again.")
    if not found:
        raise ModelError(f"There are no weights in {folder}.", "It must hold model.safetensors.")
    return found


def _unfit(folder: Path, why: str) -> ModelError:
    return ModelError(f"The weights in {folder} aren't those of its config.json: {why}.", "Fetch it again.")
