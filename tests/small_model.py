"""The small language model, where it is on this machine."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path

import pytest

from ragbraid.errors import ModelMissing
from ragbraid.models.cache import converted_folder
from ragbraid.models.locate import locate
from ragbraid.types import Message


def smollm() -> Path:
    try:
        return locate("smollm2-135m-instruct")
    except ModelMissing as missing:
        pytest.skip(str(missing))


def unpacked() -> Path:
    """It as a folder of safetensors in float32, made once: transformers takes 15 s to unpack a GGUF file."""
    path, folder = smollm(), converted_folder() / "smollm2-135m-instruct.safetensors"
    if not folder.is_dir():
        converted_folder().mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=converted_folder()))
        _unpack(path, beside)
        try:
            beside.rename(folder)
        except OSError:  # another process was quicker
            shutil.rmtree(beside)
    return folder


def _unpack(path: Path, folder: Path) -> None:
    from safetensors.torch import save_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name)
        AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(folder)
    save_model(model, str(folder / "model.safetensors"), {"format": "pt"})
    del model.config.quantization_config
    for each in (model.config, model.generation_config):
        each.save_pretrained(folder)


def user(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)
