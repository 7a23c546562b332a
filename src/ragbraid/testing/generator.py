"""What every generator must hold to. Subclass `GeneratorConformance` and say how to make yours."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator

import pytest

from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled
from ragbraid.generate.protocol import Completion, Generator, JsonSchema, Quotes, Regex, Request
from ragbraid.generate.quote_grammar import is_quote
from ragbraid.types import Message

PASSAGES = ("The Rhine flows 1,230 km.", 'He said: "Ja \\ no",\n\tand left für sie.')
_ALPHABETS = (
    "abc xyz",
    "äöü ßé",
    "水火 山川",
    "😀👩‍👧 🇫🇷",
    "{}%$<|im_end|>",
    "\n\t \u200b\u00a0",
    "שלום مرحبا",
)


def random_prompts(count: int, seed: int = 0) -> list[str]:
    """Prompts of mixed scripts, signs and control look-alikes."""
    choose = random.Random(seed)
    return [
        "".join(choose.choice(choose.choice(_ALPHABETS)) for _ in range(choose.randint(1, 40)))
        for _ in range(count)
    ]


class GeneratorConformance:
    """Override `make`, or the fixture `generator` where one can serve all tests.

    `prompts` random ones are streamed, and `held` outputs of each kind of constraint are looked at.
    """

    prompts = 20
    held = 5
    holds_json = True
    holds_patterns = False
    """True for an engine that can be held to a regular expression."""
    tells_alternatives = False
    """True for an engine that tells the probabilities of first tokens and of its own."""
    scores = False
    """True for an engine that scores given continuations."""

    def make(self) -> Generator:
        """The running generator to be tested."""
        raise NotImplementedError

    @pytest.fixture
    def generator(self) -> Iterator[Generator]:
        """One generator a test, closed at its end."""
        made = self.make()
        yield made
        close = getattr(made, "close", None)
        if close is not None:
            close()

    def test_streamed_text_equals_unstreamed(self, generator: Generator) -> None:
        """The pieces join to the completion, and asking without a stream gives the same."""
        for prompt in random_prompts(self.prompts):
            request = Request((Message("user", prompt),), max_tokens=12)
            *pieces, last = generator.stream(request)
            assert isinstance(last, Completion)
            assert "".join(map(str, pieces)) == last.text
            assert "\ufffd" not in last.text
            (whole,) = generator.generate([request])
            assert isinstance(whole, Completion)
            assert whole.text == last.text

    def test_a_text_is_continued(self, generator: Generator) -> None:
        """A prompt may be plain text."""
        (completion,) = generator.generate([Request("One, two, three,", max_tokens=8)])
        assert isinstance(completion, Completion)
        assert completion.usage.calls == 1

    def test_takes_no_requests(self, generator: Generator) -> None:
        """An empty list gives an empty one."""
        assert generator.generate([]) == []

    def test_quotes_are_quotes(self, generator: Generator) -> None:
        """Nothing but whole words of the passages comes out, or the abstention."""
        quotes = Quotes(PASSAGES, max_words=4, abstention="not said")
        for prompt in random_prompts(self.held, seed=1):
            (got,) = generator.generate([Request((Message("user", prompt),), 64, constraint=quotes)])
            assert isinstance(got, Completion)
            assert got.text == "not said" or is_quote(got.text, quotes)

    def test_json_fits_its_schema(self, generator: Generator) -> None:
        """The completion parses, and has what the schema asks for."""
        if not self.holds_json:
            pytest.skip("this generator isn't asked to hold a model to a schema")
        schema = {
            "type": "object",
            "properties": {"yes": {"type": "boolean"}},
            "required": ["yes"],
            "additionalProperties": False,
        }
        request = Request((Message("user", "Is water wet?"),), 64, constraint=JsonSchema(schema))
        (got,) = generator.generate([request])
        assert isinstance(got, Completion)
        assert isinstance(json.loads(got.text)["yes"], bool)

    def test_tells_the_likeliest_first_tokens_where_asked(self, generator: Generator) -> None:
        """Log-probabilities of several texts, one of which the greedy completion begins with."""
        if not self.tells_alternatives:
            pytest.skip("this generator's engine doesn't tell probabilities")
        prompt = (Message("user", "Is water wet? Say yes or no."),)
        free, told = generator.generate([Request(prompt, 1), Request(prompt, 1, alternatives=5)])
        assert isinstance(free, Completion)
        assert isinstance(told, Completion)
        assert free.alternatives == {}
        assert told.text == free.text
        assert 1 < len(told.alternatives) <= 5
        assert all(value <= 0 for value in told.alternatives.values())
        likeliest = max(told.alternatives, key=lambda each: told.alternatives[each])
        assert told.text.strip() == likeliest.strip()

    def test_a_pattern_is_kept(self, generator: Generator) -> None:
        """The completion as a whole matches the regular expression."""
        if not self.holds_patterns:
            pytest.skip("this generator can't be held to a regular expression")
        pattern = r"[0-9]{2,4} (metres|miles), (yes|no)\."
        for prompt in random_prompts(self.held, seed=2):
            (got,) = generator.generate([Request((Message("user", prompt),), 32, constraint=Regex(pattern))])
            assert isinstance(got, Completion)
            assert re.fullmatch(pattern, got.text)

    def test_tells_its_own_tokens_probabilities_where_asked(self, generator: Generator) -> None:
        """One log-probability a token, and the tokens' texts join to the completion."""
        if not self.tells_alternatives:
            pytest.skip("this generator's engine doesn't tell probabilities")
        prompt = (Message("user", "Count to three."),)
        (got,) = generator.generate([Request(prompt, max_tokens=8, logprobs=True)])
        assert isinstance(got, Completion)
        assert "".join(text for text, _ in got.tokens) == got.text
        assert got.tokens
        assert all(log <= 0 for _, log in got.tokens)

    def test_scores_what_it_would_say_as_it_says_it(self, generator: Generator) -> None:
        """A completion's score is the sum of its tokens' log-probabilities; other texts are less likely."""
        if not self.scores:
            pytest.skip("this generator's engine doesn't score given texts")
        prompt = "One, two, three,"
        (said,) = generator.generate([Request(prompt, max_tokens=6, logprobs=True)])
        assert isinstance(said, Completion)
        first, *rest = generator.score(prompt, [said.text, said.text[::-1], said.text])
        assert first.logprob == pytest.approx(sum(log for _, log in said.tokens), abs=0.1)
        assert rest[0].logprob < first.logprob
        assert rest[1].logprob == pytest.approx(first.logprob, abs=1e-3)
        assert all(each.stop <= 0 for each in (first, *rest))

    def test_scoring_in_company_is_scoring_alone(self, generator: Generator) -> None:
        """What else is scored makes no difference, nor does what was asked before."""
        if not self.scores:
            pytest.skip("this generator's engine doesn't score given texts")
        prompt = (Message("user", "Where does the Rhine end?"),)
        texts = ["In the North Sea", "In the North", "In Basel", "North Sea", "水火", "In the North Sea"]
        together = generator.score(prompt, texts)
        alone = [generator.score(prompt, [each])[0] for each in texts]
        for one, other in zip(together, alone, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-3)
            assert one.stop == pytest.approx(other.stop, abs=1e-3)
            assert one.tokens == other.tokens
        assert generator.score(prompt, []) == []
        whole, part, *_ = together
        (then,) = generator.score(prompt, ["In the North"], then=" Sea")
        assert then.logprob + then.stop == pytest.approx(whole.logprob, abs=1e-2)
        assert then.stop != part.stop

    def test_one_bad_request_harms_no_other(self, generator: Generator) -> None:
        """A request that can't be met has its own error in its place."""
        fine = Request((Message("user", "Hello"),), max_tokens=4)
        bad = Request((Message("user", "Hello"),), max_tokens=4, constraint=Quotes(()))
        got = generator.generate([fine, bad, fine])
        assert [isinstance(each, Exception) for each in got] == [False, True, False]

    def test_stops_when_cancelled(self, generator: Generator) -> None:
        """A cancelled run gets no text, in a stream and without."""
        cancellation = Cancellation()
        context, request = Context(cancellation), Request((Message("user", "Count to 1000."),), 500)
        stream = generator.stream(request, context=context)
        next(stream)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            list(stream)
        (got,) = generator.generate([request], context=context)
        assert isinstance(got, Cancelled)

    def test_a_dropped_stream_leaves_the_next_answer_right(self, generator: Generator) -> None:
        """Closing a stream early is allowed."""
        request = Request((Message("user", "Count to 1000."),), max_tokens=30)
        (before,) = generator.generate([request])
        stream = generator.stream(request)
        next(stream)
        close = getattr(stream, "close", None)
        if close is not None:
            close()
        (after,) = generator.generate([request])
        assert isinstance(before, Completion)
        assert isinstance(after, Completion)
        assert before.text == after.text

    def test_stop_strings_are_never_said(self, generator: Generator) -> None:
        """The text ends before a stop string."""
        request = Request((Message("user", "Say: one two three"),), max_tokens=20)
        (free,) = generator.generate([request])
        assert isinstance(free, Completion)
        if len(free.text) < 6:
            pytest.skip("this generator's answer is too short to be stopped")
        stop = free.text[3:5]
        *_, held = generator.stream(Request(request.prompt, 20, stop=(stop,)))
        assert isinstance(held, Completion)
        assert held.text == free.text[: free.text.index(stop)]

    def test_counts_tokens_at_least(self, generator: Generator) -> None:
        """Counting never says fewer than were used."""
        prompt = (Message("user", "Where does the Rhine end?"),)
        (got,) = generator.generate([Request(prompt, max_tokens=2)])
        assert isinstance(got, Completion)
        assert generator.count_tokens(prompt) >= got.usage.prompt_tokens
        assert generator.context_window > 0
