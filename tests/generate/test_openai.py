from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from openai_server import Reply, begin, piece, saying, send, serving
from ragbraid.context import Cancellation, Context
from ragbraid.errors import DeadlineExceeded, GenerationError, ModelMissing, ServerError
from ragbraid.generate.alternatives import alternatives
from ragbraid.generate.openai import OpenAi, OpenAiRuntime
from ragbraid.generate.protocol import Completion, Grammar, JsonSchema, Quotes, Request
from ragbraid.generate.sse import chunks
from ragbraid.models.locate import locate
from ragbraid.secret import Secret
from ragbraid.testing.generator import GeneratorConformance
from ragbraid.types import Message, Usage
from soaking import count

HELLO = (Message("user", "Hello"),)


def opened(url: str, **options: Any) -> OpenAiRuntime:
    return OpenAi(base_url=url, model="m", **{"retries": 0, "timeout": 5.0, **options}).open()


def ask(reply: Reply, request: Request, **options: Any) -> Completion | Exception:
    with serving(reply) as url:
        runtime = opened(url, **options)
        (got,) = runtime.generate([request])
        runtime.close()
        return got


@pytest.fixture(scope="module")
def llama_url() -> Iterator[str]:
    xllamacpp = pytest.importorskip("xllamacpp")
    params = xllamacpp.CommonParams()
    try:
        params.model.path = str(locate("smollm2-135m-instruct"))
    except ModelMissing as missing:
        pytest.skip(str(missing))
    params.n_ctx, params.n_gpu_layers, params.fit_params = 1024, 0, False
    params.verbosity, params.warmup, params.api_keys = -1, False, ["key"]
    params.cache_prompt, params.cache_ram_mib = False, 0  # it would round otherwise the second time
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    made = xllamacpp.Server(params)
    yield f"{made.listening_address}/v1"
    del made


@pytest.mark.model
class TestOpenAiConforms(GeneratorConformance):
    """Against llama.cpp's own server, over loopback."""

    prompts, held = count(4, 1000), count(3, 1000)
    tells_alternatives = True

    @pytest.fixture
    def generator(self, llama_url: str) -> Iterator[OpenAiRuntime]:
        made = OpenAi(base_url=llama_url, model="m", api_key=Secret("key")).open()
        yield made
        made.close()


def test_pieces_and_usage_come_through() -> None:
    with serving(saying("Ye", "s", "😀")) as url:
        runtime = opened(url)
        *pieces, last = runtime.stream(Request(HELLO))
        assert pieces == ["Ye", "s", "😀"]
        assert last == Completion("Yes😀", "stop", Usage(7, 3, 1))
        runtime.close()


