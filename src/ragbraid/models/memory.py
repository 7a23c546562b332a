"""What models may take of the machine's memory: one budget for all that share it.

Who loads says before what it will need, by an estimate from sizes of files and caches. Where that is too
much, what nobody uses is put away, longest unused first; where that isn't enough, it is refused with a
sentence, while the system would kill the process.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from ragbraid.errors import InputError, ModelError

Device: TypeAlias = Literal["cpu", "cuda"]
_MIB = 2**20
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes of memory, or of a GPU's. `mapped` are those of files that the system can read again.

    `hint` is what whoever needs it can do to need less.
    """

    private: int
    mapped: int = 0
    device: Device = "cpu"
    hint: str = ""

    @property
    def total(self) -> int:
        """All of it."""
        return self.private + self.mapped


class Holder(Protocol):
    """Who has taken memory."""

    name: str

    @property
    def unused_since(self) -> float:
        """When it was last used, by a clock that only goes forward."""
        ...

    def put_away(self) -> bool:
        """Give the memory back unless it is in use now; whether it did. Doesn't wait."""
        ...


class Memory:
    """A budget, and who has taken how much of it.

    `memory_mb` is the most that models may take together in megabytes of 2^20 bytes, `vram_mb` the same of a
    GPU; by default `RAGBRAID_MEMORY_MB` and `RAGBRAID_VRAM_MB`, and without these all that is free.
    """

    def __init__(self, memory_mb: int | None = None, vram_mb: int | None = None) -> None:
        self._limits: dict[Device, int | None] = {"cpu": memory_mb, "cuda": vram_mb}
        self._taken: dict[Holder, Need] = {}
        self._lock = threading.RLock()

    def reserve(self, holder: Holder, need: Need) -> None:
        """Take what `holder` needs. Raises `ModelError` where there isn't as much."""
        with self._lock:
            self._taken.pop(holder, None)
            while why := self._lacking(need):
                if not self._put_one_away(need.device):
                    raise ModelError(
                        f"{holder.name} needs about {_size(need.total)} of {_WHAT[need.device]}, {why}.",
                        need.hint
                        or "Take a smaller model or smaller caches (cache_mb, context_tokens), or close what "
                        "else is open.",
                    )
            self._taken[holder] = need

    def release(self, holder: Holder) -> None:
        """What was taken is free again."""
        with self._lock:
            self._taken.pop(holder, None)

    def taken(self, device: Device = "cpu") -> int:
        """Bytes that are taken, by their estimates."""
        with self._lock:
            return sum(need.total for need in self._taken.values() if need.device == device)

    def _put_one_away(self, device: Device) -> bool:
        others = [holder for holder, need in self._taken.items() if need.device == device]
        return any(each.put_away() for each in sorted(others, key=lambda each: each.unused_since))

    def _lacking(self, need: Need) -> str | None:
        """Why there isn't as much, as the end of a sentence; None where there is."""
        limit, taken = self._limit(need.device), self.taken(need.device)
        if limit is not None and taken + need.total > limit * _MIB:
            beside = f", of which {_size(taken)} are taken" if taken else ""
            return f"and {_NAMES[need.device]} allows {limit} MB{beside}"
        free, whole = _of_gpu() if need.device == "cuda" else of_machine()
        if free is not None and need.private > free:
            return f"and {_size(free)} are free"
        if whole is not None and need.total > whole:
            return f"and the machine has {_size(whole)}"
        return None

    def _limit(self, device: Device) -> int | None:
        if (own := self._limits[device]) is not None:
            return own
        variable = f"RAGBRAID_{_NAMES[device].upper()}"
        told = os.environ.get(variable, "")
        if not told:
            return None
        if not told.isdecimal():
            raise InputError(f"{variable} is {told!r}.", "Give a number of megabytes, or leave it out.")
        return int(told)


_NAMES: dict[Device, str] = {"cpu": "memory_mb", "cuda": "vram_mb"}
_WHAT: dict[Device, str] = {"cpu": "memory", "cuda": "the GPU's memory"}


def of_machine() -> tuple[int | None, int | None]:
    """Bytes that are free, and all that there are, for this process; None where the system doesn't tell.

    What files take that can be read again counts as free. A container's limit holds where it is less.
    """
    told: dict[str, int] = {}
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, value = line.split(":")
            told[name] = int(value.split()[0]) * 1024
    free, whole = told.get("MemAvailable"), told.get("MemTotal")
    with suppress(OSError, ValueError):  # "max" is no number
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text()) - _file_cache()
        whole = limit if whole is None else min(whole, limit)
        free = max(0, limit - used if free is None else min(free, limit - used))
    return free, whole


def _file_cache() -> int:
    """Bytes of a container's memory that hold files which nobody has read lately."""
    lines = (_CGROUP / "memory.stat").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)


def _of_gpu() -> tuple[int | None, int | None]:
    from torch import cuda

    free, whole = cuda.mem_get_info()
    return int(free), int(whole)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / _MIB:.0f} MB"
