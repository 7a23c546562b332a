"""Which GGUF files OpenVINO can take, told from their headers."""

from __future__ import annotations

from ragbraid.generate.gguf import Gguf
from ragbraid.models.memory import of_machine

MODULES = ("openvino", "openvino_genai", "gguf", "transformers", "accelerate", "torch")
"""What converting and proving a model imports."""

ARCHITECTURES = ("llama", "qwen2", "qwen3")
"""What its importer knows."""

KINDS = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 8: "Q8_0", 12: "Q4_K", 14: "Q6_K"}
"""The ggml types that its importer unpacks."""

_OF_MEMORY = 0.7
"""The share of free memory that the reference may take, in float32."""


def unfit(header: Gguf) -> str | None:
    """Why it can't take a model, as the end of a sentence; None where it can."""
    if header.architecture not in ARCHITECTURES:
        return f"its importer doesn't know the architecture {header.architecture!r}"
    if unknown := header.kinds - KINDS.keys():
        return f"its importer doesn't unpack weights of ggml type {min(unknown)}"
    need, there = 4 * header.parameters, of_machine()[0]
    if there is not None and need > _OF_MEMORY * there:
        gib = 2**30
        return f"proving it takes {need / gib:.1f} GiB of memory, and {there / gib:.1f} are free"
    return None
