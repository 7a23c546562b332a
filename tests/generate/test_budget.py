from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from openai_server import saying, serving
from ragbraid import Pipeline
from ragbraid.context import Cancellation, Context
from ragbraid.errors import BudgetExceeded, Cancelled, DeadlineExceeded, PipelineFileError, RagbraidError
from ragbraid.generate.budget import Budget, BudgetRuntime
from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.generate.openai import OpenAi
from ragbraid.generate.protocol import Completion, Request
from ragbraid.testing.echo_generator import GeneratorRuntime
from ragbraid.testing.generator import random_prompts
from ragbraid.types import ModelName, Usage
from tiny_gguf import tiny_gguf

WORDS = "one two three four five six seven eight"


def bounded(inner: Any, **limits: Any) -> BudgetRuntime:
    return Budget(inner, **limits).open()


def echo(delay: float = 0.0) -> GeneratorRuntime:
    return GeneratorRuntime(4096, delay)


def test_what_is_within_its_budget_is_as_it_is_without(tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf")
    with closing(LlamaCpp(ModelName(str(path)), context_tokens=512, cache_mb=0, threads=1).open()) as tiny:
        runtime = bounded(tiny, tokens=100_000, seconds=60.0)
        requests = [Request(each, 8, logprobs=True) for each in random_prompts(4)]
        assert runtime.generate(requests) == tiny.generate(requests)
        assert list(runtime.stream(requests[0])) == list(tiny.stream(requests[0]))
        assert runtime.score("abc", ["d", "ef"]) == tiny.score("abc", ["d", "ef"])
        assert (runtime.context_window, runtime.scores_together) == (512, False)
        assert bounded(tiny, tokens=100).context_window == 100
        with pytest.raises(BudgetExceeded):
            bounded(tiny, tokens=100).score("a" * 101, ["d"])


@pytest.mark.parametrize(
    "limits", [{"tokens": 8}, {"money": 8e-6, "prompt_price": 1.0, "completion_price": 1.0}]
)
def test_a_prompt_over_the_budget_is_never_sent(limits: dict[str, Any]) -> None:
    generator = echo()
    runtime = bounded(generator, **limits)
    (got,) = runtime.generate([Request(WORDS)])
    assert isinstance(got, BudgetExceeded)
    assert "The prompt has 8 tokens, which the budget of a question doesn't allow: 0 of" in str(got)
    with pytest.raises(BudgetExceeded):
        list(runtime.stream(Request(WORDS)))
    assert generator.requests == []


@pytest.mark.parametrize(
    "limits",
    [
        {"tokens": 11},
        {"money": 19e-6, "prompt_price": 2.0, "completion_price": 1.0},
        {"tokens": 99, "money": 3e-6, "completion_price": 1.0},
    ],
    ids=str,
)
def test_a_completion_ends_where_the_budget_does(limits: dict[str, Any]) -> None:
    runtime = bounded(echo(), **limits)
    (got,) = runtime.generate([Request(WORDS)])
    assert got == Completion("one two three", "length", Usage(8, 3, 1))
    *pieces, last = runtime.stream(Request(WORDS))
    assert last == got
    assert "".join(map(str, pieces)) == got.text


def test_the_requests_of_a_run_draw_on_one_budget() -> None:
    runtime, context = bounded(echo(), tokens=20), Context()
    first, second, third = runtime.generate(
        [Request("a b c"), Request("a b c"), Request(WORDS)], context=context
    )
    assert isinstance(first, Completion)
    assert isinstance(second, BudgetExceeded), "the first had set all of it aside"
    assert isinstance(third, BudgetExceeded)
    (again,) = runtime.generate([Request("a b c", 3)], context=context)
    assert isinstance(again, Completion), "what the first didn't use was put back"
    assert context.notes["budget"] == {"tokens": 12}
    (other,) = runtime.generate([Request(WORDS)], context=Context())
    assert isinstance(other, Completion), "another run has a budget of its own"


def test_seconds_end_a_completion_within_a_token() -> None:
    runtime = bounded(echo(0.05), seconds=0.12)
    stream, said = runtime.stream(Request("word " * 500)), []
    with pytest.raises(BudgetExceeded, match=r"The 0\.12 seconds that a question may take"):
        said += list(stream)
    with pytest.raises(BudgetExceeded):
        runtime.generate([Request("word " * 500)])


def test_the_runs_own_end_is_told_as_that() -> None:
    runtime = bounded(echo(0.05), seconds=60.0)
    with pytest.raises(DeadlineExceeded):
        list(runtime.stream(Request("word " * 500), context=Context(Cancellation(0.1))))
    cancellation = Cancellation()
    stream = runtime.stream(Request("word " * 500), context=Context(cancellation))
    next(stream)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        list(stream)


def test_what_a_server_says_was_used_is_charged() -> None:
    with serving(saying("Ye", "s")) as url:
        inner = OpenAi(url, "m", retries=0).open()
        runtime, context = (
            bounded(inner, tokens=60, money=1.0, prompt_price=3.0, completion_price=5.0),
            Context(),
        )
        for calls in (1, 2):
            (got,) = runtime.generate([Request("Is water wet?", 8)], context=context)
            assert isinstance(got, Completion)
            assert context.notes["budget"] == {"tokens": 9 * calls, "money": 31e-6 * calls}
        inner.close()


def built(**limits: Any) -> Pipeline:
    return Pipeline.build(
        components={
            "echo": {"type": "testing/echo-generator"},
            "generator": {"type": "budget", "generator": "echo", **limits},
            "embedder": {"type": "testing/hash-embedder"},
            "index": {"type": "testing/list-index", "embedder": "embedder"},
        },
        ingest=[{"type": "files"}, {"type": "testing/fixed-splitter"}, "index"],
        search=[{"type": "dense", "index": "index"}],
        ask=["search", {"type": "compose", "generator": "generator"}],
    )


def test_a_budget_without_a_limit_is_refused() -> None:
    with pytest.raises(PipelineFileError, match="set tokens, seconds or money"):
        built()
    with pytest.raises(PipelineFileError, match="money needs prompt_price or completion_price"):
        built(money=1.0)


def test_each_question_of_a_batch_has_its_share(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The bridge is 412 metres long. It was opened in May 1932.")
    with built(tokens=1000) as pipeline:
        pipeline.ingest(tmp_path)
        alone = pipeline.ask("How long is the bridge?")
        (budget,) = [each.notes["budget"] for each in alone.trace if "budget" in each.notes]
        assert budget["tokens"] == alone.usage.prompt_tokens + alone.usage.completion_tokens
        together = pipeline.ask_batch(["How long is the bridge?"] * 5)
        assert [getattr(each, "text", each) for each in together] == [alone.text] * 5
    with built(tokens=1) as pipeline:
        pipeline.ingest(tmp_path)
        with pytest.raises(RagbraidError):
            pipeline.ask("How long is the bridge?")
