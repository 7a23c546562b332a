from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer
from llguidance.gbnf_to_lark import gbnf_to_lark

from ragbraid.generate.regex_grammar import regex_grammar
from soaking import count

ASCII = st.characters(codec="ascii")
PATTERNS = [
    r"[0-9]{2,4} (metres|miles), (yes|no)\.",
    r"(a|bc)*d?e+",
    r"[^abc\n]{1,3}",
    r"\d{4}-\d\d-\d\d",
    r"(?:x|y(?P<z>z)?){0,2}",
    r'"[\w\s]*"\\',
    r"a.c",
    r"^[]\-^]+$",
    r"(|a)b",
]


@pytest.fixture(scope="module")
def tokenizer() -> LLTokenizer:
    return LLTokenizer("byte")


def accepts(tokenizer: LLTokenizer, pattern: str, text: str) -> bool:
    """Whether the pattern's grammar has the sentence, by an engine of grammars."""
    matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_lark(gbnf_to_lark(regex_grammar(pattern))))
    assert not matcher.get_error()
    tokens = list(text.encode())
    return bool(
        matcher.validate_tokens(tokens) == len(tokens)
        and matcher.consume_tokens(tokens)
        and matcher.is_accepting()
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_grammar_has_what_the_pattern_matches(pattern: str, tokenizer: LLTokenizer) -> None:
    alphabet = st.text(alphabet='abcdexyz0123456789 -.,metrsiloy\\"^]\nzw', max_size=12)

    @settings(max_examples=count(40, 1000), deadline=None)
    @given(
        st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True, alphabet=st.characters(codec="ascii"))
    )
    def matching(text: str) -> None:
        assert accepts(tokenizer, pattern, text.removesuffix("\n") if pattern.endswith("$") else text)

    @settings(max_examples=count(40, 1000), deadline=None)
    @given(alphabet)
    def any_text(text: str) -> None:
        fits = re.fullmatch(pattern, text, re.ASCII) is not None
        assert accepts(tokenizer, pattern, text) == fits or (pattern.endswith("$") and text.endswith("\n"))

    matching()
    any_text()


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a)\1", "groupref"), (r"(?=a)", "assert"), ("(", "isn't a regular expression"), (r"\b", "at"),
        (r"(?i:a)", "subpattern"), (r"[\D]", "category_not_digit"),
    ],
)  # fmt: skip
def test_what_is_not_regular_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        regex_grammar(pattern)
