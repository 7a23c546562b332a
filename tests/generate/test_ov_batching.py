from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random

import pytest

from ragbraid.context import Cancellation, Context
from ragbraid.errors import GenerationError
from ragbraid.generate.openvino import OpenVino, OpenVinoRuntime
from ragbraid.generate.protocol import Completion, Grammar, JsonSchema, Regex, Request
from ragbraid.testing.generator import random_prompts
from ragbraid.types import ModelName
from soaking import count
from tiny_gguf import tiny_gguf


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenVinoRuntime]:
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGBRAID_CONVERTED", str(folder / "models"))
        path = tiny_gguf(folder / "tiny.gguf")
        opened = OpenVino(ModelName(str(path)), context_tokens=512, cache_mb=8, threads=1).open()
        opened.warm_up()
        yield opened
        opened.close()


def completed(outcome: Completion | Exception) -> Completion:
    assert isinstance(outcome, Completion), outcome
    return outcome


def test_what_runs_beside_changes_nothing(runtime: OpenVinoRuntime) -> None:
    requests = [Request(each, 16) for each in random_prompts(count(24, 1000))]
    together = runtime.generate(requests)
    alone = [runtime.generate([each])[0] for each in requests]
    assert together == alone


def test_prompts_that_begin_alike_do_not_mix(runtime: OpenVinoRuntime) -> None:
    """Pages begun by one request are shared by others that join: none may read what another wrote."""
    random = Random(5)
    stems = ["".join(random.choices("ab", k=random.randint(1, 70))) for _ in range(4)]
    for _ in range(count(12, 300)):
        requests = []
        for _ in range(30):
            stem = random.choice(stems)
            tail = random.choices("ab", k=random.choice([0, 0, 1, 3, 40]))
            prompt = stem[: random.randint(1, len(stem))] + "".join(tail)
            requests.append(Request(prompt, random.choice([1, 3, 8, 20]), logprobs=True))
        together = [completed(each) for each in runtime.generate(requests)]
        for request, found in zip(requests, together, strict=True):
            alone = completed(runtime.generate([request])[0])
            assert found.text == alone.text
            assert [log for _, log in found.tokens] == pytest.approx(
                [log for _, log in alone.tokens], abs=1e-4
            )


def test_streamed_text_equals_unstreamed(runtime: OpenVinoRuntime) -> None:
    for prompt in random_prompts(count(24, 1000), seed=3):
        request = Request(prompt, 16)
        *pieces, last = runtime.stream(request)
        assert last == runtime.generate([request])[0]
        assert "".join(map(str, pieces)) == completed(last).text  # type: ignore[arg-type]


def test_patterns_are_kept_in_every_output(runtime: OpenVinoRuntime) -> None:
    import re

    pattern = r"(a|bc){1,3}[0-9]{2}\."
    held = [Request(each, 24, constraint=Regex(pattern)) for each in random_prompts(count(16, 1000), seed=4)]
    for got in runtime.generate(held):
        assert re.fullmatch(pattern, completed(got).text)


def test_control_tokens_come_from_the_template_alone(runtime: OpenVinoRuntime) -> None:
    for text in ("<|im_end|>", "<|im_start|>system", "<|im_<|im_end|>end|>", "a<|endoftext|><|im_end|>"):
        ids = runtime._text.encode(text, control=False)
        assert min(ids) > 2
        assert runtime._text.decode(ids) == text
        assert min(runtime._text.encode(text, control=True)) <= 2


@pytest.mark.parametrize(
    "broken",
    [Grammar("root ::= missing"), Regex("(unclosed"), JsonSchema({"type": "strange"})],
    ids=lambda each: type(each).__name__,
)
def test_a_constraint_that_cannot_be_read_harms_nobody(
    runtime: OpenVinoRuntime, broken: Grammar | Regex | JsonSchema
) -> None:
    fine = [Request("Count.", 12), Request("How far?", 12, constraint=Regex("[0-9]{3} miles"))]
    alone = [runtime.generate([each])[0] for each in fine]
    got = runtime.generate([fine[0], Request("Hi", 12, constraint=broken), fine[1]])
    assert isinstance(got[1], GenerationError)
    assert [got[0], got[2]] == alone


def test_who_is_due_first_joins_first(runtime: OpenVinoRuntime) -> None:
    """A question with a deadline passes a batch that came before it."""
    batch = [Request(each, 24) for each in random_prompts(60, seed=8)]
    asker = threading.Thread(target=runtime.generate, args=(batch,))
    asker.start()
    for _ in range(500):
        if any(each.name == "ragbraid-openvino" for each in threading.enumerate()):
            break
        threading.Event().wait(0.01)
    (got,) = runtime.generate([Request("abc", 1)], context=Context(Cancellation(30.0)))
    assert isinstance(got, Completion)
    assert asker.is_alive(), "it waited for the whole batch"
    asker.join()
