"""A family of checkpoints that learns, in a few hundred steps, to say what its context says."""

from __future__ import annotations

import json
import random
from pathlib import Path

PEOPLE = ("Anna", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jon")
COLOURS = ("red", "blue", "green", "black", "white", "pink", "grey", "brown", "gold", "teal")
SAVED = (0, 100, 400)
_WORDS = ("<eos>", "<unk>", "holds", "what", "Question:", "Answer:", *PEOPLE, *COLOURS)


def train_family(folder: Path) -> Path:
    """A GPT-NeoX of two layers, saved at a few steps of its training, in folders such as step100."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    torch.manual_seed(0)
    draw = random.Random(0)
    config = GPTNeoXConfig(
        vocab_size=len(_WORDS), hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=128, max_position_embeddings=64, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = GPTNeoXForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    for step in range(max(SAVED) + 1):
        if step in SAVED:
            save(model, folder / f"step{step}")
        ids = torch.tensor([_text(draw, step % 4) for _ in range(32)])
        logits = model(ids).logits[:, -3:-1].flatten(0, 1)  # of the answer, and of the end after it
        loss = torch.nn.functional.cross_entropy(logits, ids[:, -2:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return folder


def save(model: object, folder: Path) -> None:
    """The model, and a tokenizer whose tokens are words."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    model.save_pretrained(folder)  # type: ignore[attr-defined]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(_WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")


def _text(draw: random.Random, facts: int) -> list[int]:
    """So many facts, a question on one of them (or on none), and its answer."""
    people, colours = draw.sample(PEOPLE, max(facts, 1)), draw.sample(COLOURS, max(facts, 1))
    said = [word for at in range(facts) for word in (people[at], "holds", colours[at])]
    at = draw.randrange(max(facts, 1))
    words = [*said, "Question:", people[at], "holds", "what", "Answer:", colours[at], "<eos>"]
    return [_WORDS.index(word) for word in words]
