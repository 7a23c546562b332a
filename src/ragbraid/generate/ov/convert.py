"""A GGUF file as an OpenVINO model: converted once, put right, proven on this machine against torch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.generate.gguf import Gguf
from ragbraid.generate.hf.quietly import quietly
from ragbraid.generate.ov.fitness import MODULES, unfit
from ragbraid.models.converted import converted
from ragbraid.models.fingerprint import fingerprint
from ragbraid.models.openvino import EXACT, machine, openvino, openvino_genai
from ragbraid.models.signal_stack import signal_stack_kept

KL_MOST = 0.001
"""Nats by which the next-token distribution may differ from the reference's, in the mean."""


_FORMAT = 1
"""Raised when the conversion changes, so that older ones aren't used."""
_PROBE = (
    "A pump that runs dry wears out in 40 minutes; the float valve, fitted in 1932, stops it before that. "
    'Ask: "Who opened the bridge?" - Ada Lind did, on 3 May.\n\n- naïve, 東京, 12.5 %\n'
)


def convert(path: Path, header: Gguf) -> Path:
    """The folder of the converted model, made and proven where it isn't yet.

    Raises `ModelError` for an architecture that the importer doesn't know, for a model that memory is too
    small to prove, and for a conversion that isn't exact; `MissingDependency` where a library is missing.
    """
    for each in MODULES:
        if find_spec(each) is None:
            raise MissingDependency(
                f"OpenVINO's engine needs {each.replace('_', '-')}, which isn't installed.",
                "Run `pip install 'ragbraid[local]'`.",
            )
    if (why := unfit(header)) is not None:
        raise ModelError(f"OpenVINO can't take {path}: {why}.", "Let `type: local` choose the engine.")
    with signal_stack_kept():
        return converted(
            f"{path.stem}-{fingerprint(path)}-{_FORMAT}",
            path,
            machine(),
            lambda folder: _fill(folder, path, header),
            prove,
        )


def prove(folder: Path) -> Mapping[str, Any]:
    """How far the model in `folder` is from its reference. Raises `ModelError` where that is too far."""
    from ragbraid.generate.ov.scoring import scorer

    with np.load(folder / "reference.npz") as reference:
        ids, expected = reference["ids"].tolist(), reference["logs"]
    measured = scorer(folder, EXACT).all(ids)
    kl = float((np.exp(expected) * (expected - measured)).sum(-1).mean())
    agreeing = float((expected.argmax(-1) == measured.argmax(-1)).mean())
    if not kl <= KL_MOST:
        raise ModelError(
            f"The conversion to OpenVINO isn't exact: it differs by {kl:.4f} nats from the reference.",
            "Let `type: local` choose the engine.",
        )
    return {"kl": kl, "top1": agreeing, "positions": len(ids)}


def _fill(folder: Path, path: Path, header: Gguf) -> None:
    from ragbraid.generate.ov.weights import make_exact

    imported = folder / "imported"
    imported.mkdir()
    try:
        _import(path, imported)
        for each in imported.glob("openvino_*tokenizer.*"):
            shutil.move(each, folder / each.name)
        ids = openvino_genai().Tokenizer(folder).encode(_PROBE, add_special_tokens=False).input_ids.data
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1].removesuffix(".")
        raise ModelError(
            f"OpenVINO can't read {path}: {why}.", "Let `type: local` choose the engine."
        ) from error
    graph = openvino().Core().read_model(imported / "openvino_model.xml")
    make_exact(graph, path, header)
    openvino().save_model(graph, folder / "openvino_model.xml", compress_to_fp16=False)
    del graph  # maps the imported file, which Windows won't remove before
    shutil.rmtree(imported)
    np.savez(folder / "reference.npz", ids=ids[0], logs=_reference(path, ids))


def _import(path: Path, folder: Path) -> None:
    """Let the importer save its graph: it does so beside the file, which therefore gets a second name."""
    beside = folder / path.name
    try:
        os.link(path, beside)
    except OSError:  # another volume
        shutil.copyfile(path, beside)
    try:
        openvino_genai().LLMPipeline(beside, "CPU", enable_save_ov_model=True)
    finally:
        beside.unlink()


def _reference(path: Path, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Log-probabilities by torch in float32, of shape (tokens, vocabulary)."""
    import torch
    from transformers import AutoModelForCausalLM

    with quietly():
        model = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, local_files_only=True
        )
    with torch.inference_mode():
        logs = torch.log_softmax(model(torch.from_numpy(ids)).logits[0].float(), -1)
    found: npt.NDArray[np.float32] = logs.numpy()
    return found
