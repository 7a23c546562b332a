"""Writes a folder's model as a GGUF file, tensor by tensor: memory holds one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.models.config_json import read_config
from ragbraid.models.convert.neox import ARCHITECTURE, NeoX, Source
from ragbraid.models.convert.vocabulary import Vocabulary, read_vocabulary
from ragbraid.models.pickled import unpickled
from ragbraid.models.tensors import Tensors
from ragbraid.replacing import replacing

if TYPE_CHECKING:
    from torch import Tensor

Packing: TypeAlias = Literal["f32", "f16", "q8_0", "q4_0"]
"""How matrices are packed; vectors are always float32."""

_FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7}
"""llama.cpp's numbers of what most tensors of a file are."""


def convert(folder: Path, to: Path, packing: Packing = "f16") -> None:
    """Write the GPT-NeoX model in a folder to the file `to`, in one move.

    A matrix whose rows can't be packed in blocks stays float16. Raises `ModelError` for a model of another
    architecture, for damaged files, and where the file can't be written; `MissingDependency` without gguf.
    """
    try:
        import gguf
        import torch
    except ImportError as error:
        raise MissingDependency(
            "Converting models needs gguf and torch.", "Run `pip install 'ragbraid[local]'`."
        ) from error
    config = read_config(folder)
    _demand_neox(folder, config.get("model_type"))
    try:
        model = NeoX(config)
        settings, sources = model.settings(), list(model.sources())
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / 'config.json'} lacks {error}.", "Fetch the model again.") from error
    ends = (_first(config.get(f"{each}_token_id")) for each in ("bos", "eos"))
    vocabulary = read_vocabulary(folder, int(config["vocab_size"]), *ends)
    tensors = Tensors(unpickled(folder), "cpu", torch.float32)
    try:
        with replacing(to) as beside, closing(gguf.GGUFWriter(beside, ARCHITECTURE)) as writer:
            _describe(writer, folder.name, settings, packing)
            _vocabulary(writer, vocabulary)
            kinds = [_kind(gguf, each, packing) for each in sources]
            for each, kind in zip(sources, kinds, strict=True):
                _announce(gguf, writer, each, kind)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for each, kind in zip(sources, kinds, strict=True):
                writer.write_tensor_data(_packed(gguf, model.tensor(each, tensors), kind))
    except OSError as error:
        raise ModelError(
            f"{to} can't be written: {error.strerror or error}.", "Name another file."
        ) from error


def _demand_neox(folder: Path, kind: object) -> None:
    if kind == "bitnet":
        raise ModelError(
            f"{folder.name} has squared ReLU; llama.cpp's `bitnet` architecture has SiLU, and would compute "
            "another model.",
            "Take `type: bitnet`, which runs it packed.",
        )
    if kind != "gpt_neox":
        raise ModelError(
            f"{folder.name} is a {kind} model, and GPT-NeoX models such as Pythia are converted here.",
            "llama.cpp's own convert_hf_to_gguf.py knows many others.",
        )


def _describe(writer: Any, name: str, settings: Mapping[str, int | float | bool], packing: Packing) -> None:
    writer.add_name(name)
    writer.add_file_type(_FILE_TYPES[packing])
    for key, value in settings.items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32}[type(value)]
        add(f"{ARCHITECTURE}.{key}", value)


def _vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.types))
    writer.add_token_merges(list(vocabulary.merges))
    writer.add_add_bos_token(False)
    if vocabulary.begin is not None:
        writer.add_bos_token_id(vocabulary.begin)
    if vocabulary.end is not None:
        writer.add_eos_token_id(vocabulary.end)


def _kind(gguf: Any, source: Source, packing: Packing) -> Any:
    kinds = gguf.GGMLQuantizationType
    if len(source.size) == 1 or packing == "f32":
        return kinds.F32
    wanted = kinds[packing.upper()]
    block, _ = gguf.GGML_QUANT_SIZES[wanted]
    return kinds.F16 if source.size[-1] % block else wanted


def _announce(gguf: Any, writer: Any, source: Source, kind: Any) -> None:
    import numpy as np

    block, size = gguf.GGML_QUANT_SIZES[kind]
    count = int(np.prod(source.size))
    writer.add_tensor_info(
        source.name, source.size, np.dtype(np.float32), count // block * size, raw_dtype=kind
    )


def _packed(gguf: Any, tensor: Tensor, kind: Any) -> Any:
    return gguf.quants.quantize(tensor.contiguous().numpy(), kind)


def _first(told: Any) -> int | None:
    found = told[0] if isinstance(told, list) and told else told
    return int(found) if isinstance(found, int) else None
