"""What `doctor` finds out of a pipeline: which engines embed, generate and search, and with which models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from ragbraid import registry
from ragbraid.cli import probes
from ragbraid.embed.protocol import Embedder
from ragbraid.errors import ModelError, ModelMissing, RagbraidError
from ragbraid.generate.protocol import Generator
from ragbraid.index.protocol import Index
from ragbraid.index.structure.names import SMALL
from ragbraid.pipeline.engine import identity, signature_for
from ragbraid.pipeline.forms.calls import ComponentStep
from ragbraid.pipeline.model import CheckedPipeline, Step, walked
from ragbraid.pipeline.parts import parts_of
from ragbraid.pipeline.typecheck import implements
from ragbraid.registry import EXTRAS, NEEDS
from ragbraid.types import ModelName

_NAMES = {
    "torch": "torch",
    "openvino": "OpenVINO",
    "numpy": "numpy",
    "llama-cpp": "llama.cpp",
    "transformers": "transformers",
}
_KINDS: Mapping[str, type] = {"embedder": Embedder, "generator": Generator, "index": Index}


@dataclass(frozen=True, slots=True)
class Engine:
    """An embedder, generator or index of the pipeline, what does its work, and what stands in its way."""

    kind: str
    type: str
    by: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model that the pipeline names. `verified`: its files are those of the catalogue."""

    name: str
    state: Literal["verified", "present", "missing", "unfit"]
    path: Path | None = None
    problem: str | None = None


def components(checked: CheckedPipeline) -> list[Any]:
    """Every component of a pipeline once, those that stand inside others too."""
    roots = [*checked.components.values()]
    for flow in checked.flows.values():
        roots += _stepwise(flow.steps)
    if checked.ingest is not None:
        roots += [*checked.ingest.loaders, *_stepwise(checked.ingest.flow.steps), checked.ingest.index]
    found = [each for each in parts_of(roots) if dataclasses.is_dataclass(each)]
    return list({identity(each): each for each in found}.values())


def type_name(component: Any) -> str:
    """A component's type as a file names it."""
    target = type(component)
    return registry.name_of(target) or f"{target.__module__}:{target.__qualname__}"


def engine(component: Any, imported: Mapping[str, probes.Import]) -> Engine | None:
    """What does a component's work; None for one that has no engine to speak of."""
    runtime = signature_for(component).runtime
    kind = next((name for name, protocol in _KINDS.items() if implements(runtime, protocol)), "")
    name = type_name(component)
    problem = _missing(component, name) or _broken(name, imported)
    if not kind and problem is None:
        return None
    by, unfit = _engine_of(name, component, imported)
    return Engine(kind or "step", name, by, problem or unfit)


def models(found: Iterable[Any]) -> list[ModelState]:
    """The models that components name, looked for on this machine."""
    named = {
        (getattr(each, setting.name), getattr(each, "revision", None))
        for each in found
        for setting in signature_for(each).settings
        if ModelName in (setting.annotation, *get_args(setting.annotation))
    }
    return [_model(name, revision) for name, revision in sorted(named, key=str) if name]


def _model(name: str, revision: str | None) -> ModelState:
    from ragbraid.models.catalogue import catalogue
    from ragbraid.models.locate import locate

    try:
        path = locate(name, revision)
    except ModelMissing as error:
        return ModelState(name, "missing", None, str(error))
    except ModelError as error:
        return ModelState(name, "unfit", None, str(error))
    except (RagbraidError, OSError, ImportError) as error:
        return ModelState(name, "missing", None, f"It can't be looked for: {error}")
    return ModelState(name, "verified" if name in catalogue() else "present", path)


def _needs(component: Any, name: str) -> tuple[str, ...]:
    needs = NEEDS.get(name, ())
    lexical = name == "faiss" and component.embedder is None
    return tuple(each for each in needs if not (lexical and each == "faiss"))


def _missing(component: Any, name: str) -> str | None:
    missing = [each for each in _needs(component, name) if not probes.is_there(each)]
    if not missing:
        return None
    return f"{name} needs {', '.join(missing)}. Run `{probes.install(EXTRAS.get(name, 'local'))}`."


