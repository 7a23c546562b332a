"""Packs a model that was trained with ternary weights, and refuses one that wasn't."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from ragbraid.errors import ModelError
from ragbraid.generate.bitnet.kernel import pack
from ragbraid.generate.bitnet.linear import ternary
from ragbraid.generate.bitnet.load import as_trained, linears, load_bitnet, packing, read_bitnet, skeleton
from ragbraid.generate.hf.tokenized import load_tokenizer
from ragbraid.models.pickled import unpickled
from ragbraid.models.tensors import Tensors

MOST = 0.1
"""Nats a token that rounding may cost: a model that was trained with it loses nothing by it."""
_BESIDE = ("tokenizer*", "special_tokens_map.json", "generation_config.json", "chat_template*", "*.model")
_WINDOW = 512

SAMPLE = (
    "A river begins where water from rain and melting snow collects in small streams. On its way to the sea "
    "it takes in other rivers, and becomes wider and slower. People have always built towns on the banks, "
    "because boats could carry goods there long before there were good roads. In dry years the water falls, "
    "and ships must wait for rain. In wet years it may rise over the banks and flood the fields, which makes "
    "them fertile but can also destroy houses. So many towns have built walls along the river."
)
"""What the loss is measured on where no text is given."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What packing cost and gave: nats a token before and after, the packed layers' bytes, bits a weight."""

    before: float
    after: float
    bytes: int
    bits: float


def quantize(folder: Path, to: Path, text: str = SAMPLE) -> Packed:
    """Write the model in `folder` to the new folder `to`, its linear layers packed in two bits a weight.

    The form is that of the published packed checkpoints, which transformers loads too. Raises `ModelError`
    where rounding makes the loss on `text` worse: then the model wasn't trained for it, and nothing is
    written. A model that knows nothing of the text is refused, too.
    """
    config = read_bitnet(folder)
    if (config.get("quantization_config") or {}).get("quantization_mode", "") == "offline":
        raise ModelError(f"{folder} is packed already.", "Name it as the model of `type: bitnet`.")
    if to.exists():
        raise ModelError(f"{to} is there already.", "Name a new folder.")
    before, after = _losses(folder, text)
    if before > (chance := math.log(config["vocab_size"])):
        raise ModelError(
            f"{folder.name} knows nothing of the text: its loss is {before:.2f} nats a token, and chance has "
            f"{chance:.2f}. So nothing can be told of what rounding costs.",
            "Measure it on a text in its language: --text FILE.",
        )
    if not after <= before + MOST:
        raise ModelError(
            f"{folder.name} wasn't trained with ternary weights: its loss on the text is {after:.2f} nats a "
            f"token with them, and {before:.2f} without.",
            "Take a GGUF file of 4 bits for it: ragbraid models convert, or one from the hub.",
        )
    to.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as made:
        size, count = _write(folder, Path(made) / "model", config)
        (Path(made) / "model").rename(to)
    return Packed(before, after, size, 8 * size / count)


def _losses(folder: Path, text: str) -> tuple[float, float]:
    """The mean negative log-probability of the text's tokens, as trained and with ternary weights."""
    ids = torch.tensor([load_tokenizer(folder)(text)["input_ids"][:_WINDOW]])
    if ids.shape[1] < 2:
        raise ModelError("The text is too short to measure anything on it.", "Give a page of it.")
    found = []
    for make in (as_trained, packing(folder, packed=True)):
        model = load_bitnet(folder, torch.float32, make)
        with torch.inference_mode():
            logits = model(ids).logits[0, :-1].float()
        found.append(float(torch.nn.functional.cross_entropy(logits, ids[0, 1:])))
    return found[0], found[1]


def _write(folder: Path, to: Path, config: dict[str, Any]) -> tuple[int, int]:
    """The bytes of the packed layers and their scales, and the number of their weights."""
    from safetensors.torch import save_file

    to.mkdir()
    sizes = {f"{name}.weight": tuple(each.weight.shape) for name, each in linears(skeleton(folder))}
    tensors = Tensors(unpickled(folder), "cpu", torch.bfloat16)
    written: dict[str, torch.Tensor] = {}
    size = count = 0
    for name in tensors.names:
        if name not in sizes:
            written[name] = tensors.whole(name)
            continue
        rounded, scale = ternary(tensors.get(name, sizes[name], dtype=torch.float32))
        written[name] = pack(rounded)
        written[f"{name}_scale"] = scale.reshape(1)
        size += written[name].nbytes + written[f"{name}_scale"].nbytes
        count += rounded.numel()
    save_file(written, to / "model.safetensors", metadata={"format": "pt"})
    told = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}
    (to / "config.json").write_text(json.dumps(config | {"quantization_config": told}, indent=1), "utf-8")
    for pattern in _BESIDE:
        for path in folder.glob(pattern):
            shutil.copy(path, to / path.name)
    return size, count
