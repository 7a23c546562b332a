"""What llama.cpp's slots hold, kept on disk between two lives of a server.

A slot's state is the keys and values of the last prompt that it computed. It is of one model file, one length
and one format of numbers, which its name tells; llama.cpp refuses what another version wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ragbraid.errors import ModelError

_SUFFIX = ".slot"


@dataclass(frozen=True, slots=True)
class SlotStore:
    """A folder of slots' states, of at most `most` bytes, with those of one model under `name`."""

    folder: Path
    name: str
    slots: int
    most: int

    def prepare(self) -> None:
        """Make the folder. Raises `ModelError` where it can't be written to."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(
                f"The folder {self.folder} can't be made: {error.strerror or error}.",
                "Set cache_path to a folder that you may write to.",
            ) from error

    def restore(self, act: Callable[[int, str, str], None]) -> None:
        """Have the server read what there is; what it can't take is computed as if it weren't there."""
        for slot in range(self.slots):
            if (self.folder / self._file(slot)).is_file():
                act(slot, "restore", self._file(slot))

    def save(self, act: Callable[[int, str, str], None]) -> None:
        """Have the server write what its slots hold, and remove the oldest files over the limit."""
        for slot in range(self.slots):
            act(slot, "save", self._file(slot))
        with suppress(OSError):  # another process may tidy up as well
            files = sorted(self.folder.glob(f"*{_SUFFIX}"), key=lambda each: -each.stat().st_mtime)
            left = self.most
            for each in files:
                left -= each.stat().st_size
                if left < 0:
                    each.unlink()

    def _file(self, slot: int) -> str:
        return f"{self.name}-{slot}{_SUFFIX}"
