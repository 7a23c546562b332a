"""The default pipeline as a service, with its real models: from an upload to a citation that opens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

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
