"""What each kind of Haystack's components is in a pipeline of ragbraid's.

Kinds are told by a class's name alone, so that Haystack 2 and 3, and the integrations that moved from one
namespace to another, are read alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ragbraid.exchange.importing.haystack_file import Component, Settings

Kind = Literal[
    "converter", "splitter", "embedder", "writer", "retriever", "joiner", "ranker", "prompt", "generator",
    "reader", "answer", "whole", "none",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meant:
    """A component's kind; what it is as a step or component of ours, where it is one; and what to say."""

    kind: Kind
    spec: Mapping[str, Any] | None = None
    note: str = ""


_CONVERTERS = re.compile(
    r"(TextFile|Markdown|PyPDF|PDFMiner|HTML|DOCX|PPTX|XLSX|CSV|MSG)ToDocument|JSONConverter"
    r"|MultiFileConverter|(Tika|Docling|Unstructured|AzureOCR).*Converter|RagbraidFileToDocument"
)
_ABSORBED = {
    "FileTypeRouter": ("converter", "`files` tells formats by itself"),
    "AnswerBuilder": ("answer", "every answer has its citations"),
    "DocumentWriter": ("writer", ""),
    "PromptBuilder": ("prompt", ""),
    "ChatPromptBuilder": ("prompt", ""),
}
_PROMPT = "its template is left out: `compose` has a prompt of its own, and verifies what is said"
_SEARCH = re.compile(r"(\w+?)(BM25|Embedding|Hybrid|Keyword|SparseEmbedding)Retriever")


def meant(component: Component) -> Meant:
    """What a component is."""
    kind, settings = component.type, component.settings
    if component.ours and kind in _OURS:
        found: Meant = _OURS[kind](settings)
        return found
    if _CONVERTERS.fullmatch(kind):
        return Meant("converter", {"type": "files"})
    if kind in _ABSORBED:
        role, note = _ABSORBED[kind]
        if role == "prompt":
            settings.taken |= {"template", "required_variables", "variables"}
            return Meant("prompt", note=_PROMPT)
        if role == "writer":
            settings.taken |= {"document_store", "policy"}
        return Meant(role, note=note)  # type: ignore[arg-type]
    if kind in _SPLITTERS:
        return Meant("splitter", *_SPLITTERS[kind](settings))
    if kind.endswith(("TextEmbedder", "DocumentEmbedder")):
        return _embedder(kind, settings)
    if match := _SEARCH.fullmatch(kind):
        return _retriever(match[2], settings)
    if kind == "DocumentJoiner":
        return _joiner(settings)
    if kind.endswith("Ranker"):
        return _ranker(kind, settings)
    if kind == "ExtractiveReader":
        settings.taken |= {"model"}
        return Meant("reader", {"type": "quote"}, "`quote` quotes without its model")
    if kind.endswith("Generator"):
        return _generator(kind, settings)
    return Meant("none")


