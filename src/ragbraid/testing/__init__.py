"""Fakes that users may import, and a conformance suite per kind of component.

The fakes are loaded when first named: `from ragbraid.testing import HashEmbedder`. The suites are modules
named after their kind (`ragbraid.testing.index` …) and need pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragbraid.testing.fakes import (
        EchoGenerator,
        FailingStep,
        FixedSplitter,
        HashEmbedder,
        ListIndex,
        MemoryLoader,
        ScriptedGenerator,
        SlowStep,
    )

__all__ = [
    "EchoGenerator",
    "FailingStep",
    "FixedSplitter",
    "HashEmbedder",
    "ListIndex",
    "MemoryLoader",
    "ScriptedGenerator",
    "SlowStep",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ragbraid.testing import fakes

    return getattr(fakes, name)
