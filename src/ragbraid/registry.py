"""Names of component types → the classes and functions behind them, imported only when used.

ragbraid's own types stand in `BUILTIN`, so that finding one scans no installed package; third parties'
come from the entry point group `ragbraid.components` and are named `vendor/name`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ragbraid.errors import InputError

GROUP = "ragbraid.components"

BUILTIN: Mapping[str, str] = {
    "compose": "ragbraid.answer.compose:Compose",
    "cross-encoder": "ragbraid.rerank.cross_encoder:CrossEncoder",
    "dense": "ragbraid.retrieve.dense:Dense",
    "faiss": "ragbraid.index.faiss:Faiss",
    "files": "ragbraid.load.files:Files",
    "lexical": "ragbraid.retrieve.lexical:Lexical",
    "llama-cpp": "ragbraid.generate.llama_cpp:LlamaCpp",
    "maxsim": "ragbraid.rerank.maxsim:Maxsim",
    "openai": "ragbraid.generate.openai:OpenAi",
    "quote": "ragbraid.answer.quote:Quote",
    "recursive-splitter": "ragbraid.split.recursive_splitter:RecursiveSplitter",
    "rrf": "ragbraid.rerank.rrf:Rrf",
    "sentence-transformer": "ragbraid.embed.sentence_transformer:SentenceTransformer",
    "testing/echo-generator": "ragbraid.testing.fakes:EchoGenerator",
    "testing/fixed-splitter": "ragbraid.testing.fakes:FixedSplitter",
    "testing/hash-embedder": "ragbraid.testing.fakes:HashEmbedder",
    "testing/list-index": "ragbraid.testing.fakes:ListIndex",
}

NEEDS: Mapping[str, tuple[str, ...]] = {
    "cross-encoder": ("torch", "sentence_transformers"),
    "faiss": ("faiss", "tantivy", "snowballstemmer"),
    "files": ("pathspec", "charset_normalizer", "xberg"),
    "llama-cpp": ("xllamacpp", "jinja2"),
    "openai": ("httpx",),
    "sentence-transformer": ("torch", "tokenizers", "safetensors"),
}
"""The modules that a type imports when it is used, beside the core's; the extra `local` brings them."""


def names() -> list[str]:
    """Every known type name, ours and third parties', sorted."""
    return sorted({*BUILTIN, *_entry_points()})


def find(name: str) -> Any:
    """The class or function of a type name; raises `KeyError` where there is none.

    Raises `InputError` for a third party's name without a vendor, or one that two packages claim.
    """
    target = BUILTIN.get(name)
    if target is None:
        claims = _entry_points()[name]
        if len(claims) > 1:
            raise InputError(f"The component type {name!r} is claimed by {' and '.join(sorted(claims))}.")
        target = claims[0]
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def name_of(target: Any) -> str | None:
    """The type name of a class or function; None where it has none."""
    claims = [name for name, where in BUILTIN.items() if where.endswith(f":{target.__qualname__}")]
    if not any(find(name) is target for name in claims):
        claims = [
            name
            for name, places in _entry_points().items()
            if len(places) == 1 and places[0].endswith(f":{target.__qualname__}")
        ]
    return next((name for name in claims if find(name) is target), None)


def _entry_points() -> dict[str, list[str]]:
    from importlib.metadata import entry_points

    found: dict[str, list[str]] = {}
    for each in entry_points(group=GROUP):
        _demand_vendor(each.name, each.value)
        found.setdefault(each.name, []).append(each.value)
    return found


def _demand_vendor(name: str, value: str) -> None:
    if "/" not in name:
        raise InputError(
            f"The entry point {name!r} ({value}) has no vendor.", f"Name it `vendor/{name}` in its package."
        )