def _document_splitter(settings: Settings) -> tuple[dict[str, Any], str]:
    unit, length = settings.text("split_by") or "word", settings.number("split_length") or 200
    overlap = settings.take("split_overlap", 0)
    if unit == "word":
        tokens = max(8, length * 4 // 3)
        most = max(0, min(int(overlap) * 4 // 3 if isinstance(overlap, int) else 0, tokens // 2))
        spec = {"type": "recursive-splitter", "max_tokens": tokens, **({"overlap": most} if most else {})}
        return spec, f"{length} words are {tokens} tokens here, and chunks end at a break of the text"
    kind = "sentences" if unit == "sentence" else "recursive-splitter"
    return {"type": kind}, f"`split_by: {unit}` is its default chunk of 220 tokens here"


def _recursive_splitter(settings: Settings) -> tuple[dict[str, Any], str]:
    length, unit = settings.number("split_length") or 200, settings.text("split_unit") or "word"
    tokens = max(8, {"word": length * 4 // 3, "char": length // 4}.get(unit, length))
    return {
        "type": "recursive-splitter",
        "max_tokens": tokens,
    }, f"{length} of `{unit}` are {tokens} tokens here"


_SPLITTERS: Mapping[str, Any] = {
    "DocumentSplitter": _document_splitter,
    "DocumentPreprocessor": _document_splitter,
    "RecursiveDocumentSplitter": _recursive_splitter,
    "EmbeddingBasedDocumentSplitter": lambda _: (
        {"type": "sentences"},
        "it cuts between sentences, by length",
    ),
    "MarkdownHeaderSplitter": lambda _: ({"type": "markdown"}, ""),
    "PythonCodeSplitter": lambda _: ({"type": "code"}, ""),
    "CSVDocumentSplitter": lambda _: ({"type": "table-rows"}, ""),
    "HierarchicalDocumentSplitter": lambda _: (
        {
            "type": "parent-child",
            "parents": {"type": "recursive-splitter", "max_tokens": 400},
            "children": {"type": "recursive-splitter", "max_tokens": 100},
        },
        "there are two levels here, of 400 and 100 tokens",
    ),
}


def _embedder(kind: str, settings: Settings) -> Meant:
    if kind.startswith(
        ("SentenceTransformers", "HuggingFace", "FastembedText", "FastembedDocument")
    ) and isinstance(model := settings.take("model", "sentence-transformers/all-mpnet-base-v2"), str):
        prefix = settings.text("prefix")
        side = "query_prefix" if kind.endswith("TextEmbedder") else "passage_prefix"
        name = _KNOWN.get(model.lower(), model)
        spec = {"type": "sentence-transformer", "model": name, **({side: prefix} if prefix else {})}
        return Meant("embedder", spec)
    settings.taken |= {"model", "api_key"}
    return Meant(
        "embedder", None, "there is no such embedder here: all-minilm-l6-v2 takes its place, on this machine"
    )


_KNOWN = {"sentence-transformers/all-minilm-l6-v2": "all-minilm-l6-v2"}


def _retriever(way: str, settings: Settings) -> Meant:
    settings.taken |= {"document_store", "filter_policy", "scale_score", "return_embedding"}
    k = settings.number("top_k") or 10
    note = ""
    if settings.values.get("filters"):
        settings.taken.add("filters")
        note = "`filters` are given with each question here: --filter, or `filter=` in Python"
    kinds = {"BM25": "lexical", "Keyword": "lexical", "Embedding": "dense", "SparseEmbedding": "lexical"}
    if way == "SparseEmbedding":
        note = "words are compared by BM25 in place of a sparse embedding"
    return Meant("retriever", {"type": kinds.get(way, "hybrid"), "candidates": k}, note)


def _joiner(settings: Settings) -> Meant:
    mode, weights = settings.text("join_mode") or "concatenate", settings.take("weights")
    settings.taken |= {"sort_by_score"}
    if mode == "merge":
        spec = {"type": "weighted", **({"weights": weights} if isinstance(weights, list) else {})}
        return Meant("joiner", spec)
    if mode == "distribution_based_rank_fusion":
        return Meant("joiner", {"type": "zscore"}, "`weights` are left out" if weights else "")
    if mode == "reciprocal_rank_fusion":
        return Meant("joiner", {"type": "rrf"}, "`weights` are left out" if weights else "")
    return Meant("joiner", {"type": "rrf"}, f"`join_mode: {mode}` is a fusion by rank here")


def _ranker(kind: str, settings: Settings) -> Meant:
    k = settings.number("top_k")
    note = f"`top_k: {k}` is asked with each question here: -k {k}" if k else ""
    if kind.endswith("SimilarityRanker"):
        model = settings.text("model") or "cross-encoder/ms-marco-MiniLM-L-6-v2"
        return Meant("ranker", {"type": "cross-encoder", "model": model}, note)
    if kind == "LostInTheMiddleRanker":
        return Meant("ranker", {"type": "lost-in-the-middle"}, note)
    if kind == "SentenceTransformersDiversityRanker":
        settings.taken.add("model")
        return Meant(
            "ranker", {"type": "mmr"}, "it takes the index's own vectors" + (f"; {note}" if note else "")
        )
    if kind == "LLMRanker":
        settings.taken.add("chat_generator")
        return Meant("ranker", {"type": "llm"}, "it asks the generator that answers")
    return Meant("none")


def _generator(kind: str, settings: Settings) -> Meant:
    settings.taken |= {"streaming_callback", "system_prompt"}
    key, url = settings.take("api_key"), settings.text("api_base_url") or settings.text("url")
    model = settings.text("model")
    kwargs = settings.take("generation_kwargs", {})
    told = Settings(kwargs if isinstance(kwargs, dict) else {})
    spec: dict[str, Any] | None = None
    if kind in ("OpenAIChatGenerator", "OpenAIGenerator", "OpenAIResponsesChatGenerator"):
        spec = _server(url or "https://api.openai.com/v1", model or "gpt-4o-mini", key)
    elif kind.startswith("Ollama"):
        base = (url or "http://localhost:11434").removesuffix("/api/generate").rstrip("/")
        spec = _server(base if base.endswith("/v1") else f"{base}/v1", model or "orca-mini", None)
    elif kind.startswith(("HuggingFaceLocal", "LlamaCpp", "Transformers")):
        known = kind.startswith("LlamaCpp")
        spec = {"type": "llama-cpp" if known else "transformers", "model": model} if model else None
    most = told.number("max_tokens") or told.number("max_completion_tokens") or told.number("max_new_tokens")
    notes = []
    if spec is None:
        notes.append("there is no such generator here: answers are quotes")
    if told.left():
        notes.append(f"left out of `generation_kwargs`: {', '.join(told.left())}")
    if spec is not None and most:
        spec["max_tokens"] = most  # of an answer, so `compose` is given it
    return Meant("generator", spec, "; ".join(notes))


def _server(url: str, model: str, key: Any) -> dict[str, Any]:
    spec = {"type": "openai", "base_url": url, "model": model}
    names = key.get("env_vars") if isinstance(key, dict) else None
    if isinstance(names, list) and names and re.fullmatch(r"[A-Za-z_]\w*", str(names[0]), re.ASCII):
        spec["api_key"] = f"${{{names[0]}:-}}"
    return spec


def _ours_retriever(kind: str) -> Any:
    def read(settings: Settings) -> Meant:
        store = settings.take("document_store", {})
        told = store.get("init_parameters") if isinstance(store, dict) else None
        path = told.get("path") if isinstance(told, dict) else None
        settings.taken |= {"return_embedding", "filter_policy"}
        spec: dict[str, Any] = {"type": kind, "candidates": settings.number("top_k") or 10}
        return Meant("retriever", spec | ({"index": path} if isinstance(path, str) else {}))

    return read


def _ours(kind: Kind, setting: str, default: Mapping[str, Any]) -> Any:
    def read(settings: Settings) -> Meant:
        settings.taken |= {"top_k", "pipeline"}
        spec = settings.take_ours(setting, default)
        note = f"`${{…}}` in `{setting}` is mere text, but as an `api_key`"
        if not isinstance(spec, dict):
            return Meant("none")
        return Meant(kind, dict(spec), note if settings.names_variables(setting) else "")

    return read


def _whole(settings: Settings) -> Meant:
    file = settings.text("pipeline")
    settings.taken.add("top_k")
    own = "ragbraid's built-in pipeline" if file is None else f"the pipeline {file}"
    return Meant("whole", note=f"it is {own} already, whose file is left as it is")


_EMBEDDER = {"type": "sentence-transformer"}
_OURS: Mapping[str, Any] = {
    "RagbraidPipeline": _whole,
    "RagbraidSearch": _whole,
    "RagbraidBM25Retriever": _ours_retriever("lexical"),
    "RagbraidEmbeddingRetriever": _ours_retriever("dense"),
    "RagbraidTextEmbedder": _ours("embedder", "component", _EMBEDDER),
    "RagbraidDocumentEmbedder": _ours("embedder", "component", _EMBEDDER),
    "RagbraidRanker": _ours("ranker", "reranker", {"type": "maxsim", "embedder": _EMBEDDER}),
    "RagbraidReader": _ours("reader", "step", {"type": "quote"}),
    "RagbraidSplitter": _ours("splitter", "splitter", {"type": "recursive-splitter"}),
    "RagbraidChatGenerator": _ours(
        "generator", "component", {"type": "local", "model": "smollm2-135m-instruct"}
    ),
}
