"""What is a question and what isn't."""

import pytest

from ragbraid.errors import InputError
from ragbraid.text.question import LONGEST, check_question


@pytest.mark.parametrize("question", ["Why?", "水", "😀", "x" * LONGEST, "{a} <|im_start|>"])
def test_takes_any_text(question: str) -> None:
    check_question(question)


@pytest.mark.parametrize("question", ["", " \n\t", "\u200b", "\ufeff\u00a0"])
def test_refuses_what_says_nothing(question: str) -> None:
    with pytest.raises(InputError, match="is empty"):
        check_question(question)


def test_names_the_limit() -> None:
    with pytest.raises(InputError, match=r"100,000 characters; at most 8,000"):
        check_question("x" * 100_000)
