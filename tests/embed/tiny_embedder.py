"""Embedding models of a few kilobytes, with random weights."""

from __future__ import annotations

import json
from pathlib import Path

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz", "water", "boils", "fire", "##s"]
WORDS += ["."]


def make_tiny(folder: Path, *, seed: int = 0, model_type: str = "bert", pooling: str = "mean_tokens") -> Path:
    """A sentence-transformers folder with random weights: 2 layers, 32 dimensions, 16 tokens."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import (
        BertConfig,
        BertModel,
        ModernBertConfig,
        ModernBertModel,
        Qwen3Config,
        Qwen3Model,
        XLMRobertaConfig,
        XLMRobertaModel,
    )

    torch.manual_seed(seed)
    shape = {
        "vocab_size": len(WORDS),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
    }
    if model_type == "bert":
        model = BertModel(BertConfig(**shape, max_position_embeddings=20))
    elif model_type == "modernbert":
        special = {"bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
        config = ModernBertConfig(**shape, **special, pad_token_id=0, max_position_embeddings=20)
        model = ModernBertModel(config)
    elif model_type == "qwen3":
        grouped = {"num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0}
        model = Qwen3Model(Qwen3Config(**shape, **grouped, max_position_embeddings=20, dtype="bfloat16"))
        model = model.to(torch.bfloat16)
    else:
        model = XLMRobertaModel(XLMRobertaConfig(**shape, max_position_embeddings=22, pad_token_id=0))
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(WORDS[:4])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"}
    write(folder / "tokenizer_config.json", settings)
    write(folder / "sentence_bert_config.json", {"max_seq_length": 18})
    kinds = ["Transformer", "Pooling", "Normalize"]
    paths = ["", "1_Pooling", "2_Normalize"]
    write(
        folder / "modules.json",
        [
            {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for at, (kind, path) in enumerate(zip(kinds, paths, strict=True))
        ],
    )
    (folder / "1_Pooling").mkdir()
    write(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": False, f"pooling_mode_{pooling}": True},
    )
    return folder


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
