"""Answers by quotation: ranking decides what is quoted, the model says the short answer within it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from ragbraid.answer.protocol import Abstain
from ragbraid.answer.weighed import FEATURES, Weighed
from ragbraid.context import Context
from ragbraid.embed.protocol import TokenEmbedder
from ragbraid.generate.protocol import Generator
from ragbraid.index.protocol import TokenIndex
from ragbraid.text.question import check_question
from ragbraid.types import Answer, Delta, Hit

if TYPE_CHECKING:
    from ragbraid.answer.candidates import Candidate
    from ragbraid.answer.features import Features


@dataclass(frozen=True, slots=True)
class Quote:
    """Answers with quoted sentences, one to three by default, and with the model's short answer within them.

    The sentences of the best `passages` are weighed by a few features (see `answer.features`), better with
    an `embedder`, and faster where the `index` keeps the tokens of its chunks (`tokens` of `faiss`); a
    sentence is quoted where its chance of holding the answer outweighs `price` per word, and at most
    `max_sentences` are. `text` is the quotes, one a line; `short` the words that the
    `generator`, held to the quotes, chose. Where nothing found speaks of the question, it abstains and says
    what came nearest: with `abstain` strict sooner, with never not at all, or below a `threshold` of the
    confidence. `weights` are the features' own where others fit one's documents better; `ragbraid tune
    answers` finds both. Raises `InputError` for an empty question, `ModelMissing` where the generator's model
    is.
    """

    generator: Generator | None = None
    embedder: TokenEmbedder | None = None
    passages: Annotated[int, Ge(1)] = 5
    max_sentences: Annotated[int, Ge(1)] = 3
    price: Annotated[float, Ge(0)] = 0.0043
    short: bool = True
    abstain: Abstain = "default"
    threshold: Annotated[float, Ge(0), Le(1)] | None = None
    weights: Mapping[str, float] | None = None
    index: TokenIndex | None = None

    blocking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.weights is not None and (wrong := sorted(set(self.weights) - set(FEATURES))):
            raise ValueError(f"there is no feature {wrong[0]!r}; they are {', '.join(FEATURES)}")
        if self.index is not None:
            from ragbraid.text.late import demand_tokens

            demand_tokens(self.index, self.embedder)

    def __call__(self, question: str, hits: list[Hit], context: Context) -> Answer:
        """The quotes and the short answer."""
        return self._shortened(question, self._quoted(question, hits), context)

    def stream(self, question: str, hits: list[Hit], context: Context) -> Iterator[Delta | Answer]:
        """The quotes as soon as they are chosen, then the answer with the model's words."""
        quoted = self._quoted(question, hits)
        yield Delta(quoted.text)
        yield self._shortened(question, quoted, context)

    def why(self, question: str, hits: list[Hit]) -> list[Weighed]:
        """Every sentence that could have been quoted, the likeliest first, with what spoke for it."""
        from ragbraid.answer.confidence import confidence

        found, rows, likely, chosen = self._weigh(question, hits)
        if confidence(rows, hits) < self._threshold():
            chosen = []
        weighed = [
            Weighed(
                each.hit.source, each.hit.start + each.start, each.hit.start + each.end, each.text,
                row, chance, each in chosen,
            )
            for each, row, chance in zip(found, rows, likely, strict=True)
        ]  # fmt: skip
        return sorted(weighed, key=lambda each: -each.score)

    def _weigh(
        self, question: str, hits: list[Hit]
    ) -> tuple[list[Candidate], list[Features], list[float], list[Candidate]]:
        """The candidates, their features and chances, and those that are chosen."""
        # Checking a file imports this module, and needs none of the patterns that these compile.
        from ragbraid.answer.candidates import candidates
        from ragbraid.answer.features import features
        from ragbraid.answer.select import choose, probabilities

        found = candidates(hits[: self.passages])
        rows = features(question, found, hits, self.embedder, self.index)
        likely = probabilities(rows, self.weights)
        chosen = choose([each.words for each in found], likely, self.price, self.max_sentences)
        return found, rows, likely, [found[each] for each in chosen]

    def _threshold(self) -> float:
        from ragbraid.answer.confidence import THRESHOLDS

        return THRESHOLDS[self.abstain] if self.threshold is None else self.threshold

    def _quoted(self, question: str, hits: list[Hit]) -> Answer:
        from ragbraid.answer.confidence import confidence, refusal
        from ragbraid.answer.select import quotes

        check_question(question)
        _, rows, _, chosen = self._weigh(question, hits)
        sure = confidence(rows, hits)
        if not chosen or sure < self._threshold():
            said = refusal(hits, chosen[0] if chosen else None)
            return Answer(said, abstained=True, confidence=sure, hits=tuple(hits))
        cited = quotes(chosen)
        text = "\n".join(each.quote for each in cited)
        return Answer(text, confidence=sure, citations=tuple(cited), hits=tuple(hits))

    def _shortened(self, question: str, quoted: Answer, context: Context) -> Answer:
        if self.generator is None or not self.short or quoted.abstained:
            return quoted
        from ragbraid.answer.short import short_answer

        place, usage = short_answer(self.generator, question, quoted.citations, context)
        if place is None:
            return replace(quoted, usage=usage)
        return replace(quoted, short=place.quote, short_citation=place, usage=usage)
