"""LlamaIndex's own engines over our parts: index, ingestion, query and chat engines, workflow, agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, ReActAgent
from llama_index.core.chat_engine import CondensePlusContextChatEngine
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step
from llama_index_ragbraid import (
    Answered,
    Question,
    RagbraidChatEngine,
    RagbraidEmbedding,
    RagbraidLLM,
    RagbraidNodeParser,
    RagbraidQueryEngine,
    RagbraidReranker,
    RagbraidRetriever,
    RagbraidStep,
    RagbraidVectorStore,
    answer_of,
    ragbraid_tool,
)
from parts import ECHO, FAKES, project, scripted

from ragbraid import Pipeline

QUESTION = "How many days of holiday are there?"
TEXTS = ["Every employee has 27 days of paid holiday a year.", "Trains are booked in second class."]


def index_over(store: RagbraidVectorStore) -> VectorStoreIndex:
    documents = [Document(id_=f"doc-{at}", text=each, metadata={"at": at}) for at, each in enumerate(TEXTS)]
    return VectorStoreIndex.from_documents(
        documents,
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=RagbraidEmbedding(scripted(), "hash"),
        transformations=[RagbraidNodeParser()],
    )


async def test_a_vector_store_index_retrieves_deletes_and_opens_again(tmp_path: Path) -> None:
    store = RagbraidVectorStore(tmp_path, dimensions=64)
    index = index_over(store)
    (found,) = index.as_retriever(similarity_top_k=1).retrieve("days of holiday")
    assert found.node.get_content() == TEXTS[0]
    assert found.node.ref_doc_id == "doc-0"
    assert (found.node.start_char_idx, found.node.end_char_idx) == (0, len(TEXTS[0]))
    assert await index.as_retriever(similarity_top_k=1).aretrieve("days of holiday") == [found]
    index.delete_ref_doc("doc-0")
    again = VectorStoreIndex.from_vector_store(
        RagbraidVectorStore(tmp_path, dimensions=64), embed_model=RagbraidEmbedding(scripted(), "hash")
    )
    assert [each.node.get_content() for each in again.as_retriever().retrieve("holiday")] == TEXTS[1:]
    again.insert(Document(id_="doc-2", text="A meal allowance of 28 euros."))
    assert len(store.get_nodes()) == 2


def test_an_ingestion_pipeline_writes_what_changed(tmp_path: Path) -> None:
    store = RagbraidVectorStore(tmp_path, dimensions=64)
    pipeline = IngestionPipeline(
        transformations=[RagbraidNodeParser(), RagbraidEmbedding(scripted(), "hash")],
        vector_store=store,
        docstore=SimpleDocumentStore(),
        docstore_strategy=DocstoreStrategy.UPSERTS,
    )
    pipeline.run(documents=[Document(id_="a", text=TEXTS[0]), Document(id_="b", text=TEXTS[1])])
    assert pipeline.run(documents=[Document(id_="a", text=TEXTS[0])]) == []
    pipeline.run(documents=[Document(id_="a", text="Every employee has 30 days.")])
    assert {each.get_content() for each in store.get_nodes()} == {"Every employee has 30 days.", TEXTS[1]}


def test_a_retriever_query_engine_over_each_of_our_parts(tmp_path: Path) -> None:
    llm = RagbraidLLM(scripted("27 days.", "27 again."), "script")
    over_store = RetrieverQueryEngine.from_args(
        index_over(RagbraidVectorStore(tmp_path / "store", dimensions=64)).as_retriever(),
        llm=llm,
        node_postprocessors=[RagbraidReranker({"type": "bigrams"}, top_n=1)],
    )
    response = over_store.query("27 days of paid holiday")
    assert str(response) == "27 days."
    assert [each.node.get_content() for each in response.source_nodes] == TEXTS[:1]
    over_search = RetrieverQueryEngine.from_args(
        RagbraidRetriever(project(tmp_path)), llm=llm, streaming=True
    )
    streamed = over_search.query(QUESTION)
    assert "".join(streamed.response_gen) == "27 again."
    assert streamed.source_nodes[0].node.ref_doc_id == "docs/leave.md"


def test_a_chat_engine_of_theirs_condenses_and_answers(tmp_path: Path) -> None:
    llm = RagbraidLLM(scripted("27 days.", "How many days?", "Still 27."), "script")
    engine = CondensePlusContextChatEngine.from_defaults(
        RagbraidRetriever(project(tmp_path), similarity_top_k=1),
        llm=llm,
        memory=ChatMemoryBuffer(token_limit=3000),
    )
    assert str(engine.chat(QUESTION)) == "27 days."
    again = engine.chat("And again?")
    assert str(again) == "Still 27."
    assert again.source_nodes[0].node.ref_doc_id == "docs/leave.md"


def test_a_stream_says_that_it_abstains(tmp_path: Path) -> None:
    with Pipeline.build(
        components={"index": {"type": "faiss", "path": str(tmp_path / "index")}},
        ingest=[{"type": "files"}, {"type": "recursive-splitter"}, "index"],
        search=[{"type": "lexical", "index": "index"}],
        ask=["search", {"type": "compose", "generator": ECHO}],
        allow=FAKES,
    ) as pipeline:
        (tmp_path / "travel.md").write_text(TEXTS[1], "utf-8")
        pipeline.ingest(tmp_path / "travel.md")
        said = pipeline.ask("Napoleon?")
        assert said.abstained
        streamed = RagbraidQueryEngine(pipeline, streaming=True).query("Napoleon?")
        assert "".join(streamed.response_gen) == said.text
        engine = RagbraidChatEngine(pipeline)
        assert "".join(engine.stream_chat("Napoleon?").response_gen) == said.text
        assert engine.chat_history[-1].content == said.text


class Flow(RagbraidStep, Workflow):
    @step
    async def begin(self, event: StartEvent) -> Question:
        return Question(query=event.query)

    @step
    async def end(self, event: Answered) -> StopEvent:
        return StopEvent(result=event.response)


async def test_a_workflow_asks_the_pipeline(tmp_path: Path) -> None:
    flow = Flow(timeout=30)
    flow.pipeline = project(tmp_path)
    response = await flow.run(query=QUESTION)
    with Pipeline.load(flow.pipeline) as pipeline:
        assert answer_of(response) == pipeline.ask(QUESTION)


@pytest.mark.filterwarnings("ignore:is_running called:DeprecationWarning")  # by LlamaIndex itself
async def test_an_agent_workflow_calls_the_pipeline_and_cites(tmp_path: Path) -> None:
    call = f'Thought: I look it up.\nAction: ask_documents\nAction Input: {{"query": "{QUESTION}"}}'
    final = "Thought: I can answer.\nAnswer: There are 27 days [1] docs/leave.md."
    agent = ReActAgent(
        tools=[ragbraid_tool(project(tmp_path))],
        llm=RagbraidLLM(scripted(call, final), "script"),
        streaming=False,
    )
    handler = AgentWorkflow(agents=[agent]).run(user_msg=QUESTION)
    told = [each async for each in handler.stream_events() if type(each).__name__ == "ToolCallResult"]
    assert str(await handler) == "There are 27 days [1] docs/leave.md."
    assert "27 days of paid holiday a year.\n\nSources:\n[1] docs/leave.md:5" in str(told[0].tool_output)


async def test_a_tool_tells_the_same_async(tmp_path: Path) -> None:
    tool = ragbraid_tool(project(tmp_path))
    assert (await tool.acall(query=QUESTION)).content == tool.call(query=QUESTION).content
    assert list(tool.metadata.get_parameters_dict()["properties"]) == ["query"]
