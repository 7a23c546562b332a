"""A GGUF file of a tiny model with random weights, as llama.cpp and transformers write larger ones."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

CHATML = (
    "{% for message in messages %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LAYERS, HEADS, KEY_HEADS, WIDTH, INNER = 2, 4, 2, 64, 96


def byte_vocabulary() -> list[str]:
    """One token a byte, in GPT-2's printable letters, after the control tokens; and one merged token."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    hidden = (byte for byte in range(256) if byte not in letters)
    letters |= {byte: chr(256 + at) for at, byte in enumerate(hidden)}
    return [*CONTROLS, *(letters[byte] for byte in range(256)), "th"]


def tiny_gguf(
    path: Path,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.Q4_1,
    *,
    architecture: str = "llama",
    template: str | None = CHATML,
    seed: int = 0,
    broken: bool = False,
) -> Path:
    """Write the model to `path`, its matrices packed as `kind`; `broken`, its last norm isn't of numbers."""
    writer = gguf.GGUFWriter(path, architecture)
    vocabulary = byte_vocabulary()
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary))
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_Q4_1))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3] * len(CONTROLS) + [1] * 257)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    random = np.random.default_rng(seed)
    key = WIDTH * KEY_HEADS // HEADS

    def matrix(name: str, rows: int, columns: int) -> None:
        values = random.normal(0, columns**-0.5, (rows, columns)).astype(np.float32)
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)

    def norm(name: str) -> None:
        writer.add_tensor(name, random.uniform(0.8, 1.2, WIDTH).astype(np.float32))

    matrix("token_embd.weight", len(vocabulary), WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        norm(f"{block}.attn_norm.weight")
        norm(f"{block}.ffn_norm.weight")
        matrix(f"{block}.attn_q.weight", WIDTH, WIDTH)
        matrix(f"{block}.attn_k.weight", key, WIDTH)
        matrix(f"{block}.attn_v.weight", key, WIDTH)
        matrix(f"{block}.attn_output.weight", WIDTH, WIDTH)
        matrix(f"{block}.ffn_gate.weight", INNER, WIDTH)
        matrix(f"{block}.ffn_up.weight", INNER, WIDTH)
        matrix(f"{block}.ffn_down.weight", WIDTH, INNER)
    if broken:
        writer.add_tensor("output_norm.weight", np.full(WIDTH, np.nan, np.float32))
    else:
        norm("output_norm.weight")
    matrix("output.weight", len(vocabulary), WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
