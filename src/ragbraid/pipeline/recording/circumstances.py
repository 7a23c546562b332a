"""What surrounds a run: the pipeline's text and settings, versions; and which secrets must not get out."""

from __future__ import annotations

import dataclasses
import json
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ragbraid import __version__
from ragbraid.index.protocol import Index
from ragbraid.pipeline.function import FunctionComponent
from ragbraid.pipeline.model import CheckedPipeline
from ragbraid.pipeline.operations import Plan
from ragbraid.pipeline.parts import parts_of
from ragbraid.pipeline.recording.values import PipelineRecord
from ragbraid.pipeline.typecheck import implements
from ragbraid.secret import Secret
from ragbraid.serial import to_json

_LIBRARIES = (
    "numpy", "faiss-cpu", "faiss-gpu", "tantivy", "torch", "sentence-transformers", "transformers",
    "tokenizers", "xllamacpp", "httpx",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """Where a pipeline came from: its file's text, the path given for it, and the overrides."""

    text: str = ""
    file: str | None = None
    overrides: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def pipeline_record(origin: Origin, checked: CheckedPipeline, plan: Plan) -> PipelineRecord:
    """The pipeline as a recording keeps it, secrets not yet masked in its text."""
    settings: dict[str, Any] = {}
    for call in plan.calls():
        settings.update(_settings(call.step, call.component, checked.base))
    digest = sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return PipelineRecord(checked.name, origin.file, origin.text, origin.overrides, settings, digest)


def versions() -> dict[str, str]:
    """ragbraid's, Python's and the main libraries' versions, and the platform."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"ragbraid": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def secrets_in(value: Any) -> set[str]:
    """Every secret inside a value, its text as it must not be written."""
    return {each.reveal() for each in parts_of(value) if isinstance(each, Secret)} - {""}


def indexes_in(components: Iterable[Any]) -> list[Any]:
    """The index components among these and what they refer to, the first met first."""
    from ragbraid.pipeline.engine import signature_for

    found: dict[int, Any] = {}
    for each in parts_of(list(components)):
        heavy = dataclasses.is_dataclass(each) and hasattr(each, "open")
        if heavy and implements(signature_for(each).runtime, Index):
            found.setdefault(id(each), each)
    return list(found.values())


def _settings(name: str, value: Any, base: Path) -> Iterator[tuple[str, Any]]:
    """A component's settings by dotted name, its references' below theirs; secrets are left out."""
    if isinstance(value, FunctionComponent):
        yield name, _type_name(value.function)
        for key, each in value.settings:
            yield from _settings(f"{name}.{key}", each, base)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield name, _type_name(type(value))
        for field in dataclasses.fields(value):
            if field.metadata.get("digest", True):
                yield from _settings(f"{name}.{field.name}", getattr(value, field.name), base)
    elif isinstance(value, str | Path) and Path(value).is_absolute() and Path(value).is_relative_to(base):
        yield name, Path(value).relative_to(base).as_posix()
    elif not isinstance(value, Secret):
        yield name, to_json(value)


def _type_name(target: Any) -> str:
    """Where a type is from; of a local file its name and a mark of its code, which changes with it."""
    module = str(target.__module__)
    if module.startswith("ragbraid_local_") and (file := getattr(sys.modules.get(module), "__file__", None)):
        path = Path(file)
        mark = sha256(path.read_bytes()).hexdigest()[:8] if path.is_file() else "gone"
        return f"{path.name} ({mark}):{target.__qualname__}"
    return f"{module}:{target.__qualname__}"
