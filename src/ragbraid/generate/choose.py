"""Which engine runs a model on this machine, and why."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from ragbraid.errors import ModelError
from ragbraid.generate.gguf import read
from ragbraid.generate.ov.fitness import MODULES, unfit
from ragbraid.models.locate import locate
from ragbraid.models.openvino import leads_here

_TORCH = ("torch", "transformers")
Engine: TypeAlias = Literal["llama-cpp", "openvino", "transformers"]


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine, and why it is this one, as the end of a sentence."""

    engine: Engine
    why: str


def choose(model: str, revision: str | None = None) -> Choice:
    """The engine for a model's files, by their format and by what is installed. Imports no engine.

    Raises `ModelError` where the model is missing, or of no format that is known.
    """
    path = locate(model, revision, kind="generator")
    files = [path] if path.is_file() else sorted(path.rglob("*.gguf"))
    if path.is_dir() and any(path.glob("*.safetensors")):
        missing = [each for each in _TORCH if find_spec(each) is None]
        if missing:
            raise ModelError(
                f"{path} holds safetensors, which the transformers engine reads, and {missing[0]} isn't "
                "installed.",
                "Run `pip install 'ragbraid[local]'`, or name a GGUF file.",
            )
        return Choice("transformers", "since its weights are safetensors, which the others don't read")
    if len(files) == 1:
        return _for_gguf(files[0])
    raise ModelError(
        f"{path} is no model that an engine here can run.",
        "Name a GGUF file, a folder with one, or one with safetensors.",
    )


def _for_gguf(path: Path) -> Choice:
    header = read(path)
    if not leads_here():
        return Choice("llama-cpp", "since OpenVINO has no lead on this processor")
    missing = [each for each in MODULES if find_spec(each) is None]
    if missing:
        return Choice("llama-cpp", f"since {missing[0]} isn't installed, which OpenVINO needs")
    if (why := unfit(header)) is not None:
        return Choice("llama-cpp", f"since OpenVINO can't take the model: {why}")
    return Choice("openvino", "since it is exact and reads prompts faster on this processor")
