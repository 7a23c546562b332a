"""ragbraid: documents and one YAML file in, answers with verified citations out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragbraid.errors import InputError as InputError
    from ragbraid.errors import PipelineFileError as PipelineFileError
    from ragbraid.errors import RagbraidError as RagbraidError
    from ragbraid.pipeline.build import ref as ref
    from ragbraid.pipeline.pipeline import Pipeline as Pipeline
    from ragbraid.pipeline.recording.values import Recording as Recording
    from ragbraid.types import Answer as Answer
    from ragbraid.types import Chunk as Chunk
    from ragbraid.types import Citation as Citation
    from ragbraid.types import Document as Document
    from ragbraid.types import Event as Event
    from ragbraid.types import Hit as Hit
    from ragbraid.types import Reading as Reading

__version__ = "0.1.0"

_HOMES = {
    "Pipeline": "ragbraid.pipeline.pipeline",
    "ref": "ragbraid.pipeline.build",
    "Recording": "ragbraid.pipeline.recording.values",
    **dict.fromkeys(("InputError", "PipelineFileError", "RagbraidError"), "ragbraid.errors"),
    **dict.fromkeys(("Answer", "Chunk", "Citation", "Document", "Event", "Hit", "Reading"), "ragbraid.types"),
}
__all__ = ["Answer", "Chunk", "Citation", "Document", "Event", "Hit", "InputError", "Pipeline"]
__all__ += ["PipelineFileError", "RagbraidError", "Reading", "Recording", "ref"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ragbraid' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
