"""Prose of a generator that lies: no lie is shown, and what is true is."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from ragbraid.answer.compose import MARK, Compose
from ragbraid.answer.prose import Sentences
from ragbraid.answer.quotations import examined, quotations
from ragbraid.context import Context
from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.testing.echo_generator import ScriptedGenerator
from ragbraid.types import Answer, Delta, Hit, ModelName
from soaking import count

PEOPLE = [
    "Ada Lind",
    "Bo Carlsen",
    "Ines Moreau",
    "Taro Sato",
    "Ruth Abel",
    "Olu Adeyemi",
    "Mina Kaya",
    "Jan Vos",
]
THINGS = ["bridge", "chapel", "harbour", "library", "mill", "observatory", "theatre", "tunnel", "viaduct"]
PLACES = ["Norden", "Ravik", "Lisse", "Tamura", "Aldeia", "Kestrel Bay", "Brunnfeld", "Saint Orme"]
DEEDS = ["opened", "designed", "restored", "surveyed", "founded"]
MONTHS = ["January", "March", "May", "June", "August", "October", "December"]


class World:
    """Six passages about as many buildings, in sentences that say different things."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        people, things, places = (draw.sample(each, 6) for each in (PEOPLE, THINGS, PLACES))
        self.facts = [
            {
                "person": people[at], "thing": things[at], "place": places[at], "deed": draw.choice(DEEDS),
                "month": draw.choice(MONTHS), "year": str(1700 + 40 * at + draw.randint(0, 30)),
                "metres": f"{draw.randint(1, 9)},{draw.randint(100, 999)}",
                "days": str(21 + 12 * at + draw.randint(0, 11)),
            }
            for at in range(6)
        ]  # fmt: skip
        self.hits = [hit(f"{at}.txt", self.passage(each)) for at, each in enumerate(self.facts)]

    @staticmethod
    def passage(fact: dict[str, str]) -> str:
        return (
            f"The {fact['thing']} of {fact['place']} was {fact['deed']} by {fact['person']} in "
            f"{fact['month']} {fact['year']}. Its walls measure {fact['metres']} metres along the old shore. "
            f"Workers needed {fact['days']} days for the roof, longer than anyone had planned."
        )

    def picked(self) -> tuple[int, dict[str, str]]:
        at = self.draw.randrange(6)
        return at, self.facts[at]

    def other(self, at: int) -> tuple[int, dict[str, str]]:
        number = self.draw.choice([each for each in range(6) if each != at])
        return number, self.facts[number]


def hit(source: str, text: str) -> Hit:
    return Hit(source, source, 0, len(text), text, content_hash="0")


def true_plain(world: World) -> str:
    at, fact = world.picked()
    deed = f"was {fact['deed']} in {fact['year']} by {fact['person']}"
    return f"The {fact['thing']} of {fact['place']} {deed} [{at + 1}]."


def true_quoted(world: World) -> str:
    at, fact = world.picked()
    quote = f"needed {fact['days']} days for the roof, longer than anyone had planned"
    return f"The report says that workers “{quote}” [{at + 1}]."


def true_reworded(world: World) -> str:
    at, fact = world.picked()
    return f"Along the old shore, the walls measure {fact['metres'].replace(',', '')} metres [{at + 1}]."


def wrong_number(world: World) -> str:
    at, fact = world.picked()
    number = str(int(fact["metres"].replace(",", "")) + world.draw.randint(1, 500))
    return f"Its walls measure {number} metres along the old shore [{at + 1}]."


def wrong_year(world: World) -> str:
    at, fact = world.picked()
    year = int(fact["year"]) + world.draw.choice([-10, -1, 1, 7, 100])
    return (
        f"The {fact['thing']} of {fact['place']} was {fact['deed']} by {fact['person']} in {year} [{at + 1}]."
    )


def wrong_unit(world: World) -> str:
    at, fact = world.picked()
    unit = world.draw.choice(["miles", "feet", "days", "tonnes"])
    return f"Its walls measure {fact['metres']} {unit} along the old shore [{at + 1}]."


