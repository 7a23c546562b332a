"""Two recordings of a question, step by step: what differs, and where it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import unified_diff
from itertools import zip_longest
from typing import Any

from ragbraid.pipeline.recording.hits import HitChange, close, hit_changes
from ragbraid.pipeline.recording.values import Generation, Recording, Stage, StepRecord
from ragbraid.serial import to_json
from ragbraid.types import Answer, Message


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A named value, then and now; None where there was none."""

    name: str
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """What one step gives otherwise than it did: hits, values, or the lines of a prompt as a unified diff.

    `settings` are those of the step that have changed. Of a ranking that wasn't there then, `hits` are what
    it makes of those that it is given.
    """

    stage: Stage
    step: str
    hits: tuple[HitChange, ...] = ()
    values: tuple[ValueChange, ...] = ()
    diff: str = ""
    settings: tuple[ValueChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences in the order of the run, and what has changed around it: settings, versions, documents.

    Recordings are equal where every step gives the same, whatever has changed around them.
    """

    differences: tuple[Difference, ...]
    changes: tuple[ValueChange, ...]

    @property
    def equal(self) -> bool:
        """Whether every step gives the same."""
        return not self.differences

    @property
    def cause(self) -> Difference | None:
        """The first difference: the later ones may follow from it."""
        return self.differences[0] if self.differences else None

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        cause = None if self.cause is None else {"stage": self.cause.stage, "step": self.cause.step}
        return {
            "schema": 1,
            "equal": self.equal,
            "cause": cause,
            "differences": to_json(self.differences),
            "changes": to_json(self.changes),
        }


def compare(then: Recording, now: Recording) -> Comparison:
    """What differs. Scores count as equal within a ten-thousandth, as threads and machines make them."""
    settings = _changes("", then.pipeline.settings, now.pipeline.settings)
    documents = _changes("document ", then.documents, now.documents)
    # What a search finds now and didn't then is a difference of hits, not a change of documents.
    documents = [each for each in documents if each.was and each.now is not None]
    around = [*settings, *documents]
    if then.chunks != now.chunks:
        around.append(ValueChange("chunks in the index", then.chunks, now.chunks))
    around += _changes("", then.versions, now.versions)
    differences = [
        Difference(each.stage, each.step, each.hits, each.values, each.diff, _of_step(each.step, settings))
        for each in _differences(then, now, {each.name.removeprefix("document "): each for each in documents})
    ]
    return Comparison(tuple(differences), tuple(around))


def _of_step(step: str, settings: Sequence[ValueChange]) -> tuple[ValueChange, ...]:
    return tuple(each for each in settings if each.name == step or each.name.startswith(f"{step}."))


def _changes(prefix: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[ValueChange]:
    names = [*then, *(each for each in now if each not in then)]
    pairs = [(name, then.get(name), now.get(name)) for name in names]
    return [ValueChange(prefix + name, was, is_) for name, was, is_ in pairs if was != is_]


def _differences(
    then: Recording, now: Recording, documents: Mapping[str, ValueChange]
) -> Iterator[Difference]:
    one, other = _by_key(then.steps), _by_key(now.steps)
    failed = {each.error.step for each in (then, now) if each.error is not None}
    for key in _merged(list(one), list(other)):
        was, is_ = one.get(key), other.get(key)
        if was is not None and is_ is not None:
            # A step that failed may not have come as far as to ask a generator.
            pairs = zip if was.step in failed else zip_longest
            yield from _generations(was.step, pairs(was.generations, is_.generations))
            yield from _output(was, is_, documents)
        elif not failed:
            ran = was or is_
            assert ran is not None
            change = ValueChange("step", *("run" if each is not None else "not run" for each in (was, is_)))
            hits = () if was is not None else _made_of_hits(ran, now)
            yield Difference(ran.stage, ran.step, hits, values=(change,))
    yield from _ends(then, now)


def _ends(then: Recording, now: Recording) -> Iterator[Difference]:
    if then.error != now.error:
        step = (now.error or then.error).step  # type: ignore[union-attr]  # one of them is an error
        stages = {each.step: each.stage for each in (*then.steps, *now.steps)}
        told = (None if each.error is None else each.error.message for each in (then, now))
        yield Difference(stages.get(step, "other"), step, values=(ValueChange("error", *told),))
    elif then.answer is not None and now.answer is not None:
        changes = _answers(then.answer, now.answer)
        if changes:
            steps = [each.step for each in now.steps if each.stage == "answer"]
            yield Difference("answer", steps[-1] if steps else "", values=tuple(changes))


def _made_of_hits(added: StepRecord, now: Recording) -> tuple[HitChange, ...]:
    """What a new ranking makes of the hits before it; nothing where it doesn't take them from there alone."""
    earlier = [each for each in now.steps[: now.steps.index(added)] if each.hits is not None]
    if added.stage != "ranking" or not added.hits or not earlier:
        return ()
    given = earlier[-1].hits or ()
    if not {each.id for each in added.hits} <= {each.id for each in given}:
        return ()
    return tuple(hit_changes(given, added.hits, {}))


def _by_key(steps: Sequence[StepRecord]) -> dict[tuple[str, int], StepRecord]:
    """Steps by name and how often they had run before: a loop runs one several times."""
    met: Counter[str] = Counter()
    found = {}
    for each in steps:
        found[each.step, met[each.step]] = each
        met[each.step] += 1
    return found


def _merged(one: Sequence[tuple[str, int]], other: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The keys of both in an order that fits both, as far as there is one."""
    merged = list(one)
    place = 0
    for key in other:
        if key in merged:
            place = max(place, merged.index(key) + 1)
        else:
            merged.insert(place, key)
            place += 1
    return merged


def _generations(
    step: str, pairs: Iterable[tuple[Generation | None, Generation | None]]
) -> Iterator[Difference]:
    for one, other in pairs:
        if one is None or other is None:
            told = ("asked" if each is not None else "not asked" for each in (one, other))
            yield Difference("prompt", step, values=(ValueChange("generator", *told),))
            continue
        before, after = _prompt(one), _prompt(other)
        if before != after:
            diff = "\n".join(unified_diff(before, after, "recorded", "now", lineterm=""))
            yield Difference("prompt", step, diff=diff)
        # Held to quotes, a model is held to others where its prompt quotes others.
        left_out = {"prompt"} if before == after else {"prompt", "constraint"}
        if changes := _of_model(one, other, left_out):
            yield Difference("model", step, values=tuple(changes))


def _prompt(generation: Generation) -> list[str]:
    """A prompt's lines, each message below its role."""
    prompt = generation.request.prompt
    if isinstance(prompt, str):
        return prompt.splitlines()
    return [line for each in prompt for line in _message(each)]


def _message(message: Message) -> list[str]:
    return [f"[{message.role}]", *message.content.splitlines()]


def _of_model(one: Generation, other: Generation, left_out: Set[str]) -> list[ValueChange]:
    was, now = (
        {
            **{key: value for key, value in to_json(each.request).items() if key not in left_out},
            "completion": None if each.completion is None else each.completion.text,
            "finish_reason": None if each.completion is None else each.completion.finish_reason,
            "error": each.error or None,
        }
        for each in (one, other)
    )
    return _changes("", was, now)


def _output(was: StepRecord, now: StepRecord, documents: Mapping[str, ValueChange]) -> Iterator[Difference]:
    if was.hits is not None and now.hits is not None:
        if changes := hit_changes(was.hits, now.hits, {each: str(documents[each].now) for each in documents}):
            yield Difference(was.stage, was.step, hits=tuple(changes))
    elif was.stage != "answer" and to_json(was.value) != to_json(now.value):
        yield Difference(was.stage, was.step, values=(ValueChange("value", was.value, now.value),))


def _answers(one: Answer, other: Answer) -> list[ValueChange]:
    was, now = (
        {
            "text": each.text,
            "short": each.short,
            "abstained": each.abstained,
            "citations": [f"{of.source}, characters {of.start}–{of.end}" for of in each.citations],
        }
        for each in (one, other)
    )
    changes = _changes("", was, now)
    if not close(one.confidence, other.confidence):
        changes.append(ValueChange("confidence", one.confidence, other.confidence))
    return changes
