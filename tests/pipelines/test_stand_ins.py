"""Every shipped pipeline runs, from files to a cited answer, with tiny models of random weights in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from openai_server import saying, serving
from ragbraid import Pipeline
from ragbraid.types import Answer, Message
from tiny_bitnet import make_bitnet
from tiny_models import make_cross_encoder, make_tiny
from tiny_neox import make_neox
from tiny_openmoe import make_openmoe

FILES = sorted((Path(__file__).resolve().parents[2] / "pipelines").glob("*.yaml"))
DOCUMENTS = {
    "leave.md": "# Leave\n\nParental leave is 14 months, shared between both parents. Tell us early.\n",
    "travel.md": "# Travel\n\nTrains are booked in second class. Flights need consent.\n",
    "reisen.md": "# Reisen\n\nZüge werden in der zweiten Klasse gebucht. Flüge brauchen eine Erlaubnis.\n",
}
QUESTION = "How long is parental leave?"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "all-minilm-l6-v2": make_tiny(folder / "bert", length=256),
        "granite-embedding-97m-multilingual-r2": make_tiny(
            folder / "modernbert", model_type="modernbert", pooling="cls_token", length=512
        ),
        "qwen3-embedding-0.6b": make_tiny(
            folder / "qwen3", model_type="qwen3", pooling="lasttoken", length=512
        ),
        "cross-encoder": make_cross_encoder(folder / "cross"),
        "EleutherAI/pythia-160m": make_neox(folder / "neox", context=4096),
        "microsoft/bitnet-b1.58-2B-4T": make_bitnet(folder / "bitnet", context=4096),
        "OrionZheng/openmoe-8b": make_openmoe(folder / "openmoe"),
    }


class Server:
    """What the generator's server was asked, and what it says to all of it."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    def __call__(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        self.asked.append(body)
        self.keys.append(handler.headers["Authorization"])
        named = re.search(r"\[(\d)\][^\[]*Parental leave is", body["messages"][-1]["content"])
        saying("Parental leave", f" is 14 months [{named[1] if named else 1}].")(handler, body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    with serving(made) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        yield made


def stand_ins(file: Path, models: dict[str, Path]) -> dict[str, Any]:
    """Overrides that put a small model in the place of each that the file names."""
    data = yaml.safe_load(file.read_text("utf-8"))
    named = {f"components.{name}": each for name, each in data["components"].items()}
    for flow in ("search", "ask"):
        named |= {f"{flow}.{step['type']}": step for step in data[flow] if "type" in step}
    found: dict[str, Any] = {}
    for key, each in named.items():
        match each["type"]:
            case "sentence-transformer":
                found[f"{key}.model"] = str(models[each["model"]])
            case "cross-encoder":
                found[f"{key}.model"] = str(models["cross-encoder"])
            case "transformers" | "bitnet" | "openmoe":
                found[f"{key}.model"] = str(models[each["model"]])
                found[f"{key}.context_tokens"] = 4096  # a token is a letter
            case "local" if file.name == "agent.yaml":
                chosen = ['{"name": "as_asked", "arguments": {}}', '{"reply": "done"}']
                found[key] = {"type": "ragbraid.testing.fakes:ScriptedGenerator", "answers": chosen}
            case "local":
                found[key] = {"type": "testing/echo-generator"}
            case "quote" if "embedder" in each:
                found[f"{key}.abstain"] = "never"  # random weights are sure of nothing
        if each.get("device") == "cuda":
            found[f"{key}.device"] = "auto"
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (tmp_path / "docs" / name).write_text(text, "utf-8")
    return tmp_path


def load(name: str, folder: Path, models: dict[str, Path], **more: Any) -> Pipeline:
    file = next(each for each in FILES if each.name == name)
    copy = shutil.copy(file, folder / "ragbraid.yaml")
    given = {**stand_ins(file, models), **more}
    pipeline = Pipeline.load(copy, set=given, allow=["ragbraid.testing"])
    assert pipeline.ingest(folder / "docs").new == len(DOCUMENTS)
    return pipeline


def verify(answer: Answer) -> None:
    assert answer.citations
    assert not answer.abstained
    for each in answer.citations:
        assert each.quote == DOCUMENTS[each.source.removeprefix("docs/")][each.start : each.end] != ""


@pytest.mark.parametrize("name", [file.name for file in FILES])
def test_answers_with_verified_citations(
    name: str, folder: Path, models: dict[str, Path], server: Server
) -> None:
    with load(name, folder, models) as pipeline:
        hits = pipeline.search(QUESTION, 2)
        assert 1 <= len(hits) <= 2
        verify(pipeline.ask(QUESTION))
        assert (folder / ".ragbraid").is_dir()


def test_without_a_model_words_find_the_sentence(folder: Path) -> None:
    with load("lexical.yaml", folder, {}) as pipeline:
        assert pipeline.ask(QUESTION).citations[0].quote.startswith("Parental leave is 14 months")
        assert pipeline.ask("In welcher Klasse werden Züge gebucht?").text.startswith("Züge werden")
        assert pipeline.ask("Who wrote Faust?").abstained


def test_a_chat_tells_the_model_what_was_said_before(
    folder: Path, models: dict[str, Path], server: Server
) -> None:
    before = ["Who may take leave?", "Every parent."]
    history = [Message("user", before[0]), Message("assistant", before[1])]
    generator = {"type": "openai", "base_url": os.environ["OPENAI_BASE_URL"], "model": "m"}
    with load("chat.yaml", folder, models, **{"components.generator": generator}) as pipeline:
        verify(pipeline.run("chat", question="How long is it?", history=history))
        *_, last = pipeline.stream("How long is it?", flow="chat", history=history)
        verify(last.value)
    assert len(server.asked) == 2
    for asked in server.asked:
        assert [each["content"] for each in asked["messages"][1:3]] == before


def test_the_server_is_named_by_variables_and_the_key_is_not_shown(
    folder: Path, models: dict[str, Path], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0-secret")
    monkeypatch.setenv("OPENAI_MODEL", "a-model")
    with load("openai-server.yaml", folder, models) as pipeline:
        answer = pipeline.ask(QUESTION)
        assert "sk-0-secret" not in repr(answer) + repr(pipeline)
    assert re.fullmatch(r"Parental leave is 14 months \[\d\]\.", answer.text)
    assert server.keys == ["Bearer sk-0-secret"]
    assert server.asked[0]["model"] == "a-model"
    assert "Parental leave is 14 months, shared" in server.asked[0]["messages"][-1]["content"]


def test_without_a_key_none_is_sent(
    folder: Path, models: dict[str, Path], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with load("openai-server.yaml", folder, models) as pipeline:
        verify(pipeline.ask(QUESTION))
    assert server.keys == [None]


def test_a_table_beside_documents_is_found_by_its_records(folder: Path, models: dict[str, Path]) -> None:
    with load("tables.yaml", folder, models) as pipeline:
        (folder / "docs/engines.csv").write_text("name,year\nSteam engine,1712\nJet engine,1930\n", "utf-8")
        assert pipeline.ingest(folder / "docs").new == 1
        (hit,) = pipeline.search("engine", filter={"year": {"$gte": 1900}})
        assert (hit.source, hit.text) == ("docs/engines.csv#row=3", "name: Jet engine\nyear: 1930")
