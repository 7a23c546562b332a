"""OpenMoE-8B at a quarter of its width, random weights: `python tests/bench/moe.py`.

`--device cuda` measures on a GPU, `--width 4` the whole of it: 24 GB in bfloat16, for a moment twice as much.

What computing only the experts that have tokens saves against loops over all of them; what
experts on disk cost, by how many are held; what is dropped of requests put together by their experts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from safetensors.torch import save_file

from ragbraid.generate.openmoe import files
from ragbraid.generate.openmoe.cache import Cache
from ragbraid.generate.openmoe.decoder import Decoder, swiglu
from ragbraid.generate.openmoe.experts import Experts
from ragbraid.generate.openmoe.files import read_decoder
from ragbraid.generate.openmoe.model import OpenMoeModel
from ragbraid.generate.openmoe.order import batches
from ragbraid.generate.openmoe.product import Product
from tiny_openmoe import CONFIG, make_openmoe, random_tensors

SHAPE = CONFIG | {
    "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 6,
    "head_dim": 128, "num_experts": 32, "moe_layer_interval": 6, "vocab_size": 8192,
}  # fmt: skip
WIDE = ("hidden_size", "intermediate_size", "num_attention_heads")
ALL = 128
"""Experts of all layers."""
ROWS, PROMPT, STEPS = 8, 128, 16


class Timed:
    """Experts, with the seconds that they take."""

    def __init__(self, experts: Experts) -> None:
        self.experts, self.store, self.seconds = experts, experts.store, 0.0

    def compute(self, layer: int, tokens: torch.Tensor, routes: Any) -> torch.Tensor:
        begun = now(tokens.device)
        found = self.experts.compute(layer, tokens, routes)
        self.seconds += now(tokens.device) - begun
        return found


class Naive(Experts):
    """The plain way: every expert computes every token, and what wasn't routed to it counts nothing."""

    def __init__(self, experts: Experts, shape: Any) -> None:
        super().__init__(experts.store, swiglu)
        self._shape = shape

    def compute(self, layer: int, tokens: torch.Tensor, routes: Any) -> torch.Tensor:
        weights = torch.zeros(len(tokens), self._shape.experts, device=tokens.device, dtype=tokens.dtype)
        begin = 0
        for expert, taken in enumerate(routes.taken):
            rows = slice(begin, begin + taken)
            weights[routes.tokens[rows], expert] = routes.weights[rows].to(tokens.dtype)
            begin += taken
        out = torch.zeros_like(tokens)
        for expert in range(self._shape.experts):
            inner, outer = self.store.get(layer, expert)
            out += weights[:, expert, None] * outer(swiglu(inner(tokens)))
        return out


class Places(Naive):
    """The published way: a mask of tokens, experts and places; every expert computes all its places."""

    def compute(self, layer: int, tokens: torch.Tensor, routes: Any) -> torch.Tensor:
        room, count = self._shape.capacity(len(tokens)), self._shape.experts
        weights = torch.zeros(len(tokens), count, room, device=tokens.device, dtype=tokens.dtype)
        begin = 0
        for expert, taken in enumerate(routes.taken):
            rows = slice(begin, begin + taken)
            weights[routes.tokens[rows], expert, torch.arange(taken)] = routes.weights[rows].to(tokens.dtype)
            begin += taken
        given = (weights != 0).to(tokens.dtype).permute(1, 2, 0) @ tokens
        said = []
        for expert in range(count):
            inner, outer = self.store.get(layer, expert)
            said.append(outer(swiglu(inner(given[expert]))))
        return weights.reshape(len(tokens), -1) @ torch.cat(said)


def now(device: Any) -> float:
    """The time, when all that the device was given is done."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def seconds(decoder: Decoder, ids: torch.Tensor) -> tuple[float, float]:
    """Of the prompts together, and of a token of all rows."""
    with torch.inference_mode():
        cache = Cache(decoder.shape.layers)
        begun = now(decoder.device)
        decoder.forward(ids, cache)
        middle = now(decoder.device)
        for step in range(STEPS):
            decoder.forward((ids[:, step : step + 1] * 31 + 7) % SHAPE["vocab_size"], cache)
        return middle - begun, (now(decoder.device) - middle) / STEPS


def plain(weight: torch.Tensor) -> Product:
    """torch's own product, for which nothing is laid out."""
    return partial(torch.nn.functional.linear, weight=weight.contiguous())


