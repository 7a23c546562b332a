"""How far the passages speak of the question at all, and what is said when they don't."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ragbraid.answer.candidates import Candidate
from ragbraid.answer.features import Features
from ragbraid.answer.protocol import Abstain
from ragbraid.hits import page_of
from ragbraid.place import place
from ragbraid.text.counted import counted
from ragbraid.text.lines import line_at
from ragbraid.types import Hit

THRESHOLDS: Mapping[Abstain, float] = {"strict": 0.9, "default": 0.5, "never": 0.0}

# Evidence at which a passage is as likely off the topic as on it, and how steep the change is. Measured at
# the default threshold with questions on encyclopedia articles and on aerodynamics abstracts, each asked of
# their own index and of the other. Refused of the strange / lost of the own: 0.987 / 0.022 with an embedder
# (302 / 585 questions; 0.998 of 475 asked where all articles but their own are indexed), and of 195 questions
# 0.985 / 0.036 by the dense score, 0.954 / 0.082 by shared words alone.
_MIDDLE = {"late": (0.65, 25.0), "dense": (0.36, 30.0), "words": (0.36, 12.0)}


def confidence(rows: Sequence[Features], hits: Sequence[Hit]) -> float:
    """In [0, 1]: 0.5 where on and off the topic are equally likely; no promise that the answer is right.

    Measured by the candidates' token vectors where there are some, else by the best cosine that a dense
    stage gave the hits, else by the share of the question's terms that the best sentence holds.
    """
    if not rows:
        return 0.0
    if "maxsim" in rows[0]:
        best = max(row["maxsim"] for row in rows) + 0.5 * max(row["cosine"] for row in rows)
        return _logistic(best, *_MIDDLE["late"])
    cosines = [hit.scores["dense"] for hit in hits if "dense" in hit.scores]
    if cosines:
        return _logistic(max(cosines), *_MIDDLE["dense"])
    return _logistic(max(row["share"] for row in rows), *_MIDDLE["words"])


def refusal(hits: Sequence[Hit], nearest: Candidate | None) -> str:
    """What is said instead of an answer: what was searched, and what came nearest."""
    if nearest is None:
        return "The documents hold no answer to this: the search found no passage."
    sources = len({hit.source for hit in hits})
    passages = f"{counted(len(hits), 'passage')} of {counted(sources, 'document')}"
    hit = nearest.hit
    line = None if hit.line is None else hit.line - 1 + line_at(hit.text, nearest.start)
    return (
        f"The documents seem to hold no answer to this. The search found {passages}; the nearest is in "
        f"{place(hit.source, page_of(hit, nearest.start), line)}: {_shortened(nearest.text)}"
    )


def _logistic(value: float, middle: float, steepness: float) -> float:
    return 1 / (1 + math.exp(-steepness * (value - middle)))


def _shortened(text: str, most: int = 200) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"
