"""The pipeline language: answers that are known already, and never stale or somebody else's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from language import PARTS, checked, says

from ragbraid import Pipeline
from ragbraid.answer.cache import AnswerCache
from ragbraid.conversation.store import Conversations
from ragbraid.errors import GenerationError
from ragbraid.index.protocol import Index
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.requests import Caller
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Answer, Hit, Message
from soaking import count
from timing import least_seconds

ALLOW = ("test_language_cache", *PARTS)
ASKED: list[str] = []
ANSWERED = "[search, {type: quote, short: false, abstain: never}]"
RECALLED = "[search, {type: test_language_cache:recall}]"
FILE = """
components:
  embedder: {type: testing/hash-embedder, dimensions: 256}
  index: {type: INDEX, embedder: embedder}
  cache: {type: answer-cache, CACHE}
fields: {owner: str}
ingest: [{type: files}, {type: testing/fixed-splitter}, index]
search: [{type: dense, index: index}]
ask: [{cache: cache, then: ANSWERED}]
chat: [{type: standalone}, {cache: cache, then: ANSWERED}]
flows:
  recall: [{cache: cache, pure: true, then: RECALLED}]
""".replace("ANSWERED", ANSWERED).replace("RECALLED", RECALLED)
PLAIN = FILE.replace(f"{{cache: cache, then: {ANSWERED}}}", ANSWERED[1:-1]).replace(
    f"{{cache: cache, pure: true, then: {RECALLED}}}", RECALLED[1:-1]
)


def note(question: str) -> list[Hit]:
    """Finds a hit, and notes that it was asked."""
    ASKED.append(question)
    if question == "bad":
        raise GenerationError("The question is bad.")
    return [Hit(question, "s", 0, 1, question)]


def recall(question: str, hits: list[Hit], history: list[Message]) -> Answer:
    """Answers by what was said and found; of the former the beginnings, since answers are said in turn."""
    return Answer(
        " | ".join([question, *(each.content[:40] for each in history), *(each.text for each in hits)])
    )


def opened(text: str = FILE, cache: str = "", index: str = "testing/list-index", **options: Any) -> Pipeline:
    engine = options.pop("engine", None) or Engine()
    found = checked(text.replace("INDEX", index).replace("CACHE", cache), allow=ALLOW, **options)
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return Pipeline(found.pipeline, engine=engine)


def told(answer: Answer) -> str:
    (span,) = [each for each in answer.trace if each.step == "cache"]
    return str(span.notes["cache"])


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder / name


@pytest.mark.parametrize("index", ["testing/list-index", "faiss, path: ./made"])
def test_an_answer_is_known_until_the_index_changes(index: str, tmp_path: Path) -> None:
    file = write(tmp_path, "leave.md", "Parental leave is 12 weeks.")
    with opened(index=index, base=tmp_path, set={}) as ready:
        ready.ingest(file)
        first, again = ready.ask("How long is leave?"), ready.ask("How long is leave?")
        assert (told(first), told(again)) == ("miss", "hit")
        assert again == first
        assert [each.step for each in again.trace] == [
            *("cache.look_up/sequence", "cache.look_up/find", "cache.look_up", "cache")
        ]
        write(tmp_path, "leave.md", "Parental leave is 14 weeks.")
        ready.ingest(file)
        changed = ready.ask("How long is leave?")
        assert (told(changed), "14 weeks" in changed.text) == ("miss", True)
        ready.remove("leave.md" if ready.sources()[0].source == "leave.md" else ready.sources()[0].source)
        assert (told(gone := ready.ask("How long is leave?")), gone.citations) == ("miss", ())


async def test_every_way_of_asking_fills_it_and_is_answered_by_it(tmp_path: Path) -> None:
    with opened() as ready:
        ready.ingest(write(tmp_path, "leave.md", "Parental leave is 12 weeks."))
        *_, streamed = ready.stream("How long is leave?")
        assert told(streamed.value) == "miss"
        for answer in (
            ready.ask("How long is leave?"),
            await ready.aask("How long is leave?"),
            list(ready.stream("How long is leave?"))[-1].value,
            [each async for each in ready.astream("How long is leave?")][-1].value,
            ready.ask("How long is leave?", timeout=60),
        ):
            assert (answer, told(answer)) == (streamed.value, "hit")
        both = ready.ask_batch(["How long is leave?", "Who takes leave?"])
        assert both[0] == streamed.value
        assert isinstance(both[1], Answer)
        assert [each["cache"] for each in both[1].trace[-1].notes["questions"]] == ["hit", "miss"]
        assert told(ready.ask("Who takes leave?")) == "hit"
        assert [each.step for each in ready.record("Who takes leave?").steps][-1:] == ["cache.look_up"]


def test_what_else_an_answer_depends_on_makes_another_one(tmp_path: Path) -> None:
    with opened() as ready:
        ready.ingest(write(tmp_path, "leave.md", "Parental leave is 12 weeks."))
        asked = "How long is leave?"
        ready.ask(asked)
        assert told(ready.ask(asked, filter={"owner": "ann"})) == "miss"
        assert told(ready.ask(asked, collection="other")) == "miss"
        assert told(ready.as_caller(Caller({"owner": "bob"})).ask(asked)) == "miss"
        assert told(ready.as_caller(Caller({"owner": "bob"})).ask(asked)) == "hit"
        assert told(ready.run("ask", question=asked, k=3)) == "miss"
        assert told(ready.run("chat", question=asked)) == "miss"


def test_pipelines_that_share_a_cache_share_no_answer(tmp_path: Path) -> None:
    engine = Engine()
    file = write(tmp_path, "leave.md", "Parental leave is 12 weeks.")
    with opened(engine=engine) as one, opened(engine=engine, set={"search.dense.candidates": 1}) as other:
        one.ingest(file)
        assert told(one.ask("How long is leave?")) == "miss"
        assert told(other.ask("How long is leave?")) == "miss"
        assert told(one.ask("How long is leave?")) == "hit"


MADE = """
    ask:
      - cache: {type: answer-cache, CACHE}
        pure: true
        then: [{type: test_language_cache:note}, {type: ./parts.py:reply}]
