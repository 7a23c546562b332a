"""OpenAI's API over a pipeline, asked by OpenAI's own client and by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel
from served import LEAVE, PIPELINE, QUESTION, events, serving, write

from ragbraid import Pipeline
from ragbraid.context import Context
from ragbraid.generate.protocol import Completion, Request
from ragbraid.pipeline.engine import Engine
from ragbraid.serve.app import build
from ragbraid.testing.echo_generator import GeneratorRuntime

ASKED: Any = [{"role": "user", "content": QUESTION}]


@pytest.fixture
def http(hr: httpx.Client) -> httpx.Client:
    return hr


@pytest.fixture(scope="module")
def official(hr: httpx.Client) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{hr.base_url}/v1", api_key="unused", max_retries=0) as asking:
        yield asking


def chat(http: httpx.Client, **request: Any) -> httpx.Response:
    return http.post("/v1/chat/completions", json={"model": "ask", "messages": ASKED, **request})


def test_the_official_client_gets_an_answer_with_citations(official: openai.OpenAI) -> None:
    done = official.chat.completions.create(model="ask", messages=ASKED)
    message = done.choices[0].message
    answer = done.model_extra["ragbraid"]["answer"]  # type: ignore[index]
    assert (message.content, done.choices[0].finish_reason) == (answer["text"], "stop")
    assert message.content is not None
    assert "Parental leave is 14 months." in message.content
    (noted,) = message.annotations or ()
    cited = noted.url_citation
    assert message.content[cited.start_index : cited.end_index] == "Parental leave is 14 months."
    assert cited.title == "docs/leave.md"
    assert answer["hits"][0]["source"] == "docs/leave.md"
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0


def test_a_citation_opens_its_document_at_the_quote(official: openai.OpenAI, http: httpx.Client) -> None:
    done = official.chat.completions.create(model="ask", messages=ASKED)
    (noted,) = done.choices[0].message.annotations or ()
    (marked,) = http.get(noted.url_citation.url).json()["highlights"]
    assert marked == {
        "start": 0, "end": 28, "quote": LEAVE[:28], "page": None, "line": 1, "last_line": 1,
    }  # fmt: skip


async def test_the_official_async_client_streams_the_same_answer(http: httpx.Client) -> None:
    asking = openai.AsyncOpenAI(base_url=f"{http.base_url}/v1", api_key="unused")
    whole = await asking.chat.completions.create(model="ask", messages=ASKED)
    stream = await asking.chat.completions.create(
        model="ask", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [each async for each in stream]
    await asking.close()
    text = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
    assert text == whole.choices[0].message.content
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    assert chunks[-2].choices[0].finish_reason == "stop"
    answers = [each.model_extra["ragbraid"]["answer"] for each in (chunks[-2], whole)]  # type: ignore[index]
    for each in answers:
        each.pop("trace")
    assert answers[0] == answers[1]


def test_usage_comes_in_a_chunk_of_its_own_if_asked_for_and_not_else(http: httpx.Client) -> None:
    with_usage = events(chat(http, stream=True, stream_options={"include_usage": True}).text)
    without = events(chat(http, stream=True).text)
    assert with_usage[-1][1] == without[-1][1] == "[DONE]"
    assert with_usage[-2][1]["choices"] == []
    assert with_usage[-2][1]["usage"]["total_tokens"] > 0
    assert all(each["choices"] for _, each in without[:-1])
    assert not any("usage" in each for _, each in without[:-1])


def test_tool_messages_null_contents_and_parts_are_read(http: httpx.Client) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    told = [
        {"role": "developer", "content": "Be short."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "How long is"}, {"type": "text", "text": "leave?"}],
        },
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "14"},
    ]
    done = chat(http, messages=told, tools=[{"type": "function", "function": {"name": "f"}}])
    assert done.status_code == 200
    assert "14 months" in done.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"model": 3}, "model"),
        ({"n": 2}, "n"),
        ({"temperature": "hot"}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"logprobs": True}, "logprobs"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_a_400_that_names_the_field(http: httpx.Client, change: Any, param: str) -> None:
    refused = chat(http, **change)
    error = refused.json()["error"]
    assert (refused.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert set(error) == {"message", "type", "param", "code"}


def test_an_unknown_model_is_not_found(official: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="did you mean 'ask'"):
        official.chat.completions.create(model="aks", messages=ASKED)
    assert [each.id for each in official.models.list()] == ["ask", "talk"]
    assert official.models.retrieve("ask").id == "ask"


def test_an_empty_or_endless_question_is_the_clients_mistake(http: httpx.Client) -> None:
    for content in ("", " \n", "x" * 9000, "\ud800"):
        sent = json.dumps({"model": "ask", "messages": [{"role": "user", "content": content}]})
        headers = {"Content-Type": "application/json"}
        assert http.post("/v1/chat/completions", content=sent, headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("request_", "content", "reason"),
    [
        ({"stop": "14"}, "Parental leave is ", "stop"),
        ({"stop": [" months", "leave"]}, "Parental ", "stop"),
        ({"max_tokens": 3}, "Parental leave is", "length"),
        ({"max_completion_tokens": 1, "stop": "zz"}, "Parental", "length"),
    ],
)
def test_stop_and_budget_cut_the_text(http: httpx.Client, request_: Any, content: str, reason: str) -> None:
    whole = chat(http, **request_).json()["choices"][0]
    assert (whole["message"]["content"], whole["finish_reason"]) == (content, reason)
    chunks = [each for _, each in events(chat(http, stream=True, **request_).text) if each != "[DONE]"]
    text = "".join(each["choices"][0]["delta"].get("content", "") for each in chunks)
    assert (text, chunks[-1]["choices"][0]["finish_reason"]) == (content, reason)


def test_what_has_no_part_in_the_answer_is_named(http: httpx.Client) -> None:
    sent = {"top_logprobs": 3, "top_p": None, "max_tokens": 9, "user": "me", "store": None}
    assert chat(http, **sent).json()["ragbraid"]["ignored"] == ["top_logprobs", "user"]
    *_, (_, last), _ = events(chat(http, stream=True, **sent).text)
    assert last["ragbraid"]["ignored"] == ["top_logprobs", "user"]
    assert chat(http).json()["ragbraid"]["ignored"] == []


@dataclass(frozen=True, slots=True)
class Telling:
    """A generator that says how it was asked to write."""

    def open(self) -> GeneratorRuntime:
        return TellingRuntime(4096, 0.0)


class TellingRuntime(GeneratorRuntime):
    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        text = f"Leave at {request.temperature}, {request.top_p}, {request.seed}."
        yield text
        yield Completion(text, "stop")


def test_temperature_and_seed_are_those_of_the_prose_and_not_of_quotes(tmp_path: Path) -> None:
    compose = "{type: compose, generator: generator, unsupported: keep}"
    quoted = (
        "  quoted:\n    inputs: {question: str}\n    steps: [search, {type: quote}]\n"
        f"  kept:\n    - {{cache: memory, then: [search, {compose}]}}\n"
    )
    pipeline = PIPELINE.replace("testing/echo-generator", "test_openai_api:Telling").replace(
        "{type: compose, generator: generator}", compose
    )
    pipeline = pipeline.replace("fields:", "  memory: {type: answer-cache}\nfields:")
    file = write(tmp_path, pipeline + quoted, "test_openai_api")
    loaded = Pipeline.load(file, allow=["ragbraid.testing", "test_openai_api"], engine=Engine())
    with TestClient(build([loaded]), base_url="http://localhost") as http:
        sent = {"temperature": 0.7, "top_p": 0.5, "seed": -1}
        told = chat(http, **sent).json()
        assert told["choices"][0]["message"]["content"] == "Leave at 0.7, 0.5, 2147483647."
        assert told["ragbraid"]["ignored"] == []
        streamed = events(chat(http, stream=True, temperature=0.25).text)
        assert "Leave at 0.25, 1.0, 0." in "".join(
            each["choices"][0]["delta"].get("content", "") for _, each in streamed if each != "[DONE]"
        )
        assert chat(http).json()["choices"][0]["message"]["content"] == "Leave at 0.0, 1.0, 0."
        for wanted in ({}, {"temperature": 0.5}, {}):  # a cache gives none of the one to the other
            said = chat(http, model="kept", **wanted).json()["choices"][0]["message"]["content"]
            assert said == f"Leave at {wanted.get('temperature', 0.0)}, 1.0, 0."
        of_quotes = chat(http, model="quoted", **sent).json()
        assert of_quotes["choices"][0]["message"]["content"].startswith("Parental leave is 14 months")
        assert of_quotes["ragbraid"]["ignored"] == ["seed", "temperature", "top_p"]


class Leave(BaseModel):
    months: int


def test_structured_output_is_of_the_clients_schema(tmp_path: Path) -> None:
    said = ["Parental leave is 14 months [1].", '{"months": 14}']
    pipeline = PIPELINE.replace(
        "{type: testing/echo-generator}",
        f"{{type: ragbraid.testing:ScriptedGenerator, answers: {json.dumps(said)}}}",
    )
    file = write(tmp_path, pipeline)
    with serving(build([Pipeline.load(file, allow=["ragbraid.testing"], engine=Engine())])) as url:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as asking:
            done = asking.chat.completions.parse(model="ask", messages=ASKED, response_format=Leave)
        assert done.choices[0].message.parsed == Leave(months=14)


def test_embeddings_as_floats_and_as_bytes_are_the_embedders(official: openai.OpenAI) -> None:
    texts = ["Parental leave", "A desk"]
    packed = official.embeddings.create(model="ask", input=texts)  # in base64, as the client likes it
    plain = official.embeddings.create(model="hr", input=texts, encoding_format="float")
    rows = np.array([each.embedding for each in plain.data])
    np.testing.assert_allclose([each.embedding for each in packed.data], rows, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        official.embeddings.create(model="ask", input="x", dimensions=3)
    with pytest.raises(openai.BadRequestError, match="empty"):
        official.embeddings.create(model="ask", input=["x", ""])


def test_rerank_puts_the_fitting_text_first_however_many_there_are(http: httpx.Client) -> None:
    texts = [*(f"desk number {each}" for each in range(40)), "parental leave"]
    done = http.post(
        "/v1/rerank",
        json={
            "model": "ask",
            "query": "parental leave",
            "documents": texts,
            "top_n": 3,
            "return_documents": True,
        },
    ).json()
    assert len(done["results"]) == 3
    assert done["results"][0]["index"] == 40
    assert done["results"][0]["document"] == {"text": "parental leave"}
    scores = [each["relevance_score"] for each in done["results"]]
    assert scores == sorted(scores, reverse=True)


def test_several_pipelines_prefix_their_models(tmp_path: Path) -> None:
    files = [write(tmp_path / name, PIPELINE.replace("name: hr", f"name: {name}")) for name in ("hr", "it")]
    with serving(build([Pipeline.load(each, engine=Engine()) for each in files])) as url:
        http = httpx.Client(base_url=url)
        ids = [each["id"] for each in http.get("/v1/models").json()["data"]]
        assert ids == ["hr/ask", "hr/talk", "it/ask", "it/talk"]
        assert chat(http, model="it/ask").status_code == 200
        assert chat(http, model="ask").status_code == 404
        assert http.post("/api/ask", json={"question": QUESTION, "pipeline": "it"}).status_code == 200
        assert http.post("/api/ask", json={"question": QUESTION, "pipeline": "ti"}).status_code == 404
        http.close()
