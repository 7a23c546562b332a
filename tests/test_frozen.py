"""Values made by way of a twin are values like any other."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, astuple, fields, replace

import pytest

from ragbraid.frozen import draft_of
from ragbraid.types import Answer, Citation, Hit

HIT = Hit("1", "a.txt", 0, 1, "x", 0.5, {"dense": 0.5}, {"year": 2020}, 3, "other", "hash")
CITATION = Citation("a.txt", 0, 1, "x", "hash")
ANSWER = Answer("x", "x", CITATION, False, 0.5, (CITATION,), (HIT,))


@pytest.mark.parametrize("value", [HIT, CITATION, ANSWER])
def test_a_draft_becomes_a_value_of_the_class(value: Hit | Citation | Answer) -> None:
    made = draft_of(type(value))(*(getattr(value, each.name) for each in fields(value)))
    made.__class__ = type(value)
    assert type(made) is type(value)
    assert made == value
    assert repr(made) == repr(value)
    assert astuple(made) == astuple(value)
    assert copy.deepcopy(made) == value
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(value)[0].name, "b")
    assert replace(made) == value


def test_equal_citations_hash_alike() -> None:
    made = draft_of(Citation)("a.txt", 0, 1, "x", "hash", None, "", None, None)
    made.__class__ = Citation
    assert {made, CITATION} == {CITATION}
