"""LangChain's side: the chain of its RAG tutorial (retriever | prompt | model | parser)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import work
from langchain_core.callbacks import CallbackManagerForLLMRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models.llms import LLM
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough


class StubEmbeddings(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [work.embed(text).tolist() for text in texts]

    def embed_query(self, text: str) -> Any:
        return work.embed(text)


class ListRetriever(BaseRetriever):
    embeddings: Any

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = work.search(self.embeddings.embed_query(query), work.K)
        return [Document(page_content=work.TEXTS[row], metadata={"score": score}) for row, score in found]


class StubModel(LLM):
    @property
    def _llm_type(self) -> str:
        return "stub"

    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        return work.generate(prompt)


def _join(documents: list[Document]) -> str:
    return work.join([each.page_content for each in documents])


def _same(documents: list[Document]) -> list[Document]:
    return documents


def _chain(retriever: Runnable[str, list[Document]], extra: int) -> Callable[[str], str]:
    context: Any = retriever
    for _ in range(extra):
        context = context | RunnableLambda(_same)
    prompt = PromptTemplate.from_template(work.prompt("{question}", ["{context}"]))
    inputs: Any = {"context": context | _join, "question": RunnablePassthrough()}
    chain: Runnable[str, str] = inputs | prompt | StubModel() | StrOutputParser()
    return chain.invoke


def over_list(extra: int) -> Callable[[str], str]:
    return _chain(ListRetriever(embeddings=StubEmbeddings()), extra)


def over_index() -> Callable[[str], str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.vectorstores import FAISS

    store = FAISS.from_texts(work.TEXTS, StubEmbeddings())
    return _chain(store.as_retriever(search_kwargs={"k": work.K}), 0)
