"""A small BitNet b1.58 of the 2B-4T architecture, trained with ternary weights, without, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from tiny_gguf import CHATML, byte_vocabulary
from tiny_neox import write_bytes_tokenizer

TEXT = "the cat sat on the mat and the dog sat on the log and the cow sat on the hay. "


def make_bitnet(
    folder: Path, how: Literal["random", "ternary", "plain"] = "random", steps: int = 60, context: int = 512
) -> Path:
    """Write config.json, weights as they were trained, and a byte-level tokenizer with a chat template."""
    import torch
    from transformers import BitNetConfig, BitNetForCausalLM

    from ragbraid.generate.bitnet.linear import in_8_bits, ternary

    torch.manual_seed(0)
    vocabulary = byte_vocabulary()
    config = BitNetConfig(
        vocab_size=len(vocabulary) + 4, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=context, bos_token_id=0,
        eos_token_id=2, initializer_range=0.1, tie_word_embeddings=True,
    )  # fmt: skip
    model = BitNetForCausalLM(config)

    def straight_through(module: Any, given: Any) -> Any:
        """Ternary weights and 8-bit activations forward, as if there were none backward (section 2)."""
        rounded, scale = ternary(module.weight)
        weight = module.weight + (rounded * scale - module.weight).detach()
        numbers, factor = in_8_bits(given)
        return torch.nn.functional.linear(given + (numbers / factor - given).detach(), weight)

    if how == "ternary":
        for name, each in model.named_modules():
            if isinstance(each, torch.nn.Linear) and name != "lm_head":
                each.forward = lambda given, each=each: straight_through(each, given)
    folder.mkdir(parents=True)
    write_bytes_tokenizer(folder, vocabulary)
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": CHATML}), "utf-8")
    if how != "random":
        from transformers import AutoTokenizer

        ids = torch.tensor(AutoTokenizer.from_pretrained(folder)(TEXT * 20)["input_ids"])
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for _ in range(steps):
            at = torch.randint(len(ids) - 49, (8, 1)) + torch.arange(48)
            logits = model(ids[at]).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[at + 1].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.save_pretrained(folder)
    return folder