"""


def test_it_is_bounded_in_number_and_time_and_keeps_no_failure() -> None:
    ASKED.clear()
    with opened(MADE, "most: 2") as ready:
        assert [told(ready.ask(each)) for each in "abacab"] == ["miss", "miss", "hit", "miss", "hit", "miss"]
        for _ in range(2):
            with pytest.raises(GenerationError):
                ready.ask("bad")
    assert ASKED == ["a", "b", "c", "b", "bad", "bad"]
    with opened(MADE, "seconds: 0.000001") as ready:
        assert [told(ready.ask("a")) for _ in range(2)] == ["miss", "miss"]


@dataclass(frozen=True, slots=True)
class Bare:
    """Opens such an index."""

    def open(self) -> Index:
        return ListIndexRuntime(None)


def found(cache: Any, question: str, vector: Sequence[float] = (1.0, 0.0), group: str = "g") -> Any:
    known = cache.find(group, question, np.array(vector))
    return None if known is None else known.answer.text


LEAVE = "How long is parental leave?"
SAME = [
    (LEAVE, "how long is parental leave"),
    (LEAVE, "Please tell me how long the parental leave is"),
    (LEAVE, "Could you please tell me how long parental leave is?"),
    (LEAVE, "I'd like to know how long the parental leave is."),
    (LEAVE, "  How long is  the parental leave ?"),
    ("Who is Ann?", "Tell me who Ann is"),
    ("Where are the keys of Ann?", "can you tell me where the keys of Ann are"),
    ("What was the price in 1890?", "I would like to know what the price in 1890 was"),
    ("Who approves travel?", "Please tell me who approves travel"),
    ("What does it cost?", "what does it cost"),
    ("What is X-12?", "what is X-12"),
    ("Wie lange dauert es?", "Wie lange dauert es"),
]
OTHERS = [
    ("flights from Paris to London", "flights from London to Paris"),
    ("flights to Paris", "flights from Paris"),
    ("Does Germany border France?", "Does France border Germany?"),
    ("Is Ann older than Bob?", "Is Bob older than Ann?"),
    ("Is Ann older than Bob?", "Is Ann younger than Bob?"),
    ("convert pdf to word", "convert word to pdf"),
    ("May I smoke before noon?", "May I smoke after noon?"),
    ("who defeated the normans?", "who did the normans defeat?"),
    ("who defeated the normans?", "who was defeated by the normans?"),
    ("Who is hired?", "Who hired?"),
    ("Who is Ann hiring?", "Who is hiring Ann?"),
    ("Is Ann missed?", "Is Ann missing?"),
    ("Is it open on monday?", "Is it open on tuesday?"),
    ("Who built the bridge in 1890?", "who built the bridge in 1891?"),
    ("What is 3.5 times 2?", "What is 35 times 2?"),
    ("Is -5 too cold?", "Is 5 too cold?"),
    ("What is 5!?", "What is 5?"),
    ("What is x²?", "What is x2?"),
    ("Is it over 5%?", "Is it over 5?"),
    ("What costs $5?", "What costs €5?"),
    ("How much is 5 kg?", "How much is 5 g?"),
    ("How much is 5 mW?", "How much is 5 MW?"),
    ("Which take less than 5 days?", "Which take more than 5 days?"),
    ("Which take at least 5 days?", "Which take at most 5 days?"),
    ("How long does Ann stay?", "how long does Bob stay?"),
    ("Ann's wage?", "Bob's wage?"),
    ("May I smoke?", "May I not smoke?"),
    ("May I smoke?", "Must I smoke?"),
    ("Is it with sugar?", "Is it without sugar?"),
    ("Who can't come?", "Who can come?"),
    ("Why does it work?", "Why doesn't it work?"),
    ("Why does it work?", "Why did it work?"),
    ("Who is the head?", "Who was the head?"),
    ("What did all not see?", "What did not all see?"),
    ("How is the US governed?", "How is the us governed?"),
    ("What is C?", "What is C++?"),
    ("What is the time?", "What is time?"),
    ("How old is the man?", "How old is man?"),
    ("How much vitamin a is in it?", "How much vitamin is in it?"),
    ("Do a few agree?", "Do few agree?"),
    ("What are the imports?", "What are the important?"),
    ("Ist es vor Montag offen?", "Ist es nach Montag offen?"),
    ("Qui aime Anne ?", "Qui Anne aime ?"),
    ("从北京到上海", "从上海到北京"),
]


@pytest.mark.parametrize(
    ("one", "other", "same"), [*((*each, True) for each in SAME), *((*each, False) for each in OTHERS)]
)
def test_an_answer_is_found_for_the_same_words_in_their_order_alone(one: str, other: str, same: bool) -> None:
    for kept, asked in ((one, other), (other, one)):
        cache = AnswerCache().open()
        cache.keep("g", kept, np.array([1.0, 0.0]), Answer("kept"))
        assert found(cache, asked) == ("kept" if same else None)
        assert found(cache, asked, (0.9, 0.43)) is None
        assert found(cache, asked, group="another") is None
        assert found(cache, kept, (0.0, 1.0)) == "kept"


def test_a_lookup_takes_no_longer_where_much_is_known() -> None:
    cache = AnswerCache(most=5000).open()
    vector = np.ones(4) / 2
    for number in range(5000):
        cache.keep("g", f"What is part {number}?", vector, Answer("kept"))
    asked = [f"Please tell me what part {number} is" for number in range(100)]

    def look_up() -> None:
        assert all(cache.find("g", each, vector) for each in asked)
        assert cache.find("g", "What was part 1?", vector) is None

    assert least_seconds(look_up) < 0.2  # compared one by one they took 4 s


def test_of_wordings_the_likest_is_found_and_none_that_is_forgotten() -> None:
    cache = AnswerCache(most=2).open()
    cache.keep("g", "Who is Ann?", np.array([1.0, 0.0]), Answer("one"))
    cache.keep("g", "who is Ann", np.array([0.98, 0.2]), Answer("two"))
    assert found(cache, "Tell me who Ann is", (0.98, 0.199)) == "two"
    assert found(cache, "Tell me who Ann is", (1.0, 0.01)) == "one"
    cache.keep("g", "Who is Bob?", np.array([1.0, 0.0]), Answer("three"))  # "two" was asked for longest ago
    assert found(cache, "Tell me who Ann is", (0.98, 0.199)) == "one"
    cache.keep("g", "Who is Ann?", np.array([0.0, 1.0]), Answer("four"))
    assert found(cache, "Tell me who Ann is", (1.0, 0.0)) is None
    assert (len(cache), found(cache, "Tell me who Ann is", (0.0, 1.0))) == (2, "four")
    cache.close()
    assert (len(cache), found(cache, "Who is Bob?")) == (0, None)


def test_a_question_worded_otherwise_finds_the_answer(tmp_path: Path) -> None:
    with opened(cache="embedder: embedder, likeness: 0.6") as ready:
        ready.ingest(write(tmp_path, "leave.md", "Parental leave is 12 weeks."))
        first = ready.ask("How long is parental leave?")
        other = ready.ask("Tell me how long the parental leave is")
        assert (other, told(other)) == (first, "hit")
        notes = other.trace[-1].notes
        assert notes["question"] == "How long is parental leave?"
        assert 0.6 <= notes["likeness"] < 1
        assert [each.step for each in first.trace].count("cache.look_up/embed") == 1
        assert "search.dense/embed" not in {each.step for each in first.trace}  # the same vector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ask: [{cache: nothing, then: [search]}]", "there is no component 'nothing'"),
        ("ask: [{cache: index, then: [search]}]", "wants a component of kind Cache"),
        ("ask: [{cache: cache}]", "a cache wants `then`"),
        ("ask: [{cache: cache, then: [search]}]",
         "a cache keeps answers, and what stands in it gives list[Hit]"),
        ("ask: [{cache: cache, then: {type: tool, call: {type: ./parts.py:broken_tool}}}]",
         "can't know whether broken_tool gives the same"),
        ("ask: [{cache: cache, then: [search, {type: ./parts.py:reply}]}]", "whether reply gives the same"),
        ("ask: [{cache: cache, pure: false, then: [search, {type: ./parts.py:reply}]}]",
         "if it reads nothing but its inputs, say so: `pure: true` beside `cache`"),
        ("ask: [{cache: cache, pure: maybe, then: [search, {type: quote}]}]", "pure wants true or false"),
        ("ask: [{cache: cache, then: [live, {type: quote}]}]", "whether find gives the same"),
        ("""ask: [{cache: cache, then: {
agent: {type: ./parts.py:Scripted, answers: []}, at_most: 2, deadline: 9,
tools: [{type: ./parts.py:order_state}]}}]""", "whether order_state gives the same"),
        ("""ask: [{cache: cache, then: [{
agent: {type: ./parts.py:Scripted, answers: []}, at_most: 2, deadline: 9,
tools: [live]}, {type: quote}]}]""", "whether find gives the same"),
        ("ask: [{cache: cache, pure: true, then: [bare, {type: ./parts.py:reply}]}]",
         "Bare doesn't say when it was changed, so that a cache before it would give stale answers"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_cache(text: str, message: str) -> None:
    file = f"""
