"""Numbers and names of a claim, and whether its passage has them."""

from __future__ import annotations

import pytest

from ragbraid.answer.facts import missing_facts

PASSAGE = (
    "The bridge was opened on 3 May 1745 by Ada Lind. Its span is 3,412 m, its mass 20 tonnes. Twelve "
    "workers needed 33 days; in 1801 fire took 5 % of it. Tickets cost 2.50 euros."
)


@pytest.mark.parametrize(
    "claim",
    [
        "It was opened in May 1745.",
        "It was opened on May 3, 1745.",
        "The span measures 3412 metres.",
        "12 workers built it in 33 days.",
        "After 33 long days it was done.",
        "In 1801 flames took 5 percent of it.",
        "By 1801 nothing was left of the 20-tonne bridge.",
        "A ticket is 2.5 euros.",
    ],
)
def test_what_the_passage_says_in_other_words(claim: str) -> None:
    assert missing_facts(claim, [PASSAGE]) == []


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("The span measures 3412 miles.", ["3412 miles"]),
        ("It took 33 months.", ["33 months"]),
        ("It took 1745 days.", ["1745 days"]),
        ("It was opened in May 1801.", ["1801 May"]),
        ("It was opened on 20 May 1745.", ["20 May"]),
        ("It was opened in June 1745.", ["1745 June", "June"]),
        ("It was opened by Bo Lind in 1746.", ["1746", "Bo"]),
    ],
)
def test_what_it_does_not_say(claim: str, missing: list[str]) -> None:
    assert missing_facts(claim, [PASSAGE]) == missing


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("Bo opened the bridge in 1745.", ["Bo"]),
        ("Lind's bridge was opened in 1745. James saw it.", ["James"]),
        ("Ada opened the bridge.", []),
        ("Worker by worker it grew.", []),
        ("However, fire took 5 percent.", []),
        ("Slowly it burned.", []),
        ("Built in 33 days, it burned in 1801.", []),
        ("Die Brücke wurde 1745 eröffnet, Bo war nicht dabei.", []),
    ],
)
def test_the_first_word_of_a_sentence_may_be_a_name(claim: str, missing: list[str]) -> None:
    assert missing_facts(claim, [PASSAGE]) == missing
