"""How fast a GPU writes and embeds: `python tests/gpu/engine_figures.py [--shape 1b]`, or by `run.sh`.

A llama of 1 or 8 billion random weights: seconds to the first token of a prompt of 512, tokens a second alone
and for eight askers, beside transformers' own `generate` of the same weights. Then a BERT of MiniLM's or of
bert-base's shape: tokens a second, and what share that is of the products in bfloat16 that this card reaches
with large matrices.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import torch
from transformers import AutoModelForCausalLM, BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

from ragbraid.components import SentenceTransformer, Transformers
from ragbraid.generate.protocol import Request
from ragbraid.types import ModelName
from tiny_gguf import byte_vocabulary
from tiny_neox import write_bytes_tokenizer

SHAPES = {
    "tiny": (64, 2, 4, 2, 128),
    "1b": (2048, 16, 32, 8, 8192),
    "8b": (4096, 32, 32, 8, 14336),
}
"""Width, layers, heads, heads of keys, inner width."""
ENCODERS = {"tiny": (32, 2, 4, 48), "minilm": (384, 6, 12, 1536), "base": (768, 12, 12, 3072)}
PROMPT, TOKENS, ASKERS = 512, 64, 8


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--shape", choices=SHAPES, default="1b")
    asked.add_argument("--encoder", choices=ENCODERS, default="base")
    asked.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="`cpu` tries this script")
    given = asked.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("There is nothing to measure: torch finds no GPU.")
    print(torch.cuda.get_device_name() if given.device == "cuda" else "on the CPU")
    with tempfile.TemporaryDirectory() as folder:
        _generators(_llama(Path(folder) / "llama", SHAPES[given.shape], given.device), given)
        _embedder(_bert(Path(folder) / "bert", ENCODERS[given.encoder]), given)


def _generators(folder: Path, given: argparse.Namespace) -> None:
    random = Random(1)
    prompts = ["".join(random.choices("abcdefgh ", k=PROMPT)) for _ in range(ASKERS)]
    runtime = Transformers(
        ModelName(str(folder)), prompts="completion", device=given.device, context_tokens=1024
    ).open()
    runtime.warm_up()
    runtime.generate([Request(prompts[0], 2)])
    first = min(_taken(lambda at=at: runtime.generate([Request(f"{at}{prompts[0]}", 1)])) for at in range(3))
    alone = TOKENS / min(_taken(lambda: runtime.generate([Request(prompts[0], TOKENS)])) for _ in range(2))
    eight = _taken(lambda: runtime.generate([Request(each, TOKENS) for each in prompts]))
    runtime.close()
    print(f"transformers of ragbraid, {given.shape}: first token of {PROMPT} {first:.3f} s")
    print(f"  tokens/s alone {alone:.1f}, of eight askers {ASKERS * TOKENS / eight:.1f}")
    dtype = torch.bfloat16 if given.device == "cuda" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(given.device).eval()
    for count in (1, ASKERS):
        ids = torch.randint(4, 200, (count, PROMPT), device=given.device)
        _generate(model, ids, 2)
        began, whole = (_taken(partial(_generate, model, ids, tokens)) for tokens in (1, TOKENS))
        print(f"  its own generate, {count} at once: first token {began:.3f} s, ", end="")
        print(f"{count * TOKENS / whole:.1f} tokens/s")


def _generate(model: Any, ids: Any, tokens: int) -> None:
    model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        pad_token_id=2,
        max_new_tokens=tokens,
        min_new_tokens=tokens,
    )


def _embedder(folder: Path, given: argparse.Namespace) -> None:
    random = Random(2)
    texts = [
        "".join(random.choices("abcdefgh ", k=500)) for _ in range(64 if given.encoder == "tiny" else 2048)
    ]
    runtime = SentenceTransformer(
        ModelName(str(folder)), engine="torch", device=given.device, batch_tokens=65536
    ).open()
    runtime.embed(texts[:32])
    taken = min(_taken(lambda: runtime.embed(texts)) for _ in range(2))
    tokens = sum(len(each.ids) for each in runtime._encode(texts, False, None))
    width, layers, _, inner = ENCODERS[given.encoder]
    length = tokens / len(texts)
    flops = tokens * layers * (8 * width**2 + 4 * width * inner + 4 * width * length)
    peak = _reached(given.device)
    runtime.close()
    print(f"sentence-transformer, {given.encoder}: {tokens / taken:,.0f} tokens/s of texts of {length:.0f}")
    print(
        f"  {flops / taken / 1e12:.3f} TFLOP/s, {flops / taken / peak:.1%} of the {peak / 1e12:.3f} reached"
    )


def _reached(device: str, size: int | None = None) -> float:
    """Floating-point operations a second of large products in bfloat16."""
    size = size or (8192 if device == "cuda" else 512)
    a, b = (torch.randn(size, size, dtype=torch.bfloat16, device=device) for _ in range(2))
    torch.matmul(a, b)
    return float(2 * size**3 / min(_taken(lambda: torch.matmul(a, b)) for _ in range(5)))


def _taken(work: Any) -> float:
    began = perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return perf_counter() - began


def _llama(folder: Path, shape: tuple[int, ...], device: str) -> Path:
    width, layers, heads, keys, inner = shape
    vocabulary = byte_vocabulary()
    config = LlamaConfig(
        vocab_size=len(vocabulary) + 8, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=keys, intermediate_size=inner,
        max_position_embeddings=2048, bos_token_id=0, eos_token_id=None, pad_token_id=0, dtype="bfloat16",
    )  # fmt: skip
    with torch.device(device):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    write_bytes_tokenizer(folder, vocabulary)
    return folder


def _bert(folder: Path, shape: tuple[int, ...]) -> Path:
    from tiny_models import make_tiny

    width, layers, heads, inner = shape
    make_tiny(folder, length=510)
    words = len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
    config = BertConfig(
        vocab_size=words, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=inner, max_position_embeddings=512,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
