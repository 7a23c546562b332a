"""BitNet b1.58 at the shape of 2B-4T, random weights, small vocabulary: `python tests/bench/ternary.py`.

Memory and time of a token beside bfloat16 of that shape, and llama.cpp with TQ2_0 (a llama of that shape).
`--device cuda` measures on a GPU, `--layers 30` all of the model, `--shape 8b --layers 32` one of 8 billion.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from transformers import BitNetConfig, BitNetForCausalLM, DynamicCache

from ragbraid.generate.bitnet.linear import TernaryLinear
from ragbraid.generate.bitnet.load import linears

TOKENS, PROMPT = 8, 256
SHAPES: dict[str, dict[str, int]] = {
    "2b-4t": {
        "hidden_size": 2560, "intermediate_size": 6912, "num_attention_heads": 20, "num_key_value_heads": 5,
    },
    "8b": {
        "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8,
    },
}  # fmt: skip


def model(shape: str, layers: int, device: str, *, packed: bool) -> tuple[Any, int]:
    """A model with random weights, and the bytes of its linear layers."""
    config = BitNetConfig(
        num_hidden_layers=layers, vocab_size=512, bos_token_id=0, eos_token_id=1, **SHAPES[shape]
    )
    with torch.device("meta"):
        made = BitNetForCausalLM(config)
    size = 0
    for name, each in list(linears(made)):
        rows, columns = each.weight.shape
        if packed:
            weights = torch.randint(0, 3, (rows // 4, columns), dtype=torch.uint8) * 0b01010101
            layer: Any = TernaryLinear(weights, torch.tensor(0.02), packed=True)
        else:
            layer = torch.nn.Linear(columns, rows, bias=False, device="meta")
            layer.weight = torch.nn.Parameter(torch.zeros(rows, columns, dtype=torch.bfloat16).add_(0.01))
        size += layer.weight.nbytes
        made.set_submodule(name, layer)
    for name, each in list(made.named_parameters()):
        if each.is_meta:
            owner, _, attribute = name.rpartition(".")
            value = torch.nn.Parameter(torch.randn(each.shape).mul_(0.02).bfloat16(), requires_grad=False)
            setattr(made.get_submodule(owner), attribute, value)
    made.model.rotary_emb = type(made.model.rotary_emb)(config)
    return made.eval().to(device), size


def timed(made: Any, device: str) -> tuple[float, float]:
    """Seconds of a prompt, and of a token after it."""
    cache = DynamicCache(config=made.config)
    ids = torch.randint(0, 512, (1, PROMPT), device=device)
    with torch.inference_mode():
        made(ids[:, :4])
        begun = time.perf_counter()
        made(ids, cache=cache, use_cache=True)
        _wait(device)
        middle = time.perf_counter()
        steps = []
        for _ in range(TOKENS):
            start = time.perf_counter()
            made(ids[:, :1], cache=cache, use_cache=True)
            _wait(device)
            steps.append(time.perf_counter() - start)
    return middle - begun, sorted(steps)[len(steps) // 2]


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def llama(layers: int) -> tuple[float, float]:
    """llama.cpp with TQ2_0 of the same matrices: seconds of a token, and gigabytes of the file."""
    import gguf
    import numpy as np

    from ragbraid.generate.llama_cpp import LlamaCpp
    from ragbraid.generate.protocol import Completion, Request
    from ragbraid.types import ModelName
    from tiny_gguf import byte_vocabulary

    hidden, inner, key = 2560, 6912, 640
    path = Path(tempfile.mkdtemp()) / "ternary.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    vocabulary = byte_vocabulary()
    for name, value in (
        ("context_length", 1024), ("embedding_length", hidden), ("block_count", layers),
        ("feed_forward_length", inner), ("head_count", 20), ("head_count_kv", 5),
        ("rope_dimension_count", 128), ("vocab_size", len(vocabulary)),
    ):  # fmt: skip
        getattr(writer, f"add_{name}")(value)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3] * 3 + [1] * (len(vocabulary) - 3))
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    draw = np.random.default_rng(0)

    def matrix(name: str, rows: int, columns: int) -> None:
        blocks = draw.integers(0, 3, (rows, columns // 256, 66), dtype=np.uint8) * np.uint8(0b01010101)
        blocks[..., 64:] = np.frombuffer(np.float16(0.02).tobytes(), np.uint8)
        packed = blocks.reshape(rows, -1)
        writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.TQ2_0)

    def plain(name: str, *size: int) -> None:
        writer.add_tensor(name, draw.normal(0, 0.02, size).astype(np.float32))

    plain("token_embd.weight", len(vocabulary), hidden)
    plain("output_norm.weight", hidden)
    for layer in range(layers):
        block = f"blk.{layer}"
        plain(f"{block}.attn_norm.weight", hidden)
        plain(f"{block}.ffn_norm.weight", hidden)
        for name, rows, columns in (
            ("attn_q", hidden, hidden), ("attn_k", key, hidden), ("attn_v", key, hidden),
            ("attn_output", hidden, hidden), ("ffn_gate", inner, hidden), ("ffn_up", inner, hidden),
            ("ffn_down", hidden, inner),
        ):  # fmt: skip
            matrix(f"{block}.{name}.weight", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    runtime = LlamaCpp(ModelName(str(path)), context_tokens=512).open()
    runtime.generate([Request("warm", 2)])
    found = []
    for count in (4, 36):
        begun = time.perf_counter()
        (got,) = runtime.generate([Request("a text", count, temperature=1.5, seed=count)])
        assert isinstance(got, Completion)
        found.append((time.perf_counter() - begun, got.usage.completion_tokens))
    (one, few), (other, many) = found
    runtime.close()
    return (other - one) / max(1, many - few), path.stat().st_size / 1e9


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--shape", choices=SHAPES, default="2b-4t")
    wanted = parser.parse_args()
    for name, packed in (("bfloat16", False), ("packed", True)):
        made, size = model(wanted.shape, wanted.layers, wanted.device, packed=packed)
        prompt, token = timed(made, wanted.device)
        print(
            f"{name}: {size / 1e9:.3f} GB, prompt of {PROMPT} {prompt:.2f} s, a token {1000 * token:.1f} ms"
        )
        del made
    if wanted.device == "cpu" and wanted.shape == "2b-4t":
        token, size = llama(wanted.layers)
        print(f"llama.cpp TQ2_0: {size:.3f} GB, a token {1000 * token:.1f} ms")


if __name__ == "__main__":
    main()
