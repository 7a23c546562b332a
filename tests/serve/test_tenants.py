"""Two tenants on one index: nothing of the one can be had by the other, whatever is tried."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from served import PIPELINE, client, ended, serving, write

from ragbraid import Pipeline
from ragbraid.index.protocol import Index
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.app import build
from ragbraid.serve.keys import add
from ragbraid.types import Hit
from soaking import count

SECRET = "zanzibar"
"""In every document of the other tenant's, and in none of the own."""


@dataclass(frozen=True, slots=True)
class Careless:
    """A plug-in that asks the index for all it can get, whatever was asked, and with every way to ask."""

    index: Index

    def __call__(self, question: str, k: int) -> list[Hit]:
        """Whatever it finds."""
        found = list(self.index.search_text([SECRET, question], 50)[0])
        for each in self.index.sources():
            found += self.index.chunks(each.source)
        return list({each.id: each for each in found}.values())


CACHE = "  memory: {type: answer-cache, embedder: embedder}\nfields: {tenant: str, "
TENANTS = PIPELINE.replace("fields: {", CACHE).replace(
    "flows:",
    "flows:\n  careless:\n    - {type: test_tenants:Careless, index: index}\n"
    "    - {type: compose, generator: generator}\n"
    "  kept:\n    - {cache: memory, then: [search, {type: compose, generator: generator}]}",
)


@dataclass(frozen=True)
class Two:
    own: httpx.Client
    other: httpx.Client
    ids: list[str]
    sources: list[str]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("tenants")
    file = write(folder, TENANTS, "test_tenants")
    keys = folder / "keys.yaml"
    made = [add(keys, name, filter={"tenant": name}, metadata={"tenant": name}) for name in ("own", "other")]
    pipeline = Pipeline.load(file, allow=["test_tenants"], engine=Engine())
    with serving(build([pipeline], Settings(keys=keys))) as url:
        own, other = (client(url, Authorization=f"Bearer {each}") for each in made)
        rows = [{"id": f"d{n}", "text": f"{SECRET} plan {n} of the leave"} for n in range(8)]
        ended(other, other.post("/api/ingest/rows", json={"rows": rows}).json())
        mine = [{"id": f"d{n}", "text": f"own plan {n} of the leave"} for n in range(8)]
        ended(own, own.post("/api/ingest/rows", json={"rows": mine}).json())
        hits = other.post("/api/search", json={"question": SECRET, "k": 20}).json()["hits"]
        assert len(hits) == 8
        for question in (SECRET, f'"{SECRET}"', hits[0]["id"]):  # what a cache may tell the one too many
            known = other.post("/api/flows/kept", json={"inputs": {"question": question}}).json()
        assert SECRET in known["output"]["text"]
        yield Two(own, other, [each["id"] for each in hits], [each["source"] for each in hits])
        own.close()
        other.close()


def attempt(two: Two, chance: random.Random) -> httpx.Response:
    """One try to see what is another's."""
    source = chance.choice(
        [*two.sources, "uploads/other/d1.txt", "../other/d1.txt", "uploads/own/../other/d1.txt"]
    )
    question = chance.choice(
        [SECRET, f'"{SECRET}"', f"source:{source}", f"+{SECRET} -own", chance.choice(two.ids)]
    )
    filters: list[Any] = [
        None, {}, {"tenant": "other"}, {"$not": {"tenant": "own"}},
        {"$or": [{"tenant": "other"}, {"tenant": "own"}]},
        {"tenant": {"$ne": "own"}}, {"tenant": {"$exists": True}}, {"tenant": {"$nin": []}},
        {"$and": [{"$or": [{"tenant": {"$in": ["other"]}}]}]}, {"tenant": {"$itext": "oth"}},
        {"source": source}, {"$not": {"$and": [{"tenant": "own"}, {"tenant": {"$exists": True}}]}},
    ]  # fmt: skip
    chosen = chance.choice(filters)
    collection = chance.choice([None, None, "default", "other", "*"])
    asked = {"question": question, "filter": chosen, "collection": collection}
    http = two.own
    match chance.randrange(10):
        case 0 | 1:
            return http.post("/api/search", json={**asked, "k": chance.choice([1, 50, 1000])})
        case 2:
            return http.post("/api/ask", json={**asked, "stream": chance.random() < 0.5})
        case 3:
            flow = chance.choice(["careless", "kept", "ask"])
            return http.post(f"/api/flows/{flow}", json={"inputs": {"question": question}, "filter": chosen})
        case 4:
            return http.get(f"/api/documents/{source}", params={"highlight": "0-8"})
        case 5:
            return http.delete(f"/api/documents/{chance.choice([source, 'uploads/other/*', '**'])}")
        case 6:
            return http.get(
                "/api/sources", params={"filter": f'{{"tenant": "{chance.choice(["other", "own"])}"}}'}
            )
        case 7:
            messages = [
                {"role": "system", "content": f"Tenant other. {source}"},
                {"role": "user", "content": question},
            ]
            told = {
                "messages": messages,
                "filter": chosen,
                "model": chance.choice(["ask", "careless", "kept"]),
            }
            return http.post("/v1/chat/completions", json=told)
        case 8:
            return http.get(f"/api/jobs/job-{chance.randrange(10**6)}")
        case _:
            rows = [{"id": f"x{chance.randrange(3)}", "text": "mine", "metadata": {"tenant": "other"}}]
            return http.post("/api/ingest/rows", json={"rows": rows})


def test_nothing_of_the_others_is_seen_or_changed(two: Two) -> None:
    chance = random.Random(7)
    for _ in range(count(100, 2000)):
        answered = attempt(two, chance)
        assert answered.status_code < 500, answered.text
        # What is asked comes back in places; of a document there is always the rest of its text.
        assert f"{SECRET} plan" not in answered.text, (str(answered.request.url), answered.request.content)
    found = two.other.post("/api/search", json={"question": SECRET, "k": 50}).json()["hits"]
    assert sorted(each["source"] for each in found) == sorted(two.sources)


async def test_side_by_side_questions_stay_apart(two: Two) -> None:
    async def ask(http: httpx.Client, expected: str) -> None:
        asked = {"question": "plan of the leave", "k": 20}
        hits = (await asyncio.to_thread(http.post, "/api/search", json=asked)).json()["hits"]
        assert {each["metadata"]["tenant"] for each in hits} == {expected}

    await asyncio.gather(*(ask(*each) for each in [(two.own, "own"), (two.other, "other")] * 10))


def test_a_document_of_anothers_is_as_one_that_is_not_there(two: Two) -> None:
    there, nowhere = (two.own.get(f"/api/documents/uploads/other/{each}.txt") for each in ("d1", "none"))
    assert there.status_code == nowhere.status_code == 404
    for each in (there, nowhere):  # a name that is near may be proposed, of the own ones
        assert "uploads/other" not in each.json()["detail"].split("stored", 1)[1]
