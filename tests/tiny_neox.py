"""A small GPT-NeoX, Pythia's architecture, with random weights and a byte-level tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

from tiny_gguf import byte_vocabulary

SHAPE = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 512,
    "rotary_pct": 0.25,
}


def make_neox(
    folder: Path, *, seed: int = 0, safe: bool = True, parallel: bool = True, context: int = 512
) -> Path:
    """Write it as transformers does, or, not `safe`, as a pickled file; some tokens it has names for only."""
    import torch
    from safetensors.torch import load_file
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    vocabulary = byte_vocabulary()
    torch.manual_seed(seed)
    config = GPTNeoXConfig(
        vocab_size=len(vocabulary) + 8, bos_token_id=0, eos_token_id=0, use_parallel_residual=parallel,
        initializer_range=0.3, **(SHAPE | {"max_position_embeddings": context}),
    )  # fmt: skip
    model = GPTNeoXForCausalLM(config).eval()
    for name, each in model.named_parameters():
        if each.ndim == 1:  # what it is made with is all ones and zeros, which hides a swap
            torch.nn.init.normal_(each, 1.0 if name.endswith("norm.weight") else 0.0, 0.2)
    model.save_pretrained(folder)
    if not safe:
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    write_bytes_tokenizer(folder, vocabulary)
    return folder


def write_bytes_tokenizer(folder: Path, vocabulary: list[str]) -> None:
    """A byte-level BPE with one merge, and two spaces as a token of their own, as Pythia's has."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    controls = [each for each in vocabulary if each.startswith("<|")]
    tokenizer = Tokenizer(models.BPE({each: at for at, each in enumerate(vocabulary)}, [("t", "h")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(controls)
    tokenizer.add_tokens([AddedToken("  ", normalized=True)])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": controls[0],
        "bos_token": controls[0],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
