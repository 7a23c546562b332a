"""ragbraid in LlamaIndex; importing it warns where LlamaIndex's version wasn't tested."""

from llama_index_ragbraid.chat_engine import RagbraidChatEngine
from llama_index_ragbraid.embedding import RagbraidEmbedding
from llama_index_ragbraid.llm import RagbraidLLM
from llama_index_ragbraid.node_parser import RagbraidNodeParser
from llama_index_ragbraid.postprocessor import RagbraidReranker
from llama_index_ragbraid.query_engine import RagbraidQueryEngine
from llama_index_ragbraid.reader import RagbraidReader
from llama_index_ragbraid.retriever import RagbraidRetriever
from llama_index_ragbraid.synthesizer import RagbraidSynthesizer
from llama_index_ragbraid.tool import ragbraid_tool
from llama_index_ragbraid.values import answer_of, as_node, hit_of_node
from llama_index_ragbraid.vector_store import RagbraidVectorStore
from llama_index_ragbraid.workflow import Answered, Question, RagbraidStep
from ragbraid.bridge.frameworks import warn_untested

TESTED = ("0.14", "0.15")
"""The first version of LlamaIndex that was tested, and the first after it that wasn't."""

warn_untested("llama-index-ragbraid", "llama-index-core", TESTED)

__all__ = [
    "TESTED",
    "Answered",
    "Question",
    "RagbraidChatEngine",
    "RagbraidEmbedding",
    "RagbraidLLM",
    "RagbraidNodeParser",
    "RagbraidQueryEngine",
    "RagbraidReader",
    "RagbraidReranker",
    "RagbraidRetriever",
    "RagbraidStep",
    "RagbraidSynthesizer",
    "RagbraidVectorStore",
    "answer_of",
    "as_node",
    "hit_of_node",
    "ragbraid_tool",
]
