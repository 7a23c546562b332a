"""Our parts in Haystack's pipelines: what they give, through YAML, async and streaming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.core.errors import SerializationError
from haystack.dataclasses import ByteStream, ChatMessage, StreamingChunk, ToolCall
from haystack.tools import Tool
from haystack_integrations.common.ragbraid import answer_of, as_document, hit_of_document
from haystack_integrations.components.converters.ragbraid import RagbraidFileToDocument
from haystack_integrations.components.embedders.ragbraid import (
    RagbraidDocumentEmbedder,
    RagbraidTextEmbedder,
)
from haystack_integrations.components.generators.ragbraid import RagbraidChatGenerator
from haystack_integrations.components.pipelines.ragbraid import RagbraidPipeline, RagbraidSearch
from haystack_integrations.components.preprocessors.ragbraid import RagbraidSplitter
from haystack_integrations.components.rankers.ragbraid import RagbraidRanker
from parts import FAKES, HASH, project, scripted

from ragbraid import InputError, PipelineFileError
from ragbraid import Pipeline as Ragbraid
from ragbraid.errors import LoadError

ECHO = "type: ragbraid.testing.echo_generator:EchoGenerator"
QUESTION = "How many days of holiday are there?"
GERMAN = {"field": "meta.lang", "operator": "==", "value": "de"}
ADD = Tool("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}}, lambda a: a)


def heard() -> tuple[list[StreamingChunk], Any]:
    chunks: list[StreamingChunk] = []
    return chunks, chunks.append


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("project"))


def test_a_whole_pipeline_answers_as_it_does_by_itself(file: Path) -> None:
    pipeline = RagbraidPipeline(file)
    given = pipeline.run(QUESTION)
    with Ragbraid.load(file) as ours:
        answer = ours.ask(QUESTION)
        assert answer_of(given["answers"][0]) == answer
        assert [hit_of_document(each) for each in given["documents"]] == list(answer.hits)
        assert RagbraidSearch(file, top_k=1).run(QUESTION)["documents"] == [
            as_document(each) for each in ours.search(QUESTION, 1)
        ]
    assert given["answers"][0].meta["ragbraid"]["citations"][0]["source"] == "docs/leave.md"
    pipeline.close()


async def test_a_stream_ends_in_the_same_answer_also_async(file: Path) -> None:
    pipeline, (chunks, hear) = RagbraidPipeline(file), heard()
    whole = pipeline.run(QUESTION)
    assert pipeline.run(QUESTION, streaming_callback=hear) == whole
    assert "".join(each.content for each in chunks) == whole["answers"][0].data
    again: list[StreamingChunk] = []

    async def hear_async(chunk: StreamingChunk) -> None:
        again.append(chunk)

    assert await pipeline.run_async(QUESTION, streaming_callback=hear_async) == whole
    assert again == chunks
    assert await pipeline.run_async(QUESTION) == whole
    assert (await RagbraidSearch(file).run_async(QUESTION)) == RagbraidSearch(file).run(QUESTION)


def test_a_callback_hears_that_a_pipeline_abstains(file: Path) -> None:
    written = file.read_text("utf-8").replace("{type: quote}", f"{{type: compose, generator: {{{ECHO}}}}}")
    composing = file.with_name("composing.yaml")  # over the same index
    composing.write_text(written, "utf-8")
    with Ragbraid.load(composing, allow=FAKES) as ours:
        chunks, hear = heard()
        (answer,) = RagbraidPipeline(ours).run("Napoleon?", streaming_callback=hear)["answers"]
    assert answer.meta["ragbraid"]["abstained"]
    assert "".join(each.content for each in chunks) == answer.data != ""


def test_filters_are_haystacks_or_our_own(file: Path) -> None:
    search = RagbraidSearch(file, filters={"year": {"$gte": 2021}}, filter_policy="merge")
    for filters in (GERMAN, {"lang": "de"}):
        (found,) = RagbraidSearch(file).run("second class Klasse", filters=filters)["documents"]
        assert found.meta["source"] == "docs/reise.md"
    assert {each.meta["year"] for each in search.run("employee Klasse trains")["documents"]} == {2024}
    answer = RagbraidPipeline(file, filters=GERMAN).run("zweite Klasse")["answers"][0]
    assert answer.meta["ragbraid"]["citations"][0]["source"] == "docs/reise.md"


def test_all_of_them_go_through_yaml(file: Path, tmp_path: Path) -> None:
    pipeline = Pipeline()
    pipeline.add_component("whole", RagbraidPipeline(file, timeout=30.0))
    pipeline.add_component("search", RagbraidSearch(file, top_k=2, filters=GERMAN))
    pipeline.add_component("ranker", RagbraidRanker({"type": "bigrams"}, top_k=1))
    pipeline.add_component("splitter", RagbraidSplitter({"type": "recursive-splitter", "max_tokens": 50}))
    pipeline.add_component("text", RagbraidTextEmbedder(file, "embedder"))
    pipeline.add_component("documents", RagbraidDocumentEmbedder(meta_fields_to_embed=["title"]))
    pipeline.add_component("converter", RagbraidFileToDocument({"ocr": "off"}))
    pipeline.add_component(
        "llm",
        RagbraidChatGenerator(
            component={"type": "local", "threads": 1},
            generation_kwargs={"max_tokens": 3},
            streaming_callback=print,
        ),
    )
    pipeline.connect("search", "ranker.documents")
    path = tmp_path / "pipeline.yaml"
    with path.open("w") as target:
        pipeline.dump(target)
    with path.open() as source:
        again = Pipeline.load(source)
    assert again.dumps() == pipeline.dumps()
    ranked = again.get_component("ranker").run(
        "zweite Klasse", again.get_component("search").run("Klasse")["documents"]
    )
    assert [each.meta["source"] for each in ranked["documents"]] == ["docs/reise.md"]


def test_a_haystack_file_cannot_make_ragbraid_run_code() -> None:
    with pytest.raises(PipelineFileError, match="code of its own"):
        RagbraidTextEmbedder(component=HASH).run("one")
    with pytest.raises(SerializationError, match="name its file instead"):
        RagbraidTextEmbedder(scripted(), "hash").to_dict()


async def test_embedders_share_what_is_open_and_keep_documents_as_they_are() -> None:
    open_pipeline = scripted()
    texts, documents = (
        RagbraidTextEmbedder(open_pipeline, "hash"),
        RagbraidDocumentEmbedder(open_pipeline, "hash"),
    )
    texts.warm_up()
    documents.warm_up()
    given = [Document(id="a", content="One barn.", meta={"title": "Barns"}), Document(id="b", content="Two.")]
    found = documents.run(given)
    assert given[0].embedding is None
    assert [each.id for each in found["documents"]] == ["a", "b"]
    assert found["documents"][1].embedding == texts.run("Two.")["embedding"]
    assert await documents.run_async(given) == found
    assert await texts.run_async("Two.") == texts.run("Two.")
    titled = RagbraidDocumentEmbedder(open_pipeline, "hash", meta_fields_to_embed=["title"]).run(given)
    assert titled["documents"][0].embedding == texts.run("Barns\nOne barn.")["embedding"]
    assert documents.run([])["documents"] == []
    for embedder, wrong in ((texts, given), (documents, "text")):
        with pytest.raises(TypeError, match="embed"):
            embedder.run(wrong)


async def test_a_splitter_places_chunks_and_they_become_ours_again() -> None:
    text = "# One\n\nFirst barn. " + "More of it. " * 40 + "\n\n# Two\n\nSecond barn."
    splitter = RagbraidSplitter({"type": "recursive-splitter", "max_tokens": 40})
    splitter.warm_up()
    given = Document(content=text, meta={"file_path": "barns.md", "n": {"k": [1]}})
    found = splitter.run([given, Document(content=" "), Document(content=None)])["documents"]
    assert len(found) > 2
    for number, each in enumerate(found):
        start = each.meta["split_idx_start"]
        assert text[start : start + len(str(each.content))] == each.content
        assert each.meta["split_id"] == number
        assert (each.meta["source_id"], each.meta["n"]) == (given.id, {"k": [1]})
    assert await splitter.run_async([given]) == splitter.run([given])
    splitter.close()


async def test_a_ranker_scores_and_leaves_foreign_meta_alone(file: Path) -> None:
    ranker = RagbraidRanker({"type": "bigrams"})
    texts = ("Nothing.", "Trains are booked in second class.", "In second class.")
    foreign = [
        Document(id=str(i), content=each, meta={"i": i}, embedding=[1.0]) for i, each in enumerate(texts)
    ]
    found = ranker.run("trains in second class", [*foreign, foreign[0]])["documents"]
    assert {each.id for each in found} == {"0", "1", "2"}
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert found[-1].id == "0"
    assert all(each.meta == {"i": int(each.id)} and each.embedding == [1.0] for each in found)
    assert await ranker.run_async("trains in second class", foreign) == {"documents": found}
    assert ranker.run("trains in second class", foreign, top_k=1)["documents"] == found[:1]
    assert ranker.run("x", []) == {"documents": []}
    (ours,) = RagbraidSearch(file, top_k=1).run(QUESTION)["documents"]
    (again,) = ranker.run(QUESTION, [ours])["documents"]
    assert again.meta["ragbraid"]["scores"].keys() == {"lexical", "bigrams"}
    with pytest.raises(ValueError, match="at least 1"):
        ranker.run("x", foreign, top_k=0)


async def test_a_converter_reads_files_folders_and_streams(tmp_path: Path, file: Path) -> None:
    converter = RagbraidFileToDocument()
    found = converter.run([file.parent / "docs"], meta={"team": "a"})["documents"]
    assert len(found) == 3
    assert {each.meta["team"] for each in found} == {"a"}
    stream = ByteStream(b"<h1>One</h1><p>Barn</p>", meta={"from": "mail"}, mime_type="text/html")
    (html,) = (await converter.run_async([stream]))["documents"]
    assert "# One" in str(html.content)
    assert html.meta["from"] == "mail"
    (tmp_path / "a.zzz").write_bytes(b"x")
    (tmp_path / "b.pdf").write_bytes(b"no PDF")
    (tmp_path / "c.txt").write_text("Read all the same.")
    (read,) = converter.run([tmp_path, tmp_path / "none", ByteStream(b"x")])["documents"]
    assert read.content == "Read all the same."
    with pytest.raises(LoadError, match="Nothing tells the format"):
        RagbraidFileToDocument(raise_on_failure=True).run([ByteStream(b"x")])


async def test_a_chat_generator_streams_what_it_replies() -> None:
    chunks, hear = heard()
    generator = RagbraidChatGenerator(scripted("one two three", "one two three", "four"), "script")
    reply = generator.run([ChatMessage.from_system("Be brief."), ChatMessage.from_user("Hi")], hear)[
        "replies"
    ][0]
    assert reply.text == "".join(each.content for each in chunks) == "one two three"
    assert chunks[-1].finish_reason == reply.meta["finish_reason"] == "stop"
    assert reply.meta["usage"]["completion_tokens"] == 3
    again: list[StreamingChunk] = []

    async def hear_async(chunk: StreamingChunk) -> None:
        again.append(chunk)

    assert (await generator.run_async("Hi", hear_async))["replies"][0].text == "one two three"
    assert [each.content for each in again] == [each.content for each in chunks]
    assert (await generator.run_async("Hi"))["replies"][0].text == "four"


def test_a_chat_generator_calls_tools() -> None:
    chunks, hear = heard()
    said = '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>'
    generator = RagbraidChatGenerator(scripted(said, said, "plain"), "script", tools=[ADD])
    call = ToolCall("add", {"a": 1}, id="call_0")
    reply = generator.run("Add one.")["replies"][0]
    assert (reply.tool_calls, reply.text, reply.meta["finish_reason"]) == ([call], None, "tool_calls")
    assert generator.run("Add one.", hear)["replies"] == [reply]
    assert [each.tool_calls[0].tool_name for each in chunks if each.tool_calls] == ["add"]
    assert "<tool_call>" not in "".join(each.content for each in chunks)
    history = [ChatMessage.from_user("Add."), reply, ChatMessage.from_tool("1", origin=call)]
    assert generator.run(history)["replies"][0].text == "plain"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_token": 1}, "no generation setting 'max_token'"),
        ({"regex": "a", "response_format": {"type": "object"}}, "held to one of"),
        ({"tool_choice": "sub"}, "no such tool"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        RagbraidChatGenerator(scripted("x"), tools=[ADD]).run("Hi", generation_kwargs=given)


def test_an_answer_is_held_to_what_was_asked_for(tmp_path: Path) -> None:
    open_pipeline = Ragbraid.build(
        components={"echo": {"type": "ragbraid.testing.echo_generator:EchoGenerator"}}, flows={}, allow=FAKES
    )
    generator = RagbraidChatGenerator(open_pipeline)
    quoted = generator.run("Hi", generation_kwargs={"quotes": ["27 days of paid holiday"]})["replies"][0]
    assert quoted.text == "27 days of paid holiday"


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no component 'embedr'"):
        RagbraidTextEmbedder(scripted(), "embedr").run("one")
    with pytest.raises(InputError, match=r"nothing\.yaml"):
        RagbraidPipeline("nothing.yaml").run("one?")
