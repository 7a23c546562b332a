"""Which engine computes an embedding model on this machine."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, TypeAlias

from ragbraid.embed.encoder import Encoder
from ragbraid.embed.model_files import ModelFiles
from ragbraid.errors import MissingDependency, ModelError, RagbraidError
from ragbraid.models.locate import locate
from ragbraid.models.openvino import leads_here
from ragbraid.models.reasons import reason

Engine: TypeAlias = Literal["auto", "torch", "openvino"]
Device: TypeAlias = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine and its device, and why, as the end of a sentence."""

    engine: Literal["torch", "openvino", "numpy"]
    device: Literal["cpu", "cuda"]
    why: str


def choose(files: ModelFiles, engine: Engine, device: Device) -> Choice:
    """What computes the model: what is asked for, or what is fastest. Imports torch only for a GPU's sake.

    Raises `ModelError` where what is asked for can't be had.
    """
    if files.static is not None and engine != "openvino":
        return Choice("numpy", "cpu", "since a static model is a table")
    if engine == "openvino":
        if device == "cuda":
            raise ModelError("engine is openvino, and device is cuda.", "Set engine: torch.")
        return Choice("openvino", "cpu", "as `engine: openvino` says")
    if device == "cuda" or (device == "auto" and _driver()):
        if _cuda():
            return Choice("torch", "cuda", "since torch finds a GPU")
        if device == "cuda":
            raise ModelError("device is cuda, and torch finds no CUDA device.", "Set device: auto.")
    if engine == "torch":
        return Choice("torch", "cpu", "as `engine: torch` says")
    if not leads_here():
        return Choice("torch", "cpu", "since OpenVINO has no lead on this processor")
    if find_spec("openvino") is None:
        return Choice("torch", "cpu", "since OpenVINO isn't installed")
    from ragbraid.embed.openvino_encoder import suits

    if not suits(files):
        return Choice("torch", "cpu", "since this model isn't one that OpenVINO is given here")
    return Choice("openvino", "cpu", "since it is faster on this processor")


def load(files: ModelFiles, engine: Engine, device: Device) -> Encoder:
    """The model with its weights, by the engine that is chosen.

    OpenVINO is proven first; where it can't be, and wasn't asked for, torch computes the model.
    """
    from ragbraid.embed.encoder import load as by_torch

    choice = choose(files, engine, device)
    if choice.engine == "numpy":
        from ragbraid.embed.static_encoder import StaticEncoder

        return StaticEncoder(files)
    if choice.engine == "torch":
        return by_torch(files, choice.device)
    try:
        return _by_openvino(files)
    except (ModelError, MissingDependency):
        if engine == "openvino":
            raise
        return by_torch(files, "cpu")


def prepare(model: str) -> None:
    """Prove a model for the engine that would be chosen, where that takes proof. Raises `ModelError`."""
    files = ModelFiles(locate(model, kind="embedder"))
    if choose(files, "auto", "auto").engine == "openvino":
        _by_openvino(files)


def _by_openvino(files: ModelFiles) -> Encoder:
    from ragbraid.embed.openvino_encoder import OpenVinoEncoder, prove, suits

    if not suits(files) or files.pooling is None:
        raise ModelError(f"OpenVINO isn't given {files.folder.name} here.", "Set engine: torch.")
    try:
        prove(files)
        return OpenVinoEncoder(files, files.pooling)
    except RagbraidError:
        raise
    except Exception as error:
        raise ModelError(
            f"OpenVINO can't load the model in {files.folder}: {reason(error)}.", "Set engine: torch."
        ) from error


def _driver() -> bool:
    """Whether the graphics driver's library is here: asking torch takes a second."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())