def swapped_numbers(world: World) -> str:
    at, fact = world.picked()
    if world.draw.random() < 0.5:
        return f"Workers needed {fact['year']} days for the roof [{at + 1}]."
    when = f"in {fact['month']} {fact['days']}"
    return f"The {fact['thing']} was {fact['deed']} by {fact['person']} {when} [{at + 1}]."


def wrong_person(world: World) -> str:
    at, fact = world.picked()
    _, other = world.other(at)
    return f"The {fact['thing']} of {fact['place']} was {fact['deed']} by {other['person']} [{at + 1}]."


def wrong_first_word(world: World) -> str:
    at, fact = world.picked()
    _, other = world.other(at)
    name = world.draw.choice(["Einstein", "James", other["person"].split()[0], other["person"].split()[1]])
    thing = f"the {fact['thing']} of {fact['place']}"
    return f"{name} {fact['deed']} {thing} in {fact['month']} {fact['year']} [{at + 1}]."


def name_of_the_question(world: World) -> str:
    at, fact = world.picked()
    return f"The {fact['thing']} of {fact['place']} was {fact['deed']} by Ada Quill [{at + 1}]."


def wrong_passage(world: World) -> str:
    at, fact = world.picked()
    number, _ = world.other(at)
    return f"The {fact['thing']} of {fact['place']} was {fact['deed']} by {fact['person']} [{number + 1}]."


def invented_quote(world: World) -> str:
    at, fact = world.picked()
    return f"It is “the finest {fact['thing']} on the whole coast” [{at + 1}]."


def quote_of_stop_words(world: World) -> str:
    at, _ = world.picked()
    return f"“It was not for them, and we were there” [{at + 1}]."


def misattributed_quote(world: World) -> str:
    at, fact = world.picked()
    number, _ = world.other(at)
    return f"Of the roof it says that workers “needed {fact['days']} days for the roof” [{number + 1}]."


def stitched_quote(world: World) -> str:
    at, fact = world.picked()
    _, other = world.other(at)
    quote = f"was {fact['deed']} by {fact['person']} in {other['month']} {other['year']}"
    if quote in world.hits[at].text:
        return invented_quote(world)
    return f"The {fact['thing']} “{quote}” [{at + 1}]."


def off_the_topic(world: World) -> str:
    at, _ = world.picked()
    return f"The harvest failed because heavy rain had flooded every field nearby [{at + 1}]."


def unmarked_invention(world: World) -> str:
    return "Tourists praise its restaurants and gardens every summer."


def true_in_other_words(world: World) -> str:
    at, fact = world.picked()
    if world.draw.random() < 0.5:
        who, what = fact["person"], f"{fact['deed']} the {fact['thing']} of {fact['place']}"
        return f"In {fact['year']} {who} {what} [{at + 1}]."
    return f"For the roof, {fact['days']} long days were needed by workers [{at + 1}]."


TRUE: list[Callable[[World], str]] = [true_plain, true_quoted, true_reworded, true_in_other_words]
LIES: list[Callable[[World], str]] = [
    wrong_number, wrong_year, wrong_unit, swapped_numbers, wrong_person, wrong_first_word,
    name_of_the_question, wrong_passage, invented_quote, misattributed_quote, stitched_quote, off_the_topic,
    unmarked_invention, quote_of_stop_words,
]  # fmt: skip


def composed(
    prose: str, world: World, unsupported: Any = "drop", embedder: Any = None
) -> tuple[Answer, Context]:
    context = Context()
    generator = ScriptedGenerator((prose,), context_window=8192).open()
    compose = Compose(generator, embedder, unsupported=unsupported)
    return compose("What is said of the buildings of Ada Quill?", world.hits, context), context


@pytest.mark.model
@pytest.mark.parametrize("lie", LIES, ids=lambda each: each.__name__)
def test_nearness_of_meaning_lets_no_lie_through(lie: Callable[[World], str]) -> None:
    draw = random.Random(lie.__name__)
    with closing(SentenceTransformer(ModelName("all-minilm-l6-v2")).open()) as embedder:
        for _ in range(count(2, 20)):
            world = World(draw)
            told, true = lie(world), draw.choice(TRUE)(world)
            assert composed(f"{told} {true}", world, embedder=embedder)[0].text == true


