"""The default pipeline as a service, with its real models: from an upload to a citation that opens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest
from served import ROOT, ended, events, site

from ragbraid.models.locate import locate
from small_model import smollm

pytestmark = pytest.mark.model
PAGES = {
    "leave.md": b"# Leave\n\nParents may take 14 months of leave, of which two are each parent's own.\n",
    "desks.md": b"# Desks\n\nA desk is booked for a day, by noon of the day before.\n",
    "travel.md": "# Travel\n\nHotels are paid up to 120 € a night.\n".encode(),
}
QUESTION = "How many months of leave may parents take?"


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    smollm()
    locate("all-minilm-l6-v2")
    file = tmp_path_factory.mktemp("served") / "ragbraid.yaml"
    shutil.copyfile(ROOT / "pipelines" / "local.yaml", file)
    with site(file) as made:
        begun = made.post("/api/ingest", files=[("files", (name, text)) for name, text in PAGES.items()])
        assert ended(made, begun.json())["state"] == "done"
        yield made


def test_an_upload_is_asked_about_and_its_citation_opens(http: httpx.Client) -> None:
    told = events(http.post("/api/ask", json={"question": QUESTION, "stream": True}).text)
    answer = told[-1][1]
    assert told[-1][0] == "answer"
    assert "".join(each["text"] for name, each in told if name == "delta") == answer["text"]
    assert not answer["abstained"]
    assert "14" in answer["short"]
    cited = answer["citations"][0]
    assert (cited["source"], cited["line"]) == ("uploads/leave.md", 3)
    marks = {"highlight": f"{cited['start']}-{cited['end']}"}
    opened = http.get(f"/api/documents/{cited['source']}", params=marks).json()
    assert opened["text"].encode() == PAGES["leave.md"]
    assert [(each["quote"], each["line"]) for each in opened["highlights"]] == [(cited["quote"], 3)]


def test_openais_own_client_asks_embeds_and_streams(http: httpx.Client) -> None:
    with openai.OpenAI(base_url=f"{http.base_url}/v1", api_key="unused", max_retries=0) as asking:
        stream = asking.chat.completions.create(
            model="ask", messages=[{"role": "user", "content": QUESTION}], stream=True
        )
        chunks = list(stream)
        vectors = asking.embeddings.create(model="ask", input=["parental leave", "time off for parents"])
    assert "14 months" in "".join(each.choices[0].delta.content or "" for each in chunks)
    (noted, *_) = chunks[-1].choices[0].delta.annotations  # type: ignore[attr-defined]
    assert http.get(noted["url_citation"]["url"]).json()["highlights"][0]["quote"]
    assert len(vectors.data[0].embedding) == 384
    ranked = http.post(
        "/v1/rerank", json={"model": "ask", "query": QUESTION, "documents": ["Desks", "Leave of parents"]}
    )
    assert ranked.json()["results"][0]["index"] == 1


@pytest.fixture(scope="module")
def landmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the pipelines that share an index."""
    smollm()
    locate("all-minilm-l6-v2")
    folder = tmp_path_factory.mktemp("landmarks")
    for name in ("chat", "router"):
        shutil.copyfile(ROOT / "pipelines" / f"{name}.yaml", folder / f"{name}.yaml")
    return folder


LANDMARKS = {
    "lake.md": b"# Lake Orrin\n\nLake Orrin lies at 1,240 metres. In winter it freezes for three months.\n",
    "tower.md": b"# Brenna Tower\n\nBrenna Tower is 62 metres high. It was built in 1911.\n",
}


@contextmanager
def over_landmarks(file: Path) -> Iterator[httpx.Client]:
    with site(file) as made:
        begun = made.post("/api/ingest", files=[("files", each) for each in LANDMARKS.items()])
        assert ended(made, begun.json())["state"] == "done"
        yield made


def test_earlier_messages_tell_what_a_follow_up_means(landmarks: Path) -> None:
    before = [
        {"role": "user", "content": "What is Brenna Tower?"},
        {"role": "assistant", "content": "Brenna Tower is a tower."},
    ]
    asked = {"role": "user", "content": "How high is it?"}
    with over_landmarks(landmarks / "chat.yaml") as made:
        alone, following = (
            made.post(
                "/v1/chat/completions", json={"model": "chat", "max_tokens": 40, "messages": messages}
            ).json()["ragbraid"]["answer"]
            for messages in ([asked], [*before, asked])
        )
    assert alone["abstained"]
    assert not following["abstained"]
    assert following["text"] == "Brenna Tower is 62 metres high."


@pytest.mark.parametrize(
    ("question", "searched"),
    [("good morning!", False), ("How high is Brenna Tower?", True), ("write a haiku", False)],
)
def test_each_way_of_a_route_streams_what_it_answers(landmarks: Path, question: str, searched: bool) -> None:
    with over_landmarks(landmarks / "router.yaml") as made:
        told = events(made.post("/api/ask", json={"question": question, "stream": True}).text)
        with openai.OpenAI(base_url=f"{made.base_url}/v1", api_key="unused", max_retries=0) as asking:
            chunks = list(
                asking.chat.completions.create(
                    model="ask", messages=[{"role": "user", "content": question}], stream=True
                )
            )
    name, answer = told[-1]
    assert name == "answer"
    assert ("hits" in [each for each, _ in told]) == searched
    assert bool(answer["citations"]) == searched
    said = "".join(each["text"] for name, each in told if name == "delta")
    assert said in ("", answer["text"])  # a fixed reply is told whole, at the end
    assert "".join(each.choices[0].delta.content or "" for each in chunks).strip()
