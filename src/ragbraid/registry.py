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
    "bitnet": "ragbraid.generate.bitnet.component:BitNet",
    "bigrams": "ragbraid.rerank.bigrams:Bigrams",
    "budget": "ragbraid.generate.budget:Budget",
    "by-format": "ragbraid.split.by_format:ByFormat",
    "code": "ragbraid.split.code:Code",
    "cache-order": "ragbraid.rerank.cache_order:CacheOrder",
    "compose": "ragbraid.answer.compose:Compose",
    "cross-encoder": "ragbraid.rerank.cross_encoder:CrossEncoder",
    "acronyms": "ragbraid.transform.acronyms:Acronyms",
    "answer-cache": "ragbraid.answer.cache:AnswerCache",
    "boost": "ragbraid.rerank.boost:Boost",
    "compress": "ragbraid.rerank.compress:Compress",
    "hyde": "ragbraid.transform.hyde:Hyde",
    "multi-query": "ragbraid.transform.multi_query:MultiQuery",
    "neighbours": "ragbraid.rerank.neighbours:Neighbours",
    "recency": "ragbraid.rerank.recency:Recency",
    "sparse": "ragbraid.retrieve.sparse:Sparse",
    "sparse-encoder": "ragbraid.embed.sparse_encoder:SparseEncoder",
    "spelling": "ragbraid.transform.spelling:Spelling",
    "decompose": "ragbraid.transform.decompose:Decompose",
    "dense": "ragbraid.retrieve.dense:Dense",
    "direct": "ragbraid.answer.direct:Direct",
    "enough": "ragbraid.answer.enough:Enough",
    "entailment": "ragbraid.answer.entailment:Entailment",
    "faiss": "ragbraid.index.faiss:Faiss",
    "files": "ragbraid.load.files:Files",
    "intent": "ragbraid.route.intent:Intent",
    "intents": "ragbraid.route.intent:Intents",
    "interleave": "ragbraid.rerank.interleave:Interleave",
    "join": "ragbraid.answer.join:Join",
    "learned": "ragbraid.rerank.learned:Learned",
    "lexical": "ragbraid.retrieve.lexical:Lexical",
    "llm": "ragbraid.rerank.llm:Llm",
    "local": "ragbraid.generate.local:Local",
    "llama-cpp": "ragbraid.generate.llama_cpp:LlamaCpp",
    "lost-in-the-middle": "ragbraid.rerank.lost_in_the_middle:LostInTheMiddle",
    "markdown": "ragbraid.split.markdown:Markdown",
    "maxsim": "ragbraid.rerank.maxsim:Maxsim",
    "memory": "ragbraid.conversation.memory:Memory",
    "metadata-filter": "ragbraid.transform.metadata_filter:MetadataFilter",
    "mmr": "ragbraid.rerank.mmr:Mmr",
    "near-duplicates": "ragbraid.rerank.near_duplicates:NearDuplicates",
    "openvino": "ragbraid.generate.openvino:OpenVino",
    "openai": "ragbraid.generate.openai:OpenAi",
    "openmoe": "ragbraid.generate.openmoe.component:OpenMoe",
    "parent-child": "ragbraid.split.parent_child:ParentChild",
    "parents": "ragbraid.rerank.parents:Parents",
    "prefill": "ragbraid.answer.prefill:Prefill",
    "quote": "ragbraid.answer.quote:Quote",
    "recursive-splitter": "ragbraid.split.recursive_splitter:RecursiveSplitter",
    "refuse": "ragbraid.answer.canned:Refuse",
    "reply": "ragbraid.answer.canned:Reply",
    "rm3": "ragbraid.rerank.rm3:Rm3",
    "rocchio": "ragbraid.rerank.rocchio:Rocchio",
    "rows": "ragbraid.load.rows:Rows",
    "rrf": "ragbraid.rerank.rrf:Rrf",
    "semantic-router": "ragbraid.route.semantic_router:SemanticRouter",
    "sentences": "ragbraid.split.sentences:Sentences",
    "sentence-transformer": "ragbraid.embed.sentence_transformer:SentenceTransformer",
    "sql": "ragbraid.load.sql:Sql",
    "standalone": "ragbraid.transform.standalone:Standalone",
    "table-rows": "ragbraid.split.table_rows:TableRows",
    "testing/echo-generator": "ragbraid.testing.fakes:EchoGenerator",
    "testing/fixed-splitter": "ragbraid.testing.fakes:FixedSplitter",
    "testing/hash-embedder": "ragbraid.testing.fakes:HashEmbedder",
    "testing/hash-sparse": "ragbraid.testing.fakes:HashSparseEncoder",
    "testing/list-index": "ragbraid.testing.fakes:ListIndex",
    "tool": "ragbraid.answer.tool:Tool",
    "transformers": "ragbraid.generate.transformers:Transformers",
    "web": "ragbraid.load.web:Web",
    "weighted": "ragbraid.rerank.weighted:Weighted",
    "widen": "ragbraid.retrieve.widen:Widen",
    "zscore": "ragbraid.rerank.zscore:Zscore",
}

NEEDS: Mapping[str, tuple[str, ...]] = {
    "code": (
        "tree_sitter",
        "tree_sitter_python",
        "tree_sitter_javascript",
        "tree_sitter_typescript",
        "tree_sitter_go",
        "tree_sitter_rust",
        "tree_sitter_java",
        "tree_sitter_c",
        "tree_sitter_cpp",
    ),
    "cross-encoder": ("torch", "sentence_transformers"),
    "entailment": ("torch", "sentence_transformers"),
    "faiss": ("faiss", "tantivy", "Stemmer"),
    "files": ("pathspec", "charset_normalizer", "python_calamine", "xberg"),
    "llama-cpp": ("xllamacpp", "jinja2"),
    "local": ("xllamacpp", "jinja2"),
    "openai": ("httpx",),
    "bitnet": ("torch", "transformers", "safetensors", "jinja2", "llguidance"),
    "openmoe": ("torch", "transformers", "safetensors", "jinja2", "llguidance"),
    "openvino": ("openvino", "openvino_genai", "jinja2"),
    "rows": ("pathspec", "charset_normalizer"),
    "web": ("pathspec", "charset_normalizer", "xberg"),
    "sentence-transformer": ("torch", "tokenizers", "safetensors"),
    "sparse-encoder": ("torch", "sentence_transformers"),
    "sql": ("sqlalchemy",),
    "transformers": ("torch", "transformers", "jinja2", "llguidance"),
}
"""The modules that a type imports when it is used, beside the core's; its extra brings them."""

EXTRAS: Mapping[str, str] = {"code": "code", "sql": "sql"}
"""The extra of a type, where it isn't `local`."""


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
