"""The `memory` step: as much of a conversation as a prompt has room for, and the gist of the rest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.generate.protocol import Completion, Generator, Request
from ragbraid.text.bm25 import idf
from ragbraid.text.terms import language_of, terms
from ragbraid.types import Message

_BLOCK = 4
"""Turns that leave the memory together, so that a summary holds for as many turns."""
_SUMMED = 200
"""Turns that a summary looks back upon."""
_KEPT = 64
"""Summaries by a generator that are remembered."""
_READ = 2000
"""Characters of a turn that a summary reads."""
_RECALL = "What have we spoken about so far?"
_ASKED = (
    "Sum up this conversation in a few sentences: what was asked about, and what the answers were, with "
    "names and numbers. Reply with the summary alone.\n\n{said}"
)

Turn = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """Bounds a history: its last turns in full, up to `tokens`, and of those before a summary of `summary`.

    A turn is a question with its answer, and the last one is always kept, cut where it alone is too long. The
    summary, at most that many tokens (0: none), stands before the turns as an exchange of its own. A
    `generator` writes it, anew each fourth turn; without one it is made of the questions that share most
    words with the others, in their order (Erkan & Radev, LexRank, JAIR 2004, section 3.1: centrality by
    degree). Tokens are estimated, a little high. What a user said stays a user's message whatever it looks
    like; messages of `system` and `tool` are left out. Time and memory don't grow with the history. Raises
    whatever the generator fails with.
    """

    tokens: Annotated[int, Ge(1)] = 1000
    summary: Annotated[int, Ge(0)] = 150
    generator: Generator | None = None

    blocking: ClassVar[bool] = True

    def open(self) -> MemoryRuntime:
        """The running step, which remembers what its generator wrote."""
        return MemoryRuntime(self)


class MemoryRuntime:
    """What does the work: see `Memory`."""

    def __init__(self, options: Memory) -> None:
        self._options = options
        self._lock = Lock()
        self._written: OrderedDict[str, str] = OrderedDict()

    def __call__(self, history: list[Message], context: Context) -> list[Message]:
        """The turns that are kept, oldest first, below the summary of the others."""
        turns = _turns(history, _SUMMED + self._options.tokens)
        kept = self._kept(turns)
        fallen = turns[: len(turns) - len(kept)][-_SUMMED:]
        recent = [each for turn in kept for each in turn]
        if not fallen or not self._options.summary:
            return recent
        context.note("summed_up", len(fallen))
        said = self._summary(fallen, context)
        return [Message("user", _RECALL), Message("assistant", said), *recent] if said else recent

    def _kept(self, turns: list[Turn]) -> list[Turn]:
        """The last turns that fit; where some don't, their number changes a block at a time."""
        room = self._options.tokens
        for at in range(len(turns) - 1, -1, -1):
            room -= sum(self._count(each.content) for each in turns[at])
            if room < 0:
                first = min(at + 1, len(turns) - 1)
                first = min(-(-first // _BLOCK) * _BLOCK, len(turns) - 1)
                return [self._cut(turns[first])] if first == len(turns) - 1 else turns[first:]
        return turns

    def _cut(self, turn: Turn) -> Turn:
        """A turn within the room there is: its answer's end goes first, then the question's."""
        room, cut = self._options.tokens, []
        for each in turn:
            text = each.content
            while text and self._count(text) > room:
                text = text[: len(text) * max(1, room) // (self._count(text) + 1)]
            room -= self._count(text)
            cut.append(Message(each.role, text))
        return tuple(cut)

    @staticmethod
    def _count(text: str) -> int:
        """Tokens of a text, a little high: three bytes each."""
        return len(text.encode("utf-8", "replace")) // 3 + 1

    def _summary(self, fallen: Sequence[Turn], context: Context) -> str:
        generator = self._options.generator
        if generator is None:
            return _extracted(fallen, self._options.summary, self._count)
        text = _transcript(fallen)
        most = max(0, generator.context_window - self._options.summary)
        while text and generator.count_tokens(prompt := _prompt(text)) > most:
            text = text[len(text) // 4 :]  # the oldest goes first
        if not text:
            return _extracted(fallen, self._options.summary, self._count)
        with self._lock:
            if text in self._written:
                self._written.move_to_end(text)
                return self._written[text]
        context.check()
        (outcome,) = generator.generate([Request(prompt, self._options.summary)])
        if not isinstance(outcome, Completion):
            raise outcome
        found = " ".join(outcome.text.split())
        with self._lock:
            self._written[text] = found
            while len(self._written) > _KEPT:
                self._written.popitem(last=False)
        return found


def _turns(history: Sequence[Message], most: int) -> list[Turn]:
    """The last questions, each with what was answered, oldest first; it reads no further back than they."""
    found: list[Turn] = []
    answers: list[Message] = []
    for each in reversed(history):
        if each.role == "assistant":
            answers.insert(0, each)
        elif each.role == "user":
            found.append((each, *answers))
            answers = []
            if len(found) == most:
                break
    # Blocks are counted from the first turn of all, so that those of a summary stay the same for a while.
    before = sum(each.role == "user" for each in history) - len(found)
    return found[::-1][-before % _BLOCK :]


def _prompt(text: str) -> tuple[Message, ...]:
    return (Message("user", _ASKED.format(said=text)),)


def _transcript(turns: Sequence[Turn]) -> str:
    lines = [
        f"{'Question' if each.role == 'user' else 'Answer'}: {' '.join(each.content[:_READ].split())}"
        for turn in turns
        for each in turn
    ]
    return "\n".join(lines)


def _extracted(turns: Sequence[Turn], most: int, count: Callable[[str], int]) -> str:
    """The questions that share most words with the others, in their order, within so many tokens."""
    questions = list(dict.fromkeys(" ".join(turn[0].content[:300].split()) for turn in turns))
    questions = [each for each in questions if each]
    language = language_of(questions)
    held = [set(terms(each, language)) for each in questions]
    known: dict[str, int] = {}
    for each in held:
        for term in each:
            known[term] = known.get(term, 0) + 1
    weights = [
        sum(idf(known[term], len(held)) * (known[term] - 1) for term in each) / (len(each) or 1)
        for each in held
    ]
    order = sorted(range(len(questions)), key=lambda at: (-weights[at], -at))
    room, taken = most - count("Asked so far:"), []
    for at in order:
        room -= count(questions[at]) + 1
        if room < 0:
            break
        taken.append(at)
    return "Asked so far: " + " ".join(questions[at] for at in sorted(taken)) if taken else ""
