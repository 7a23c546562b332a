"""Models with random weights, made where they are needed: of the real architectures, and tiny."""

from __future__ import annotations

import json
from pathlib import Path

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz", "water", "boils", "fire", "##s"]
WORDS += ["."]


def make_tiny(
    folder: Path,
    *,
    seed: int = 0,
    model_type: str = "bert",
    pooling: str = "mean_tokens",
    length: int = 18,
) -> Path:
    """A sentence-transformers folder: 2 layers, 32 dimensions, `length` tokens with the two special ones."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import AutoModel, BertConfig, ModernBertConfig, Qwen3Config, XLMRobertaConfig

    torch.manual_seed(seed)
    shape = {
        "vocab_size": len(WORDS),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
    }
    special = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    config = {
        "bert": lambda: BertConfig(**shape, max_position_embeddings=length + 2),
        "xlm-roberta": lambda: XLMRobertaConfig(**shape, max_position_embeddings=length + 4, pad_token_id=0),
        "modernbert": lambda: ModernBertConfig(**shape, max_position_embeddings=length, **special),
        "qwen3": lambda: Qwen3Config(
            **shape, max_position_embeddings=length, num_key_value_heads=2, head_dim=8
        ),
    }[model_type]()
    model = AutoModel.from_config(config)
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(WORDS[:4])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"}
    write(folder / "tokenizer_config.json", settings)
    write(folder / "sentence_bert_config.json", {"max_seq_length": length})
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


def make_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A cross-encoder that sees 24 tokens of a pair."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=24,
        num_labels=labels,
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "model_max_length": 24}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def make_sparse(folder: Path, *, seed: int = 0, free: bool = False) -> Path:
    """A SPLADE model that sees 18 tokens; with `free`, questions are looked up without a model."""
    import warnings

    import torch
    from sentence_transformers import SparseEncoder
    from sentence_transformers.base.modules import Router, Transformer
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
    from transformers import BertConfig, BertForMaskedLM

    base = make_tiny(folder.with_name(f"{folder.name}-base"))
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=18,
        initializer_range=0.5,
    )
    BertForMaskedLM(config).save_pretrained(base)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformer = Transformer(str(base), transformer_task="fill-mask", max_seq_length=18)
        modules = [transformer, SpladePooling()]
        if free:
            table = SparseStaticEmbedding(transformer.tokenizer, torch.rand(len(WORDS)))
            modules = [Router.for_query_document([table], modules)]
        SparseEncoder(modules=modules, device="cpu").save(str(folder), create_model_card=False)
    return folder
