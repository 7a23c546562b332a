"""Where an index searches: on a GPU, by FAISS or by torch, or on the CPU, and why.

Nothing heavy is imported where no graphics driver is loaded.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Literal, TypeAlias

from ragbraid.errors import IndexStoreError
from ragbraid.index.structure.names import SMALL, Device

By: TypeAlias = Literal["cpu", "torch", "faiss"]

_DRIVERS = {"win32": "nvcuda.dll"}
_CURE = "Set `device: auto`, or install `ragbraid[gpu]` on a machine with an NVIDIA GPU and its driver."


@dataclass(frozen=True, slots=True)
class Found:
    """The GPU that there is, and what can be used on it; `by` is `cpu` where there is none."""

    by: By
    why: str
    place: str = "cpu"
    """torch's name for it."""
    graphs: bool = False
    """Whether FAISS is built with cuVS, which has CAGRA."""


@cache
def found() -> Found:
    """The GPU of this process. Raises nothing."""
    if not _has_driver():
        return Found("cpu", "no NVIDIA driver is loaded")
    import faiss

    library = sys.modules["faiss"]
    if getattr(library, "get_num_gpus", int)() > 0 and hasattr(faiss, "StandardGpuResources"):
        return Found("faiss", "FAISS finds a GPU", "cuda:0", hasattr(faiss, "GpuIndexCagraConfig"))
    if find_spec("torch") is None:
        return Found("cpu", "FAISS is built without GPUs, and torch isn't installed")
    import torch

    if not torch.cuda.is_available():
        return Found("cpu", "a driver is loaded, but neither FAISS nor torch finds a GPU")
    return Found("torch", "FAISS is built without GPUs, and torch finds one", "cuda:0")


def chosen(device: Device, structure: str, count: int) -> Found:
    """Where to search among `count` vectors.

    `auto` takes a GPU where there are many vectors and it costs nothing to begin: FAISS finds it, or torch is
    loaded already, since loading it takes longer than thousands of searches. Raises `IndexStoreError` where
    a GPU is asked for that there isn't.
    """
    if device == "cpu":
        return Found("cpu", "`device: cpu` says so")
    if device == "auto" and count < SMALL:
        return Found("cpu", f"fewer than {SMALL:,} vectors are compared in milliseconds")
    there = found()
    if there.by == "cpu" and device == "cuda":
        raise IndexStoreError(f"`device: cuda` asks for a GPU, and {there.why}.", _CURE)
    if structure == "cagra" and not there.graphs and device == "cuda":
        raise IndexStoreError(
            "`structure: cagra` needs a FAISS that is built with cuVS, and this one isn't.",
            "Install `faiss-gpu-cuvs`, or choose another structure.",
        )
    if device == "auto" and there.by == "torch" and "torch" not in sys.modules:
        return Found("cpu", "torch isn't loaded, and loading it takes longer than a search")
    return there


def _has_driver() -> bool:
    try:
        ctypes.CDLL(_DRIVERS.get(sys.platform, "libcuda.so.1"))
    except OSError:
        return False
    return True
