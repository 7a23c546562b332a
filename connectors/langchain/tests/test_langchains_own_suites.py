"""LangChain's own suites for whatever connects to it, nothing overridden and nothing marked as failing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.indexing.base import DocumentIndex
from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool
from langchain_core.vectorstores import VectorStore
from langchain_ragbraid import (
    ChatRagbraid,
    RagbraidDocumentIndex,
    RagbraidEmbeddings,
    RagbraidRetriever,
    RagbraidTool,
    RagbraidVectorStore,
)
from langchain_tests.integration_tests import (
    ChatModelIntegrationTests,
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
    ToolsIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.integration_tests.indexer import AsyncDocumentIndexTestSuite, DocumentIndexerTestSuite
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests, ToolsUnitTests

from ragbraid import Pipeline

MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="module", autouse=True)
def as_default(folder: Path) -> Generator[None]:
    """Parts that are given no pipeline find the one above the current folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> Generator[VectorStore]:
        store = RagbraidVectorStore(self.get_embeddings(), tmp_path / "store")
        yield store
        store.close()


class TestDocumentIndexByWords(DocumentIndexerTestSuite):
    @pytest.fixture
    def index(self, tmp_path: Path) -> Generator[DocumentIndex]:
        made = RagbraidDocumentIndex(path=str(tmp_path / "index"))
        yield made
        made.close()


class TestAsyncDocumentIndexByWords(AsyncDocumentIndexTestSuite):
    @pytest.fixture
    async def index(self, tmp_path: Path) -> AsyncGenerator[DocumentIndex]:
        made = RagbraidDocumentIndex(path=str(tmp_path / "index"))
        yield made
        made.close()


class TestRetriever(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return RagbraidRetriever

    @property
    def retriever_query_example(self) -> str:
        return "When does the office open?"


class _OurEmbeddings:
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return RagbraidEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"component": {"type": "sentence-transformer", "model": "all-minilm-l6-v2"}}


class TestEmbeddings(_OurEmbeddings, EmbeddingsIntegrationTests):
    pass


class TestEmbeddingsUnit(_OurEmbeddings, EmbeddingsUnitTests):
    pass


class _OurTool:
    @property
    def tool_constructor(self) -> type[BaseTool]:
        return RagbraidTool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"question": "When does the office open?"}


class TestTool(_OurTool, ToolsIntegrationTests):
    pass


class TestToolUnit(_OurTool, ToolsUnitTests):
    pass


class _OurChatModel:
    """Capabilities that are off are those of models that take more than text: see the README."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatRagbraid

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL}

    @property
    def model_override_value(self) -> str:
        return MODEL

    @property
    def supports_json_mode(self) -> bool:
        return True


class TestChatModel(_OurChatModel, ChatModelIntegrationTests):
    pass


class TestChatModelUnit(_OurChatModel, ChatModelUnitTests):
    pass


def test_the_pipeline_is_found(pipeline: Pipeline) -> None:
    assert pipeline.search("office", k=1)