components:
  index: {{type: testing/list-index}}
  cache: {{type: answer-cache}}
search: [{{type: lexical, index: index}}]
flows:
  bare: [{{type: lexical, index: {{type: test_language_cache:Bare}}}}]
  live: [{{type: ./parts.py:find}}]
{text}
"""
    found = says(file, allow=ALLOW)
    assert any(message in each for each in found), found


def test_a_generator_of_ones_own_is_held_to_its_contract_and_may_answer_behind_a_cache() -> None:
    text = """
    components:
      index: {type: testing/list-index}
    ask:
      - cache: {type: answer-cache}
        then:
          - {type: lexical, index: index}
          - {type: compose, generator: {type: ./parts.py:Scripted, answers: []}}
    """
    assert says(text) == []


def test_users_of_equal_rights_who_said_different_things_share_no_answer(tmp_path: Path) -> None:
    with opened(cache="embedder: embedder, likeness: 0.6") as cached:
        mine = cached.as_caller(Caller({"owner": "ann"}, {"owner": "ann"}))
        mine.ingest(write(tmp_path, "leave.md", "Parental leave is 12 weeks."))
        said = {each: [Message("user", f"I am {each}.")] for each in ("ann", "amy")}
        asked = ("How long is parental leave?", "Tell me how long the parental leave is")
        for person, history in said.items():
            first, *again = [mine.run("recall", question=each, history=history) for each in (*asked, *asked)]
            assert f"I am {person}." in first.text
            assert (told(first), [told(each) for each in again]) == ("miss", ["hit"] * 3)
            assert again == [first] * 3


PEOPLE = {"ann": "ann", "amy": "ann", "bob": "bob"}
"""Who asks, and whose documents they see: Ann and Amy differ in what they said alone."""
QUESTIONS = (
    "How long is leave?",
    "Who approves it?",
    "And in winter?",
    "tell me how long leave is",
    "Travel?",
)


@pytest.mark.parametrize("part", range(count(1, 10)))
def test_users_conversations_and_caches_never_mix(part: int, tmp_path: Path) -> None:
    """Whatever users ask, tell and store in turn, each gets what they'd get alone and without a cache."""
    engine, known = Engine(), {"ask": 0, "chat": 0, "recall": 0, "worded otherwise": 0}
    cached = opened(cache="most: 50, embedder: embedder, likeness: 0.6", engine=engine)
    plain = opened(PLAIN, engine=engine)
    rounds = count(12, 200)
    with cached, plain:
        for number in range(rounds):
            draw = Random(1000 * part + number)
            for each in _interleaved(draw, cached, plain, tmp_path / str(number)):
                known[each] += 1
    assert min(known.values()) > rounds / 12, known


