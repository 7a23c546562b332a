from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.generate.protocol import Quotes
from ragbraid.generate.quote_grammar import is_quote, quote_grammar

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[()|?]|\w+|::=')
UNESCAPE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def derive(gbnf: str, choose: random.Random) -> str:
    """A random sentence of the part of GBNF that quote grammars use."""
    rules = {}
    for line in gbnf.split("\n"):
        name, _, body = line.partition(" ::= ")
        assert "".join(TOKEN.findall(body)) == re.sub(r'("(?:\\.|[^"\\])*")|\s+', r"\1", body)
        rules[name] = TOKEN.findall(body)

    def run(tokens: list[str]) -> str:
        options: list[list[list[str]]] = [[]]
        at = 0
        while at < len(tokens):
            if tokens[at] == "|":
                options.append([])
                at += 1
                continue
            end = at + 1
            if tokens[at] == "(":
                depth = 1
                while depth:
                    depth += {"(": 1, ")": -1}.get(tokens[end], 0)
                    end += 1
            optional = end < len(tokens) and tokens[end] == "?"
            options[-1].append([*tokens[at:end], *(["?"] if optional else [])])
            at = end + optional
        return "".join(map(item, choose.choice(options)))

    def item(tokens: list[str]) -> str:
        if tokens[-1] == "?":
            return item(tokens[:-1]) if choose.random() < 0.8 else ""
        if tokens[0] == "(":
            return run(tokens[1:-1])
        if tokens[0].startswith('"'):
            return re.sub(r"\\(.)", lambda found: UNESCAPE[found[1]], tokens[0][1:-1])
        return run(rules[tokens[0]])

    return run(rules["root"])


TEXTS = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.text('ab. ,"\\\n\t()é水火😀', max_size=30),
        st.sampled_from(["It passes Basel, Bonn and Cologne.", '"Ja", said (he): 3.5%!']),
    ),
    max_size=3,
)


@given(TEXTS, st.integers(1, 5), st.integers(0, 10_000))
@settings(max_examples=300, deadline=None)
def test_every_sentence_is_a_run_of_whole_words(texts: list[str], most: int, seed: int) -> None:
    quotes = Quotes(tuple(texts), most)
    try:
        gbnf = quote_grammar(quotes)
    except ValueError:
        assert not "".join(texts).split() or not any(is_quote(text.strip(), quotes) for text in texts)
        return
    sentence = derive(gbnf, random.Random(seed))
    assert any(sentence in text for text in texts)
    assert is_quote(sentence, quotes)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("Basel", True),
        ("Basel,", True),
        ("Basel, Bonn", True),
        ("passes Basel, Bonn and Cologne", True),
        ("Base", False),
        ("asel", False),
        (" Basel", False),
        ("It passes Basel, Bonn and Cologne.", False),
        ("Basel Bonn", False),
        ("", False),
        ("3.5", False),
        ("3.5%", True),
        ("水", True),
    ],
)
def test_what_is_a_quote(text: str, held: bool) -> None:
    assert is_quote(text, Quotes(("It passes Basel, Bonn and Cologne.", "up 3.5%-ish; 3.5% 水火"), 5)) is held


def test_there_must_be_something_to_say() -> None:
    with pytest.raises(ValueError, match="no word"):
        quote_grammar(Quotes((" \n", "\x00")))
