"""The `decompose` transform: a question of several parts, part by part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from ragbraid.context import Context
from ragbraid.generate.protocol import Generator
from ragbraid.text.question import check_question
from ragbraid.transform.parts import parts
from ragbraid.transform.writing import askable, written

_ASKED = (
    "Split this question into the simple questions that have to be answered first, each complete in itself, "
    "at most {most}. If it is one simple question, give it alone. Reply with a JSON array of texts.\n\n"
    "Question: {question}"
)
# What a question of one part seldom has.
_HINTS = re.compile(
    r"\b(?:and|or|but|both|each|than|versus|vs|compare|differ\w*|before|after|that|who|whose|which)\b|,|;"
    r"|\b(?:und|oder|als|et|ou|que|y|o|e)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Decompose:
    """Splits a question into sub-questions, at most `most`, for a flow that answers one after the other.

    Rules come first: questions in a row, two of them joined by a conjunction ("Who built it, and when?"),
    things compared or named together ("Is A older than B?"), in English. Where they find one part alone and
    the question looks like more, the `generator` is asked, if there is one, held to a JSON array of at most
    `max_tokens`. A sub-question repeats what an earlier one named. A question of one part stays as it is.
    Source: Khot et al., Decomposed Prompting, ICLR 2023; Min et al., DecompRC, ACL 2019 (kinds of parts).

    Raises `InputError` for an empty question, and whatever the generator fails with.
    """

    generator: Generator | None = None
    most: Annotated[int, Ge(1), Le(10)] = 4
    max_tokens: Annotated[int, Ge(1)] = 200

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, context: Context) -> list[str]:
        """The sub-questions in their order, at least one."""
        check_question(question)
        found, by = parts(question, self.most), "rules"
        if (
            len(found) == 1
            and self.generator is not None
            and _HINTS.search(question.strip().split(" ", 1)[-1])
        ):
            asked = _ASKED.format(most=self.most, question=question)
            found, by = written(self.generator, asked, self.most, self.max_tokens, context), "the generator"
        found = askable(found, question, self.most)
        if len(found) > 1:
            context.note("parts", {"questions": found, "by": by})
        return found if len(found) > 1 else [question]