def _broken(name: str, imported: Mapping[str, probes.Import]) -> str | None:
    for each in NEEDS.get(name, ()):
        failure = imported[each].failure if each in imported else None
        if failure is not None:
            return f"{each} is installed and can't be imported: {failure}. Install it again."
    return None


def _engine_of(name: str, component: Any, imported: Mapping[str, probes.Import]) -> tuple[str, str | None]:
    """What does the work and why, and what the configuration asks for in vain."""
    match name:
        case "sentence-transformer":
            return _embedder(component, imported.get("torch", probes.Import()).gpus)
        case "llama-cpp":
            return "llama.cpp in this process, by xllamacpp", None
        case "openvino":
            return "OpenVINO in this process", None
        case "transformers":
            return _torch(component.device, imported.get("torch", probes.Import()).gpus)
        case "local":
            return _local(component)
        case "openai":
            place = urlsplit(component.base_url)
            return f"the server at {place.hostname}, port {place.port or place.scheme}; it wasn't asked", None
        case "faiss":
            return _index(component, imported)
        case _:
            return "its own code", None


def _embedder(component: Any, gpus: tuple[str, ...]) -> tuple[str, str | None]:
    """What computes the vectors; a missing model is told of by itself."""
    from ragbraid.embed.engines import choose
    from ragbraid.embed.model_files import ModelFiles
    from ragbraid.models.locate import locate

    if gpus and component.device != "cpu" and component.engine != "openvino":
        return _torch(component.device, gpus)
    try:
        files = ModelFiles(locate(component.model, component.revision, kind="embedder"))
        choice = choose(files, component.engine, "cpu" if component.device == "auto" else component.device)
    except ModelMissing:
        return "the engine that suits the model, once that is here", None
    except ModelError as error:
        return "no engine", str(error)
    return f"{_NAMES[choice.engine]} on the CPU, {choice.why}", None


def _local(component: Any) -> tuple[str, str | None]:
    """The engine that would run the model, and why; a missing model is told of by itself."""
    from ragbraid.generate.choose import choose

    if component.engine != "auto":
        return f"{_NAMES[component.engine]}, as `engine: {component.engine}` says", None
    try:
        choice = choose(component.model, component.revision)
    except ModelMissing:
        return "the engine that suits the model, once that is here", None
    except ModelError as error:
        return "no engine", str(error)
    return f"{_NAMES[choice.engine]}, {choice.why}", None


def _torch(device: str, gpus: tuple[str, ...]) -> tuple[str, str | None]:
    if device == "cpu":
        return "torch on the CPU, as `device: cpu` says", None
    if gpus:
        return f"torch on {gpus[0]}", None
    unfit = "device is cuda, and torch finds no CUDA device. Set device: auto." if device == "cuda" else None
    return "torch on the CPU, since it finds no GPU", unfit


def _index(component: Any, imported: Mapping[str, probes.Import]) -> tuple[str, str | None]:
    """Where an index searches by vector; what was imported was so in other processes, and not here."""
    if component.embedder is None:
        return "SQLite, tantivy", None
    by = "SQLite, tantivy and FAISS"
    faiss, torch = (imported.get(each, probes.Import()).gpus for each in ("faiss", "torch"))
    if component.device == "cpu":
        return f"{by} on the CPU, as `device: cpu` says", None
    if faiss or torch:
        how = f"FAISS on {faiss[0]}" if faiss else f"torch on {torch[0]}"
        once = "" if component.device == "cuda" else f" from {SMALL:,} vectors on"
        loaded = " where an embedder has loaded torch" if once and not faiss else ""
        return f"{by}; {how}{once}{loaded}", None
    unfit = "`device: cuda` asks for a GPU, and neither FAISS nor torch finds one. Set `device: auto`."
    return f"{by} on the CPU, since neither FAISS nor torch finds a GPU", (
        unfit if component.device == "cuda" else None
    )


def _stepwise(steps: Iterable[Step]) -> list[Any]:
    return [each.component for each in walked(steps) if isinstance(each, ComponentStep)]