def _interleaved(draw: Random, cached: Pipeline, plain: Pipeline, folder: Path) -> Iterator[str]:
    """One random order of what users do; each flow that the cache answered, and whether in other words."""
    conversations, said = Conversations(folder / "c.sqlite"), {each: [] for each in PEOPLE}
    for step in range(draw.randint(6, 20)):
        person = draw.choice(tuple(PEOPLE))
        owner = PEOPLE[person]
        caller = Caller({"owner": owner}, {"owner": owner})
        mine, alone = cached.as_caller(caller), plain.as_caller(caller)
        if not step or draw.random() < 0.15:
            text = f"Leave of {owner} is {draw.randint(1, 99)} weeks. Travel is approved by {owner}."
            mine.ingest(write(folder, f"{owner}.md", text))
            continue
        question = draw.choice(QUESTIONS)
        history = conversations.history(person, "talk", 5)
        assert [each.content for each in history] == said[person][-10:]
        flow = draw.choice(("ask", "chat", "recall"))
        more = {"history": history} if flow != "ask" else {}
        answer = mine.run(flow, question=question, **more)
        assert not any(each in answer.text for each in PEOPLE.values() if each != owner)
        if told(answer) == "miss":
            assert answer == alone.run(flow, question=question, **more)
        else:
            # The question that was answered stood behind `standalone`, so it's asked without that.
            matched = answer.trace[-1].notes["question"]
            again = "ask" if flow == "chat" else flow
            assert answer == alone.run(again, question=matched, **(more if flow == "recall" else {}))
            yield flow
            if answer.trace[-1].notes["likeness"] < 1:
                yield "worded otherwise"
        if draw.random() < 0.5:
            conversations.add(person, "talk", question, answer.text)
            said[person] += [question, answer.text]
