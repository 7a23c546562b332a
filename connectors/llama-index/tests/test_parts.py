"""Our parts by themselves: what they give, async and streaming, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core import PromptTemplate, SimpleDirectoryReader
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, ToolCallBlock
from llama_index.core.schema import Document, NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import FunctionTool
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from llama_index_ragbraid import (
    RagbraidChatEngine,
    RagbraidEmbedding,
    RagbraidLLM,
    RagbraidNodeParser,
    RagbraidQueryEngine,
    RagbraidReader,
    RagbraidReranker,
    RagbraidRetriever,
    answer_of,
    as_node,
    hit_of_node,
)
from parts import FAKES, HASH, project, scripted
from pydantic import BaseModel

from ragbraid import InputError, Pipeline, PipelineFileError
from ragbraid.errors import LoadError

QUESTION = "How many days of holiday are there?"
GERMAN = MetadataFilters(filters=[MetadataFilter(key="lang", value="de")])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("project"))


async def test_a_query_engine_answers_as_the_pipeline_does(file: Path) -> None:
    engine = RagbraidQueryEngine(file)
    response = engine.query(QUESTION)
    with Pipeline.load(file) as pipeline:
        answer = pipeline.ask(QUESTION)
        assert answer_of(response) == answer
        assert [hit_of_node(each) for each in response.source_nodes] == list(answer.hits)
        found = RagbraidRetriever(file, similarity_top_k=1)
        assert found.retrieve(QUESTION) == [as_node(each) for each in pipeline.search(QUESTION, 1)]
        assert await found.aretrieve(QUESTION) == found.retrieve(QUESTION)
        assert engine.retrieve(QueryBundle(QUESTION)) == [as_node(each) for each in pipeline.search(QUESTION)]
    assert answer_of(await engine.aquery(QUESTION)) == answer
    (german,) = RagbraidRetriever(file, filters=GERMAN).retrieve("zweite Klasse")
    assert german.node.ref_doc_id == "docs/reise.md"
    assert "ragbraid" not in german.node.get_content("llm")
    engine.close()


async def test_a_stream_ends_in_the_same_answer(file: Path) -> None:
    engine = RagbraidQueryEngine(file, streaming=True)
    whole = answer_of(RagbraidQueryEngine(file).query(QUESTION))
    streamed = engine.query(QUESTION)
    assert "".join(streamed.response_gen) == streamed.get_response().response == whole.text
    assert answer_of(streamed) == whole
    again = await engine.aquery(QUESTION)
    assert (await again.get_response()).response == whole.text
    assert answer_of(await again.get_response()) == whole


async def test_a_chat_engine_keeps_the_turns(file: Path) -> None:
    engine = RagbraidChatEngine(file)
    first = engine.chat(QUESTION)
    assert answer_of(first).citations[0].source == "docs/leave.md"
    streamed = engine.stream_chat(QUESTION)
    assert "".join(streamed.response_gen) == str(first)
    assert streamed.source_nodes == first.source_nodes
    assert streamed.metadata == first.metadata
    assert str(await engine.achat(QUESTION)) == str(first)
    again = await engine.astream_chat(QUESTION)
    assert "".join([each async for each in again.async_response_gen()]) == str(first)
    assert again.source_nodes == first.source_nodes
    assert [each.role.value for each in engine.chat_history] == ["user", "assistant"] * 4
    assert engine.chat_history[-1].content == str(first)
    engine.reset()
    assert engine.chat_history == []
    assert str(engine.chat(QUESTION, [ChatMessage(role="user", content="Hi")])) == str(first)
    assert len(engine.chat_history) == 3


async def test_an_embedding_gives_unit_vectors_and_batches() -> None:
    model = RagbraidEmbedding(scripted(), "hash")
    texts = ["One barn.", "Two barns."]
    assert model.get_text_embedding_batch(texts) == [model.get_text_embedding(each) for each in texts]
    assert await model.aget_text_embedding_batch(texts) == model.get_text_embedding_batch(texts)
    assert await model.aget_query_embedding("barn") == model.get_query_embedding("barn")
    assert sum(each * each for each in model.get_query_embedding("barn")) == pytest.approx(1)
    with pytest.raises(InputError, match="no component 'hsh'"):
        RagbraidEmbedding(scripted(), "hsh").get_query_embedding("x")
    with pytest.raises(PipelineFileError, match="code of its own"):
        RagbraidEmbedding(component=HASH).get_query_embedding("x")


async def test_a_model_completes_chats_and_streams() -> None:
    llm = RagbraidLLM(scripted(*["one two three"] * 8), "script")
    messages = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="Hi")]
    assert llm.metadata.is_chat_model
    assert llm.metadata.context_window == 4096
    assert llm.complete("Hi").text == (await llm.acomplete("Hi")).text == "one two three"
    assert llm.chat(messages).message.content == "one two three"
    assert (await llm.achat(messages)).raw["usage"]["completion_tokens"] == 3
    for pieces in (
        list(llm.stream_complete("Hi")),
        [each async for each in await llm.astream_complete("Hi")],
    ):
        assert [each.delta for each in pieces] == ["one", " two", " three", ""]
        assert pieces[-1].text == "one two three"
    for replies in (
        list(llm.stream_chat(messages)),
        [each async for each in await llm.astream_chat(messages)],
    ):
        assert "".join(each.delta or "" for each in replies) == replies[-1].message.content == "one two three"
    for given, said in (
        ({"max_token": 1}, "no setting 'max_token'"),
        ({"regex": "a", "quotes": ["a"]}, "held to one"),
    ):
        with pytest.raises(InputError, match=said):
            llm.complete("Hi", **given)
    with pytest.raises(InputError, match="read text alone"):
        llm.chat([ChatMessage(role="user", blocks=[ImageBlock(url="http://x/y.png")])])


def add(a: int) -> int:
    """Adds one."""
    return a + 1


ADD = FunctionTool.from_defaults(add)
SAID = '{"name": "add", "arguments": {"a": 1}}'


async def test_a_model_calls_tools_or_replies() -> None:
    llm = RagbraidLLM(scripted(*[SAID] * 5, '{"reply": "No need."}', '{"reply": "Two."}'), "script")
    assert llm.metadata.is_function_calling_model
    first = llm.chat_with_tools([ADD], "Add one.", tool_required=True)
    (call,) = llm.get_tool_calls_from_response(first)
    assert (call.tool_name, call.tool_kwargs, first.message.content) == ("add", {"a": 1}, None)
    again = await llm.achat_with_tools([ADD], "Add one.")
    assert again.message.blocks[0].tool_kwargs == {"a": 1}
    *_, last = llm.stream_chat_with_tools([ADD], "Add one.")
    assert [each.tool_name for each in llm.get_tool_calls_from_response(last)] == ["add"]
    assert llm.predict_and_call([ADD], "Add one.").response == "2"
    *_, late = [each async for each in await llm.astream_chat_with_tools([ADD], "Add one.")]
    assert late.message.blocks[0].tool_name == "add"
    (said,) = list(llm.stream_chat_with_tools([ADD], "Hi."))
    assert (said.message.content, said.delta) == ("No need.", "No need.")
    gave = ChatMessage(role="tool", content="2", additional_kwargs={"tool_call_id": call.tool_id})
    history = [ChatMessage(content="Add one."), first.message, gave]
    reply = llm.chat_with_tools([ADD], chat_history=history)
    assert reply.message.content == "Two."
    assert llm.get_tool_calls_from_response(reply, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match="called no tool"):
        llm.get_tool_calls_from_response(reply)


def test_what_a_call_of_tools_cant_be_is_refused() -> None:
    llm = RagbraidLLM(scripted("x"), "script")
    with pytest.raises(InputError, match="no such tool"):
        llm.chat_with_tools([ADD], "Hi", tool_choice="sub")
    with pytest.raises(InputError, match="held to anything else"):
        llm.chat_with_tools([ADD], "Hi", regex="a")
    broken = ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_name="add", tool_kwargs="[")])
    with pytest.raises(InputError, match="no JSON object"):
        llm.chat([broken])
    assert llm.chat_with_tools([ADD], "Hi", tool_choice="none").message.content == "x"


class Holiday(BaseModel):
    days: int


async def test_a_structured_answer_fits_its_class() -> None:
    llm = RagbraidLLM(scripted('{"days": 27}', '{"days": 28}'), "script")
    prompt = PromptTemplate("How many days of {what}?")
    assert llm.structured_predict(Holiday, prompt, what="holiday") == Holiday(days=27)
    assert await llm.astructured_predict(Holiday, prompt, what="holiday") == Holiday(days=28)


def test_an_answer_is_held_to_quotes() -> None:
    echo = {"type": "ragbraid.testing.echo_generator:EchoGenerator"}
    llm = RagbraidLLM(Pipeline.build(components={"echo": echo}, flows={}, allow=FAKES))
    assert llm.complete("Hi", quotes=["27 days of paid holiday"]).text == "27 days of paid holiday"


async def test_a_reranker_scores_and_leaves_foreign_metadata_alone(file: Path) -> None:
    reranker = RagbraidReranker({"type": "bigrams"})
    texts = ["Nothing.", "Trains are booked in second class.", "In second class."]
    nodes = [
        NodeWithScore(node=TextNode(id_=str(at), text=each, metadata={"at": at}, embedding=[1.0]), score=0.5)
        for at, each in enumerate(texts)
    ]
    found = reranker.postprocess_nodes([*nodes, nodes[0]], query_str="trains in second class")
    assert found[-1].node == nodes[0].node
    assert len(found) == 3
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert await reranker.apostprocess_nodes(nodes, query_str="trains in second class") == found
    top = RagbraidReranker({"type": "bigrams"}, top_n=1)
    assert top.postprocess_nodes(nodes, query_str="trains in second class") == found[:1]
    assert top.postprocess_nodes([], query_str="x") == []
    ours = RagbraidRetriever(file, similarity_top_k=1).retrieve(QUESTION)
    (again,) = reranker.postprocess_nodes(ours, query_str=QUESTION)
    assert again.node.metadata["ragbraid"]["scores"].keys() == {"lexical", "bigrams"}
    with pytest.raises(InputError, match="ranked for a query"):
        reranker.postprocess_nodes(nodes)


async def test_a_node_parser_places_nodes_even_among_repeats() -> None:
    text = "First barn. " * 30 + "\n\n" + "First barn. " * 30
    parser = RagbraidNodeParser({"type": "recursive-splitter", "max_tokens": 40})
    given = Document(id_="d", text=text, metadata={"lang": "en"})
    nodes = parser.get_nodes_from_documents([given, Document(text=" ")])
    assert len(nodes) > 2
    for each in nodes:
        assert text[each.start_char_idx : each.end_char_idx] == each.get_content()
        assert (each.ref_doc_id, each.metadata["lang"]) == ("d", "en")
    assert [each.start_char_idx for each in nodes] == sorted({each.start_char_idx for each in nodes})
    assert nodes[0].next_node.node_id == nodes[1].node_id
    again = await parser.aget_nodes_from_documents([given])
    assert [each.get_content() for each in again] == [each.get_content() for each in nodes]


def test_a_reader_reads_files_and_folders(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = RagbraidReader()
    found = reader.load_data(file.parent / "docs", extra_info={"team": "a"})
    assert {each.metadata["team"] for each in found} == {"a"}
    assert len(found) == 3
    (tmp_path / "b.pdf").write_bytes(b"no PDF")
    (tmp_path / "c.html").write_text("<h1>One</h1>")
    (read,) = reader.load_data([tmp_path])
    assert read.text.strip() == "# One"
    assert "b.pdf" in caplog.text
    with pytest.raises(LoadError, match=r"b\.pdf"):
        RagbraidReader(raise_on_failure=True).load_data([tmp_path])
    (theirs,) = SimpleDirectoryReader(
        input_files=[tmp_path / "c.html"], file_extractor={".html": reader}
    ).load_data()
    assert theirs.text.strip() == "# One"


@pytest.mark.parametrize("version", ["0.13.9", "0.15.0"])
def test_a_version_that_was_not_tested_warns(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib
    import importlib.metadata

    import llama_index_ragbraid

    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    with pytest.warns(UserWarning, match=rf"llama-index-core from 0\.14 .* 0\.15; this is {version}") as told:
        importlib.reload(llama_index_ragbraid)
    assert len(told) == 1


def test_parts_go_through_their_own_serialisation() -> None:
    made: list[Any] = [
        RagbraidEmbedding("ragbraid.yaml", "embedder"),
        RagbraidLLM(component={"type": "local", "threads": 1}, max_tokens=3),
        RagbraidReranker({"type": "bigrams"}, top_n=2),
        RagbraidNodeParser({"type": "recursive-splitter", "max_tokens": 30}),
        RagbraidReader({"ocr": "off"}),
    ]
    for each in made:
        assert type(each).from_dict(each.to_dict()).to_dict() == each.to_dict()
