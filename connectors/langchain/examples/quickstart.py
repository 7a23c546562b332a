"""LangChain's RAG quickstart, with store, embeddings and model on this machine: no key, no server.

Loader, splitter, `add_documents`, `similarity_search`, a prompt and a model, in the calls of LangChain's own
tutorial. Run it in any folder: `python quickstart.py`.
"""

import sys
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_ragbraid import ChatRagbraid, RagbraidEmbeddings, RagbraidTextSplitter, RagbraidVectorStore

DOCUMENTS = [
    Document(page_content="The office opens at nine. It closes at five.", metadata={"source": "office.md"}),
    Document(page_content="The rent is due on the first Friday of a month.", metadata={"source": "rent.md"}),
]
QUESTION = "When is the rent due?"


def main(folder: str) -> tuple[list[Document], str]:
    """The passages found for the question, and the answer made of them."""
    embeddings = RagbraidEmbeddings(component={"type": "sentence-transformer", "model": "all-minilm-l6-v2"})
    model = ChatRagbraid(model="smollm2-135m-instruct", max_tokens=64)
    store = RagbraidVectorStore(embeddings, Path(folder) / "store")
    store.add_documents(documents=RagbraidTextSplitter().split_documents(DOCUMENTS))

    prompt = ChatPromptTemplate.from_template(
        "Answer from the context in one sentence.\nContext: {context}\nQuestion: {question}"
    )

    def told(found: list[Document]) -> str:
        return "\n".join(each.page_content for each in found)

    retriever = store.as_retriever(search_kwargs={"k": 1})
    chain = (
        {"context": retriever | told, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()
    )
    found = store.similarity_search(QUESTION, k=1)
    answer = chain.invoke(QUESTION)
    model.close()
    store.close()
    return found, answer


if __name__ == "__main__":
    passages, text = main(sys.argv[1] if len(sys.argv) > 1 else ".")
    print(passages[0].metadata["source"], text, sep="\n")