def speed(folder: Path, ids: torch.Tensor, device: str, dtype: torch.dtype) -> None:
    decoder = read_decoder(folder, device, dtype)
    plainly = decoder
    if device == "cpu":  # elsewhere nothing is laid out
        with patch.object(files, "laid_out", plain):
            plainly = read_decoder(folder, device, dtype)
    ways = {
        "ours": (decoder, decoder.experts),
        "published, our products": (decoder, Places(decoder.experts, decoder.shape)),
        "naive loop, our products": (decoder, Naive(decoder.experts, decoder.shape)),
        "naive loop, torch's products": (plainly, Naive(plainly.experts, decoder.shape)),
    }
    best = dict.fromkeys(ways, (float("inf"),) * 3)
    for _ in range(3):
        for name, (each, experts) in ways.items():
            each.experts = timed = Timed(experts)  # type: ignore[assignment]
            prompts, token = seconds(each, ids)
            best[name] = tuple(map(min, best[name], (prompts, token, timed.seconds)))  # type: ignore[assignment]
    for name, (prompts, token, alone) in best.items():
        whole = prompts + STEPS * token
        print(
            f"batch {ROWS} {name}: prompts {1000 * prompts:.0f} ms, a token {1000 * token:.1f} ms, "
            f"{ROWS * STEPS / whole:.1f} tokens/s with {PROMPT} + {STEPS} tokens; "
            f"experts alone {alone:.2f} s of {whole:.2f}"
        )


def offload(folder: Path, ids: torch.Tensor, device: str, dtype: torch.dtype) -> None:
    decoder = read_decoder(folder, device, dtype)
    seconds(decoder, ids[:1])
    prompt, token = seconds(decoder, ids[:1])
    print(f"all on the device: a token {1000 * token:.0f} ms, prompt {1000 * prompt:.0f} ms")
    for held in (128, 96, 64, 32, 16):
        decoder = read_decoder(folder, device, dtype, keep="disk", room=held)
        seconds(decoder, ids[:1])
        traffic = decoder.experts.store.traffic
        assert traffic is not None
        traffic.hits = traffic.misses = 0
        traffic.seconds = 0.0
        prompt, token = seconds(decoder, ids[:1])
        print(
            f"{held} of {ALL} experts held: a token {1000 * token:.0f} ms, prompt {1000 * prompt:.0f} ms, "
            f"hit rate {traffic.hit_rate:.2f}, {traffic.seconds:.2f} s of reading"
        )


def order() -> None:
    folder = make_openmoe(Path(tempfile.mkdtemp()) / "small", num_experts=16, num_hidden_layers=8)
    model = OpenMoeModel(read_decoder(folder), _tokenizer(folder), "small")
    draw = np.random.default_rng(0)
    topics = [draw.choice(np.arange(3, 300), 4, replace=False) for _ in range(8)]
    prompts = [
        list(np.where(draw.random(48) < 0.75, draw.choice(topics[at // 16], 48), draw.integers(3, 300, 48)))
        for at in range(128)
    ]
    model.next(torch.arange(3, 300)[None], torch.ones(1, 297), torch.arange(297)[None], model.new_cache())
    arrival = [list(range(at, at + 8)) for at in range(0, 128, 8)]
    for name, chosen in (
        ("as they come, topic after topic", arrival),
        ("put together by experts", batches(prompts, 8, model.experts, model.decoder.shape)),
    ):
        loads = [model.load([prompts[at] for at in batch]) for batch in chosen]
        dropped = sum(each.dropped.sum() for each in loads) / sum(each.chosen.sum() for each in loads)
        print(f"{name}: {100 * dropped:.1f}% of choices dropped")


def _tokenizer(folder: Path) -> Any:
    from ragbraid.generate.hf.tokenized import load_tokenizer

    return load_tokenizer(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--width", type=int, default=1, choices=[1, 2, 4], help="Quarters of OpenMoE-8B's.")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 instead of float32.")
    parser.add_argument("--part", choices=["speed", "offload", "order"], help="Measure this alone.")
    wanted = parser.parse_args()
    device, part, dtype = wanted.device, wanted.part, torch.bfloat16 if wanted.bf16 else torch.float32
    shape = SHAPE | {name: wanted.width * SHAPE[name] for name in WIDE}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if part != "order":
            (folder / "config.json").write_text(json.dumps(shape), "utf-8")
            tensors = random_tensors(shape)
            for name in list(tensors):
                tensors[name] = tensors[name].to(dtype)
            save_file(tensors, folder / "model.safetensors")
            del tensors
        draw = torch.Generator().manual_seed(0)
        ids = torch.randint(1, shape["vocab_size"], (ROWS, PROMPT), generator=draw).to(device)
        if part in (None, "speed"):
            speed(folder, ids, device, dtype)
        if part in (None, "offload"):
            offload(folder, ids, device, dtype)
    if part in (None, "order"):
        order()


if __name__ == "__main__":
    main()
