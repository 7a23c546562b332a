"""ragbraid's own components by their class names, for pipelines written in Python; imported when used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ragbraid.registry import BUILTIN

if TYPE_CHECKING:
    from ragbraid.answer.cache import AnswerCache as AnswerCache
    from ragbraid.answer.canned import Refuse as Refuse
    from ragbraid.answer.canned import Reply as Reply
    from ragbraid.answer.compose import Compose as Compose
    from ragbraid.answer.direct import Direct as Direct
    from ragbraid.answer.enough import Enough as Enough
    from ragbraid.answer.entailment import Entailment as Entailment
    from ragbraid.answer.join import Join as Join
    from ragbraid.answer.prefill import Prefill as Prefill
    from ragbraid.answer.quote import Quote as Quote
    from ragbraid.answer.tool import Tool as Tool
    from ragbraid.conversation.memory import Memory as Memory
    from ragbraid.embed.sentence_transformer import SentenceTransformer as SentenceTransformer
    from ragbraid.embed.sparse_encoder import SparseEncoder as SparseEncoder
    from ragbraid.generate.bitnet.component import BitNet as BitNet
    from ragbraid.generate.budget import Budget as Budget
    from ragbraid.generate.llama_cpp import LlamaCpp as LlamaCpp
    from ragbraid.generate.local import Local as Local
    from ragbraid.generate.openai import OpenAi as OpenAi
    from ragbraid.generate.openmoe.component import OpenMoe as OpenMoe
    from ragbraid.generate.openvino import OpenVino as OpenVino
    from ragbraid.generate.transformers import Transformers as Transformers
    from ragbraid.index.faiss import Faiss as Faiss
    from ragbraid.load.files import Files as Files
    from ragbraid.load.rows import Rows as Rows
    from ragbraid.load.sql import Sql as Sql
    from ragbraid.load.web import Web as Web
    from ragbraid.rerank.bigrams import Bigrams as Bigrams
    from ragbraid.rerank.boost import Boost as Boost
    from ragbraid.rerank.cache_order import CacheOrder as CacheOrder
    from ragbraid.rerank.compress import Compress as Compress
    from ragbraid.rerank.cross_encoder import CrossEncoder as CrossEncoder
    from ragbraid.rerank.interleave import Interleave as Interleave
    from ragbraid.rerank.learned import Learned as Learned
    from ragbraid.rerank.llm import Llm as Llm
    from ragbraid.rerank.lost_in_the_middle import LostInTheMiddle as LostInTheMiddle
    from ragbraid.rerank.maxsim import Maxsim as Maxsim
    from ragbraid.rerank.mmr import Mmr as Mmr
    from ragbraid.rerank.near_duplicates import NearDuplicates as NearDuplicates
    from ragbraid.rerank.neighbours import Neighbours as Neighbours
    from ragbraid.rerank.parents import Parents as Parents
    from ragbraid.rerank.recency import Recency as Recency
    from ragbraid.rerank.rm3 import Rm3 as Rm3
    from ragbraid.rerank.rocchio import Rocchio as Rocchio
    from ragbraid.rerank.rrf import Rrf as Rrf
    from ragbraid.rerank.weighted import Weighted as Weighted
    from ragbraid.rerank.zscore import Zscore as Zscore
    from ragbraid.retrieve.dense import Dense as Dense
    from ragbraid.retrieve.lexical import Lexical as Lexical
    from ragbraid.retrieve.sparse import Sparse as Sparse
    from ragbraid.retrieve.widen import Widen as Widen
    from ragbraid.route.intent import Intent as Intent
    from ragbraid.route.intent import Intents as Intents
    from ragbraid.route.semantic_router import SemanticRouter as SemanticRouter
    from ragbraid.split.by_format import ByFormat as ByFormat
    from ragbraid.split.code import Code as Code
    from ragbraid.split.markdown import Markdown as Markdown
    from ragbraid.split.parent_child import ParentChild as ParentChild
    from ragbraid.split.recursive_splitter import RecursiveSplitter as RecursiveSplitter
    from ragbraid.split.sentences import Sentences as Sentences
    from ragbraid.split.table_rows import TableRows as TableRows
    from ragbraid.transform.acronyms import Acronyms as Acronyms
    from ragbraid.transform.decompose import Decompose as Decompose
    from ragbraid.transform.hyde import Hyde as Hyde
    from ragbraid.transform.metadata_filter import MetadataFilter as MetadataFilter
    from ragbraid.transform.multi_query import MultiQuery as MultiQuery
    from ragbraid.transform.spelling import Spelling as Spelling
    from ragbraid.transform.standalone import Standalone as Standalone

_HOMES = {
    where.rpartition(":")[2]: where.rpartition(":")[0]
    for name, where in BUILTIN.items()
    if not name.startswith("testing/")
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ragbraid.components' has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