def test_what_is_sent() -> None:
    seen: dict[str, Any] = {}

    def reply(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        seen.update(body, key=handler.headers["Authorization"], path=handler.path)
        saying("{}")(handler, body)

    schema = JsonSchema({"type": "object"})
    ask(reply, Request(HELLO, 9, 0.5, 0.9, 3, ("END",), schema), api_key=Secret("sesame"))
    assert seen["path"] == "/v1/chat/completions"
    assert seen["key"] == "Bearer sesame"
    assert (seen["max_tokens"], seen["temperature"], seen["top_p"], seen["seed"]) == (9, 0.5, 0.9, 3)
    assert seen["stop"] == ["END"]
    assert seen["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert seen["messages"] == [{"role": "user", "content": "Hello"}]
    ask(reply, Request(HELLO))
    assert seen["key"] is None


def test_a_server_that_tells_no_probabilities_gives_none() -> None:
    seen: dict[str, Any] = {}

    def reply(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        seen.update(body)
        saying("Yes")(handler, body)

    got = ask(reply, Request(HELLO, alternatives=50))
    assert isinstance(got, Completion)
    assert got.alternatives == {}
    assert (seen["logprobs"], seen["top_logprobs"]) == (True, 20)


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ({"logprobs": None}, {}),
        ({"logprobs": {"content": []}}, {}),
        ({"logprobs": {"content": [{"token": "Yes"}]}}, {}),
        (
            {"logprobs": {"content": [{"top_logprobs": [{"token": "a", "logprob": -1}]}, {}]}},
            {"a": -1.0},
        ),
        (
            {"logprobs": {"content": [{"top_logprobs": [
                {"token": "\ufffd", "logprob": -3.0}, {"token": "\ufffd", "logprob": -2},
                {"token": 1}, {"token": "b"},
            ]}]}},
            {"\ufffd": -2.0},
        ),
    ],
)  # fmt: skip
def test_alternatives_of_a_choice(choice: dict[str, Any], found: dict[str, float]) -> None:
    assert alternatives(choice) == found


def test_a_stop_string_over_two_pieces_is_never_said() -> None:
    got = ask(saying("Yes", "\nQuery", "> x"), Request(HELLO, stop=("\nQuery>",)))
    assert isinstance(got, Completion)
    assert (got.text, got.finish_reason) == ("Yes", "stop")


@pytest.mark.parametrize(
    ("said", "abstention", "want"),
    [
        (" North Sea. ", "no", "North Sea."),
        ("the Baltic", "no", "no"),
        ("no", "no", "no"),
        ("orth", None, None),
    ],
)
def test_only_quotes_pass_for_quotes(said: str, abstention: str | None, want: str | None) -> None:
    quotes = Quotes(("It flows to the North Sea.",), abstention=abstention)
    got = ask(saying(said), Request(HELLO, constraint=quotes))
    if want is None:
        assert isinstance(got, GenerationError)
    else:
        assert isinstance(got, Completion)
        assert got.text == want


def test_a_grammar_is_refused() -> None:
    assert isinstance(ask(saying("x"), Request(HELLO, constraint=Grammar('root ::= "x"'))), GenerationError)


def status(code: int, body: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(code)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return reply


def raw(*lines: str, wait: float = 0.0) -> Reply:
    def reply(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        begin(handler)
        send(handler, *lines)
        time.sleep(wait)

    return reply


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (status(401, '{"error": {"message": "bad key"}}'), "answered 401: bad key. Set api_key."),
        (status(404, "nothing"), "answered 404: nothing. Check base_url and model."),
        (status(500, "[1]"), "answered 500: "),
        (raw(piece("a"), "{broken"), "sent a chunk that isn't JSON"),
        (raw("[1]"), "of an unknown shape"),
        (raw('{"choices": 3}'), "of an unknown shape"),
        (raw('{"choices": [{"delta": {"content": [1]}}]}'), "of an unknown shape"),
        (raw('{"error": {"message": "out of memory"}}'), "failed: out of memory."),
        (raw(piece("a")), "broke the stream off half-way"),
        (raw(piece("a"), wait=1.0), "went silent"),
    ],
)
def test_a_fault_of_the_server_is_a_sentence(reply: Reply, message: str) -> None:
    got = ask(reply, Request(HELLO), timeout=0.4)
    assert isinstance(got, ServerError)
    assert message in str(got)
    assert "127.0.0.1" in str(got)


def test_an_unreachable_server_is_a_sentence_without_secrets() -> None:
    runtime = opened("http://me:sesame@127.0.0.1:9/v1", api_key=Secret("hidden"))
    (got,) = runtime.generate([Request(HELLO)])
    runtime.close()
    assert isinstance(got, ServerError)
    assert "http://127.0.0.1:9/v1/chat/completions can't be reached" in str(got)
    assert "sesame" not in str(got)
    assert "hidden" not in repr(runtime._options)


def test_a_server_that_does_not_take_the_call_in_time_is_one_that_cannot_be_reached() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("timed out", request=request)

    with (
        httpx.Client(transport=httpx.MockTransport(refuse)) as client,
        pytest.raises(ServerError, match="can't be reached"),
    ):
        list(chunks(client, "http://10.0.0.1/v1", {}))


def test_a_busy_server_is_asked_again() -> None:
    calls: list[int] = []

    def reply(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        calls.append(1)
        (status(503, "busy") if len(calls) < 3 else saying("Yes"))(handler, body)

    got = ask(reply, Request(HELLO), retries=2)
    assert isinstance(got, Completion)
    assert (got.text, len(calls)) == ("Yes", 3)


def test_a_deadline_ends_a_slow_stream() -> None:
    def reply(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        begin(handler)
        try:
            for _number in range(100):
                send(handler, piece("a"))
                time.sleep(0.02)
        except OSError:
            pass

    with serving(reply) as url:
        runtime = opened(url)
        start = time.monotonic()
        (got,) = runtime.generate([Request(HELLO)], context=Context(Cancellation(0.2)))
        assert isinstance(got, DeadlineExceeded)
        assert time.monotonic() - start < 1.5
        runtime.close()


def test_one_failure_in_a_batch_stays_alone() -> None:
    def reply(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        text = body["messages"][0]["content"]
        (status(400, "no") if text == "3" else saying(text))(handler, body)

    with serving(reply) as url:
        runtime = opened(url, parallel=3)
        got = runtime.generate([Request((Message("user", str(number)),)) for number in range(7)])
        runtime.close()
    assert [getattr(each, "text", None) for each in got] == ["0", "1", "2", None, "4", "5", "6"]


def test_base_url_must_be_one() -> None:
    with pytest.raises(ValueError, match="http"):
        OpenAi(base_url="localhost:8000", model="m")
