"""GPT-NeoX, Pythia's architecture, as llama.cpp's `gptneox`: its settings, and its tensors by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.models.tensors import Tensors

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "gptneox"


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor of the file: its names there and in the folder, its size, and whether it is a fused QKV."""

    name: str
    origin: str
    size: tuple[int, ...]
    fused: bool = False


@dataclass(frozen=True, slots=True)
class NeoX:
    """A GPT-NeoX config.json. Raises `KeyError` where something is missing in it."""

    config: Mapping[str, Any]

    @property
    def _hidden(self) -> int:
        return int(self.config["hidden_size"])

    @property
    def heads(self) -> int:
        """Attention heads."""
        return int(self.config["num_attention_heads"])

    def settings(self) -> dict[str, int | float | bool]:
        """What `gptneox` is told, by the ends of its keys; rotary acts on `rotary_pct` of a head's width."""
        config, rope = self.config, self.config.get("rope_parameters") or {}
        part = config.get("rotary_pct", rope.get("partial_rotary_factor", 0.25))
        base = config.get("rotary_emb_base", rope.get("rope_theta", 10_000))
        return {
            "context_length": int(config["max_position_embeddings"]),
            "embedding_length": self._hidden,
            "block_count": int(config["num_hidden_layers"]),
            "feed_forward_length": int(config["intermediate_size"]),
            "attention.head_count": self.heads,
            "rope.dimension_count": int(float(part) * (self._hidden // self.heads)),
            "rope.freq_base": float(base),
            "attention.layer_norm_epsilon": float(config.get("layer_norm_eps", 1e-5)),
            "use_parallel_residual": bool(config.get("use_parallel_residual", True)),
        }

    def sources(self) -> Iterator[Source]:
        """The tensors, in the file's order."""
        hidden, inner = self._hidden, int(self.config["intermediate_size"])
        vocabulary = int(self.config["vocab_size"])
        tied = self.config.get("tie_word_embeddings", False)
        embedding = "gpt_neox.embed_in.weight"
        yield Source("token_embd.weight", embedding, (vocabulary, hidden))
        linears = (
            ("attn_qkv", "attention.query_key_value", (3 * hidden, hidden)),
            ("attn_output", "attention.dense", (hidden, hidden)),
            ("ffn_up", "mlp.dense_h_to_4h", (inner, hidden)),
            ("ffn_down", "mlp.dense_4h_to_h", (hidden, inner)),
        )
        norms = (("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm"))
        for layer in range(int(self.config["num_hidden_layers"])):
            block, origin = f"blk.{layer}", f"gpt_neox.layers.{layer}"
            for name, called in norms:
                yield Source(f"{block}.{name}.weight", f"{origin}.{called}.weight", (hidden,))
                yield Source(f"{block}.{name}.bias", f"{origin}.{called}.bias", (hidden,))
            for name, called, size in linears:
                fused = name == "attn_qkv"
                yield Source(f"{block}.{name}.weight", f"{origin}.{called}.weight", size, fused)
                yield Source(f"{block}.{name}.bias", f"{origin}.{called}.bias", size[:1], fused)
        yield Source("output_norm.weight", "gpt_neox.final_layer_norm.weight", (hidden,))
        yield Source("output_norm.bias", "gpt_neox.final_layer_norm.bias", (hidden,))
        yield Source("output.weight", embedding if tied else "embed_out.weight", (vocabulary, hidden))

    def tensor(self, source: Source, tensors: Tensors) -> Tensor:
        """A source's numbers. A fused QKV is laid out head by head; in the file all queries come first."""
        found = tensors.get(source.origin, source.size)
        if not source.fused:
            return found
        width = self._hidden // self.heads
        split = found.reshape(self.heads, 3, width, *source.size[1:])
        return split.transpose(0, 1).reshape(source.size)
