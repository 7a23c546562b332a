"""Answers in prose, written by the generator, each sentence verified before it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from ragbraid.answer.candidates import candidates
from ragbraid.answer.confidence import confidence, refusal
from ragbraid.answer.features import features
from ragbraid.answer.markers import Markers, unmarked
from ragbraid.answer.prefill import Prefilled
from ragbraid.answer.prompt import fitted
from ragbraid.answer.prose import Sentences
from ragbraid.answer.protocol import Entailer
from ragbraid.answer.support import Judged, judge
from ragbraid.context import Context
from ragbraid.embed.protocol import TokenEmbedder
from ragbraid.generate.protocol import Completion, Generator, Request
from ragbraid.text.question import check_question
from ragbraid.types import Answer, Citation, Delta, Hit, Message, Usage

MARK = " [unsupported]"
"""Stands behind a sentence that no passage supports, where such are marked."""
_ENDS = (".", "!", "?", "…", "。", "！", "？", "]", ")", '"', "”", "»")
"""What a sentence that is whole ends with."""
_AGAIN = 3
"""So often in a row a sentence comes back before the model is stopped: it would go on to `max_tokens`."""


@dataclass(frozen=True, slots=True)
class Compose:
    """Answers in prose with `[n]` markers, each sentence verified against the passages that it names.

    The generator sees the best `passages`, as many as fit its window, and the conversation so far. Of each
    sentence that it writes, quotations must stand word for word in a passage that it names; numbers and
    names must be there; and its words, or with an `embedder` its meaning, must be those of a sentence or two
    there; with `entailment` it must follow from them, too. One that fails is left out (`unsupported: drop`),
    marked, or kept; the trace says which, and why. Unless all is kept, a sentence that was shown before and
    one that `max_tokens` cut short are left out as well, and a model that writes one sentence again and again
    is stopped. A stream holds a sentence back until it is verified. A marker that names no passage is
    removed. An answer has at most `max_tokens` of the model's tokens.
    Abstains where there are no hits, or no sentence is left. Raises `InputError` for an empty question, and
    whatever the generator fails with.
    """

    generator: Generator
    embedder: TokenEmbedder | None = None
    entailment: Entailer | None = None
    passages: Annotated[int, Ge(1)] = 6
    max_tokens: Annotated[int, Ge(1)] = 400
    unsupported: Literal["drop", "mark", "keep"] = "drop"

    blocking: ClassVar[bool] = True

    def __call__(
        self,
        question: str,
        hits: list[Hit],
        context: Context,
        history: list[Message] | None = None,
        prefill: Prefilled | None = None,
    ) -> Answer:
        """The whole answer at once."""
        *_, answer = self.stream(question, hits, context, history, prefill)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self,
        question: str,
        hits: list[Hit],
        context: Context,
        history: list[Message] | None = None,
        prefill: Prefilled | None = None,
    ) -> Iterator[Delta | Answer]:
        """The prose, sentence by sentence, or the refusal, then the answer."""
        del prefill  # that it is there says that the generator has read the beginning
        check_question(question)
        if not hits:
            yield from _refused(Answer(refusal(hits, None), abstained=True))
            return
        shown = hits[: self.passages]
        prompt, kept = fitted(self.generator, question, shown, history or (), self.max_tokens, context)
        written = _Written(self, shown[:kept])
        usage, cut = Usage(), False
        for piece in self.generator.stream(Request(prompt, max_tokens=self.max_tokens)):
            context.check()
            if isinstance(piece, Completion):
                usage, cut = piece.usage, piece.finish_reason == "length"
                continue
            yield from map(Delta, written.feed(piece))
            if written.again >= _AGAIN:
                context.note("stopped", "The model was stopped: it wrote one sentence again and again.")
                count = self.generator.count_tokens
                usage = Usage(count(prompt), count(written.read), 1)
                break
        else:
            yield from map(Delta, written.finish(cut=cut))
        written.note(context)
        sure = _confidence(question, shown, hits)
        if not written.text:
            nearest = next(iter(candidates(shown)), None)
            said = refusal(hits, nearest)
            yield from _refused(Answer(said, abstained=True, confidence=sure, hits=tuple(hits), usage=usage))
            return
        yield Answer(
            text=written.text,
            confidence=sure,
            citations=tuple(dict.fromkeys(written.citations)),
            hits=tuple(hits),
            usage=usage,
        )


def _refused(answer: Answer) -> Iterator[Delta | Answer]:
    """A refusal as a stream: nothing was shown before it."""
    yield Delta(answer.text)
    yield answer


class _Written:
    """The prose as far as it is verified. What `feed` and `finish` give joins to `text`."""

    def __init__(self, options: Compose, hits: Sequence[Hit]) -> None:
        self._options, self._hits = options, hits
        self._markers, self._sentences = Markers(len(hits)), Sentences()
        self._left_out: list[dict[str, Any]] = []
        self._space = ""
        self._claims: set[str] = set()
        self.again = 0
        """How many sentences in a row were there before."""
        self.read = ""
        """All that was fed."""
        self.text = ""
        self.citations: list[Citation] = []

    def feed(self, piece: str) -> Iterator[str]:
        """What can be shown now."""
        self.read += piece
        for each in self._sentences.feed(self._markers.feed(piece)):
            yield from self._taken(each)

    def finish(self, *, cut: bool = False) -> Iterator[str]:
        """What was held back at the end; `cut` says that the last sentence may not be whole."""
        *whole, last = [*self._sentences.feed(self._markers.finish()), *self._sentences.finish()] or [""]
        for each in whole:
            yield from self._taken(each)
        yield from self._taken(last, cut=cut and not last.rstrip().endswith(_ENDS))

    def note(self, context: Context) -> None:
        """Tell the trace what was removed."""
        if self._markers.removed:
            context.note("markers_removed", self._markers.removed)
        if self._left_out:
            context.note("unsupported", self._left_out)

    def _taken(self, sentence: str, *, cut: bool = False) -> Iterator[str]:
        bare = sentence.strip()
        if bare:
            claim, numbers = unmarked(bare)
            needless = self._needless(claim, cut=cut)
            found = Judged(((needless, ""),)) if needless else self._judged(claim, numbers)
            if cut and not found.citations:  # the beginning of a sentence that claims nothing yet
                found = Judged((("cut", ""),))
            self.citations += found.citations
            if not found.supported:
                self._left_out.append({"sentence": bare, "why": [list(each) for each in found.faults]})
                if needless or self._options.unsupported == "drop":
                    self._space = max(self._space, sentence[len(sentence.rstrip()) :], key=_breadth)
                    return
                bare += MARK if self._options.unsupported == "mark" else ""
            # White space goes before a sentence that is shown, so that none stands at the end.
            before = self._space or sentence[: len(sentence) - len(sentence.lstrip())]
            shown = (before if self.text else "") + bare
            self.text += shown
            self._space = ""
            yield shown
        self._space = sentence[len(sentence.rstrip()) :]

    def _needless(self, claim: str, *, cut: bool) -> Literal["repeated", "cut"] | None:
        """Why a sentence would say nothing, whether it is so or not."""
        if self._options.unsupported == "keep":
            return None
        said = " ".join(claim.split())
        self.again = self.again + 1 if said in self._claims else 0
        self._claims.add(said)
        if self.again:
            return "repeated"
        return "cut" if cut and self.text else None

    def _judged(self, claim: str, numbers: Sequence[int]) -> Judged:
        cited = [each - 1 for each in numbers]
        options = self._options
        return judge(claim, cited, self._hits, options.embedder, options.entailment)


def _breadth(space: str) -> tuple[int, int]:
    """How far white space parts two sentences: by lines first."""
    return space.count("\n"), len(space)


def _confidence(question: str, shown: Sequence[Hit], hits: Sequence[Hit]) -> float:
    return confidence(features(question, candidates(shown), hits, None), hits)
