"""ragbraid in LangChain: a pipeline file's parts and the whole of it, as LangChain's own kinds of object."""

from langchain_ragbraid.answerers import RagbraidAnswerer
from langchain_ragbraid.chat_models import ChatRagbraid
from langchain_ragbraid.document_index import RagbraidDocumentIndex
from langchain_ragbraid.embeddings import RagbraidEmbeddings
from langchain_ragbraid.loaders import RagbraidLoader
from langchain_ragbraid.rerankers import RagbraidReranker
from langchain_ragbraid.retrievers import RagbraidRetriever
from langchain_ragbraid.runnables import RagbraidPipeline
from langchain_ragbraid.splitters import RagbraidTextSplitter
from langchain_ragbraid.tools import RagbraidTool
from langchain_ragbraid.vectorstores import RagbraidVectorStore
from ragbraid.bridge.frameworks import warn_untested

__version__ = "0.1.0"
__all__ = [
    "ChatRagbraid",
    "RagbraidAnswerer",
    "RagbraidDocumentIndex",
    "RagbraidEmbeddings",
    "RagbraidLoader",
    "RagbraidPipeline",
    "RagbraidReranker",
    "RagbraidRetriever",
    "RagbraidTextSplitter",
    "RagbraidTool",
    "RagbraidVectorStore",
]

warn_untested("langchain-ragbraid", "langchain-core", ("1.5", "1.9"))
