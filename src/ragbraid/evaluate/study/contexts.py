"""What a model is given beside a question: nothing, the right passage, what was found, or what misleads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from ragbraid.evaluate.matching import contains
from ragbraid.evaluate.questions import Question

NONE, GOLD, FOUND, DISTRACTORS = "none", "gold", "top-k", "distractors"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its right answers, and the passages of each of its contexts, by name."""

    id: str
    question: str
    answers: tuple[str, ...]
    contexts: Mapping[str, tuple[str, ...]]

    def prompt(self, context: str) -> str:
        """A text that a base model goes on with: passages, the question, and the beginning of an answer."""
        passages = "".join(f"{each}\n\n" for each in self.contexts[context])
        return f"{passages}Question: {self.question}\nAnswer:"


def asked(
    questions: Iterable[Question], found: Callable[[str, int], list[str]], k: int
) -> tuple[list[Asked], int]:
    """The questions that can be asked in every context, and how many can't.

    `found` gives the texts of a question's hits, best first. The gold passage is the question's own, or the
    best hit that holds an answer; distractors are the best `k` that hold none. Among `k` - 1 of these gold
    stands at each place from 1 to `k`. A question without an answer, without a gold passage or with fewer
    distractors is left out.
    """
    made, left_out = [], 0
    for each in questions:
        answers = tuple(dict.fromkeys(answer for answer in each.answers or () if answer.strip()))
        hits = found(each.text, 10 * k) if answers else []
        gold = next((text for text in (*each.passages, *hits) if contains(text, answers)), None)
        others = [text for text in hits if not contains(text, answers)][:k]
        if gold is None or len(others) < k:
            left_out += 1
            continue
        contexts = {NONE: (), GOLD: (gold,), FOUND: tuple(hits[:k]), DISTRACTORS: tuple(others)}
        for place in range(k):
            contexts[f"gold@{place + 1}"] = (*others[:place], gold, *others[place : k - 1])
        made.append(Asked(each.id, each.text, answers, contexts))
    return made, left_out


def digest(questions: Iterable[Asked]) -> str:
    """SHA-256 of all that is asked: equal digests, rows that go together."""
    rows = json.dumps([asdict(each) for each in questions], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(rows.encode("utf-8", "surrogatepass")).hexdigest()