@pytest.mark.parametrize("lie", LIES, ids=lambda each: each.__name__)
def test_no_lie_is_shown_and_what_is_true_is(lie: Callable[[World], str]) -> None:
    draw = random.Random(lie.__name__)
    for _ in range(25):
        world = World(draw)
        told, true = lie(world), draw.choice(TRUE)(world)
        both = [told, true] if draw.random() < 0.5 else [true, told]
        answer, context = composed(" ".join(both), world)
        assert answer.text == true
        assert [each["sentence"] for each in context.notes["unsupported"]] == [told]
        assert answer.citations
        for each in answer.citations:
            (held,) = [one for one in world.hits if one.source == each.source]
            assert held.text[each.start : each.end] == each.quote
        assert composed(told, world)[0].abstained


def test_marked_or_kept_where_that_is_asked_for() -> None:
    world = World(random.Random(1))
    lie, true = wrong_year(world), true_plain(world)
    assert composed(f"{lie} {true}", world, "mark")[0].text == f"{lie}{MARK} {true}"
    answer, context = composed(f"{lie} {true}", world, "keep")
    assert answer.text == f"{lie} {true}"
    (fault,) = context.notes["unsupported"]
    assert fault["why"][0][0] == "facts"


def test_the_number_of_an_item_is_no_fact() -> None:
    world = World(random.Random(4))
    items = "\n".join(f"{at}. {true_plain(world)}" for at in (88, 89))
    assert composed(items, world)[0].text == items


def test_a_sentence_is_streamed_once_it_is_verified() -> None:
    world = World(random.Random(2))
    lie, true, last = wrong_person(world), true_plain(world), true_reworded(world)
    compose = Compose(ScriptedGenerator((f"{true} {lie}\n\n{last}",), context_window=8192).open())
    *deltas, answer = compose.stream("What of it?", world.hits, Context())
    assert [each.text for each in deltas if isinstance(each, Delta)] == [true, f"\n\n{last}"]
    assert isinstance(answer, Answer)
    assert answer.text == f"{true}\n\n{last}"


PASSAGES = [
    "The pump stops because the float valve closes. A red lamp shows this.",
    "Oil it in May, or never.",
]


@pytest.mark.parametrize(
    ("quote", "cited", "finding"),
    [
        ("the float valve closes", [0], "found"),
        ("The pump stops … A red lamp", [0], "found"),
        ("the  float\nvalve closes.", [0], "found"),
        ("Oil it in May", [0], "misattributed"),
        ("the float valve closes in May", [0], "stitched"),
        ("A red lamp … The pump stops", [0], "stitched"),
        ("the float valve opens at noon", [0], "invented"),
        ("float valve close", [0], "invented"),
    ],
)
def test_what_a_quotation_is(quote: str, cited: list[int], finding: str) -> None:
    found = examined(quote, PASSAGES, cited)
    assert found.finding == finding
    if finding == "found":
        assert PASSAGES[found.passage][found.start : found.end].split()[0] == quote.split()[0]


def test_quotation_marks() -> None:
    text = 'He says "it is so here", „das ist auch so“, « et ceci aussi bien », “no”, 「これは長い引用です」'
    assert quotations(text) == [
        "it is so here",
        "das ist auch so",
        " et ceci aussi bien ",
        "これは長い引用です",
    ]


@pytest.mark.parametrize(
    ("prose", "sentences"),
    [
        (
            "Ants beg [1]. Cats doze. [2] Eels feed [3]",
            ["Ants beg [1]. ", "Cats doze. [2] ", "Eels feed [3]"],
        ),
        ("One. [1][2]. Two! [3]\n\nThree", ["One. [1][2]. ", "Two! [3]\n\n", "Three"]),
        ("- a [1]\n- b [2]\n", ["- a [1]\n", "- b [2]\n"]),
        ("", []),
        ("  ", ["  "]),
    ],
)
def test_sentences_with_their_markers_however_they_come(prose: str, sentences: list[str]) -> None:
    for size in (1, 3, 100):
        held = Sentences()
        pieces = [each for at in range(0, len(prose), size) for each in held.feed(prose[at : at + size])]
        assert [*pieces, *held.finish()] == sentences
