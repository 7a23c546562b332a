"""OpenVINO's own settings: what makes it exact, and what a proof of that depends on."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from ragbraid.errors import MissingDependency

SHARING: Mapping[str, str] = {"ENABLE_CPU_PINNING": "NO"}
"""Threads go where there is room: pinned ones wait for whatever else runs on their processor."""

EXACT: Mapping[str, str] = {
    **SHARING,
    "INFERENCE_PRECISION_HINT": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
    "KV_CACHE_PRECISION": "f32",
}
"""float32 throughout; without these the CPU plug-in rounds activations and the KV cache."""

BF16: Mapping[str, str] = {
    **SHARING,
    "INFERENCE_PRECISION_HINT": "bf16",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
    "KV_CACHE_PRECISION": "bf16",
}
"""Half the numbers' width: faster where the processor has bf16, and approximate."""


def leads_here() -> bool:
    """Whether this processor is of the kind on which it is faster than the other engines: x86-64."""
    return platform.machine().lower() in ("x86_64", "amd64")


def openvino() -> Any:
    """The library. Raises `MissingDependency`."""
    return _imported("openvino")


def openvino_genai() -> Any:
    """The library of generation with it. Raises `MissingDependency`."""
    return _imported("openvino_genai")


def _imported(name: str) -> Any:
    # Where this module is found, each import of OpenVINO tells a server of its maker's that somebody did.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingDependency(
            "OpenVINO isn't installed.", "Run `pip install 'ragbraid[local]'`."
        ) from error


@lru_cache(maxsize=1)
def core() -> Any:
    """The one core of this process, which knows devices and compiles graphs."""
    return openvino().Core()


def precision() -> str:
    """`bf16` where the processor computes in it, else `f32`."""
    return "bf16" if "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def machine() -> dict[str, str]:
    """The library's version and the processor, on which results depend."""
    found = core()
    return {
        "openvino": openvino().__version__,
        "processor": found.get_property("CPU", "FULL_DEVICE_NAME"),
        "abilities": " ".join(sorted(found.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))),
    }
