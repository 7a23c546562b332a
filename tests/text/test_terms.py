"""Terms: what a search compares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.text.terms import language_of, terms, words


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("What were the Normans' cities?", "en", ["norman", "citi"]),
        ("Wie viele Häuser standen dort?", "de", ["haus", "stand"]),
        ("ＮＡＳＡ in 1969", "en", ["nasa", "1969"]),
        ("東京タワー 水", "ja", ["東京", "京タ", "タワ", "ワー", "水"]),
        ("snake_case foo.bar", "en", ["snake", "case", "foo", "bar"]),
        ("слова", "xx", ["слова"]),
        ("of the and", "en", []),
    ],
)
def test_terms(text: str, language: str, expected: list[str]) -> None:
    assert terms(text, language) == expected


@pytest.mark.parametrize(
    ("texts", "language"),
    [(["The cat is on the mat."], "en"), (["Das ist ein Haus und die Katze."], "de"), (["水"], "en"),
     ([], "en"), (["Où est la gare dans cette ville ?"], "fr")],
)  # fmt: skip
def test_language_of(texts: list[str], language: str) -> None:
    assert language_of(texts) == language


@given(st.text())
def test_words_are_never_blank_and_fold_case(text: str) -> None:
    found = words(text)
    assert all(word and not any(each.isspace() for each in word) for word in found)
    assert words(" ".join(found)) == found or any(not each.isascii() for each in text)
