"""The `metadata-filter` transform: the filter that a question says, and what is left to be searched for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.generate.protocol import Generator, JsonSchema
from ragbraid.text.question import check_question
from ragbraid.text.stands_in import stands_in
from ragbraid.transform.writing import generated
from ragbraid.types import Filter

_ASKED = (
    "Which conditions on these fields of a document does the question name? For each give the words of the "
    "question that say it, copied. A question that names none has an empty list of conditions. Reply as "
    'JSON.\nFields: {fields}\nExample, with a field year: "papers since 2019 about tides" has {example}\n\n'
    "Question: {question}"
)
_EXAMPLE = {"conditions": [{"field": "year", "said": "since 2019", "is": "at least", "value": 2019}]}
_OPERATORS = {
    "equal to": "$eq",
    "at least": "$gte",
    "at most": "$lte",
    "more than": "$gt",
    "less than": "$lt",
}
_TYPES = {"int": "integer", "float": "number", "date": "string"}
_MOST = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question asks for: the documents that a filter holds for, if it says one, and the rest of it."""

    question: str
    filter: Filter | None


@dataclass(frozen=True, slots=True)
class MetadataFilter:
    """Takes the filter out of a question: of "papers after 2020 in German" a year, a language, and "papers".

    `fields` are those that a question may name: each with its type, `int`, `float` or `date`, or with a list
    of its values. A `generator` is held to conditions on them, at most four, and has `max_tokens`; with each
    it gives the words that say it. A condition is left out, with a note in the trace, where its words don't
    stand in the question, its number or year isn't among them, or it contradicts another. The rest is the
    question without those words. It is for `only`: `{only: metadata-filter, then: STEPS}` runs steps that see
    those documents alone, whose question is the rest. A filter only narrows what a run may see.

    Raises `InputError` for an empty question, and whatever the generator fails with.
    """

    generator: Generator
    fields: Mapping[str, str | Sequence[str]]
    max_tokens: Annotated[int, Ge(1)] = 200

    blocking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.fields:
            raise ValueError("fields names none")
        for name, kind in self.fields.items():
            if (isinstance(kind, str) and kind not in _TYPES) or not kind:
                raise ValueError(
                    f"the field {name!r} is int, float, date or a list of its values, not {kind!r}"
                )

    def __call__(self, question: str, context: Context) -> Wanted:
        """The filter and the rest; without conditions the question as it is."""
        check_question(question)
        given: list[Any] = []
        asked = _ASKED.format(
            fields=json.dumps(dict(self.fields)), example=json.dumps(_EXAMPLE), question=question
        )
        said = generated(self.generator, asked, self.max_tokens, context, JsonSchema(self._schema()))
        try:
            given = json.loads(said.text)["conditions"]
        except (ValueError, KeyError, TypeError):  # cut off at its last token
            context.note("ignored", ["what the model said is no list of conditions"])
        kept, ignored = self._sound([each for each in given if isinstance(each, dict)], question)
        if ignored:
            context.note("ignored", ignored)
        if not kept:
            return Wanted(question, None)
        conditions = [condition for condition, _ in kept]
        rest = _without(question, [words for _, words in kept])
        context.note("filter", conditions)
        context.note("question", rest)
        return Wanted(rest, conditions[0] if len(conditions) == 1 else {"$and": conditions})

    def _schema(self) -> dict[str, Any]:
        one = []
        for name, kind in self.fields.items():
            own: dict[str, Any] = {"field": {"const": name}, "said": {"type": "string"}}
            if isinstance(kind, str):
                own |= {"is": {"enum": list(_OPERATORS)}, "value": {"type": _TYPES[kind]}}
            else:
                own |= {"value": {"enum": list(kind)}}
            one.append(
                {"type": "object", "properties": own, "required": list(own), "additionalProperties": False}
            )
        items = one[0] if len(one) == 1 else {"anyOf": one}
        listed = {"conditions": {"type": "array", "items": items, "maxItems": _MOST}}
        return {
            "type": "object", "properties": listed, "required": ["conditions"], "additionalProperties": False,
        }  # fmt: skip

    def _sound(
        self, given: Sequence[Mapping[str, Any]], question: str
    ) -> tuple[list[tuple[dict[str, Any], str]], list[str]]:
        """Each condition that the question says, with the words that say it; and why others are left out."""
        kept: list[tuple[dict[str, Any], str]] = []
        ignored: list[str] = []
        for each in given:
            name, words, value = str(each.get("field")), str(each.get("said", "")), each.get("value")
            kind = self.fields.get(name)
            why = _unsaid(name, kind, words, value, question)
            if why:
                ignored.append(why)
                continue
            operator = _OPERATORS.get(str(each.get("is")), "$eq")
            kept.append(({name: {operator: {"$date": value} if kind == "date" else value}}, words))
        for name in self.fields:
            own = [condition[name] for condition, _ in kept if name in condition]
            if _contradictory(own):
                ignored.append(f"the conditions on {name} contradict each other")
                kept = [each for each in kept if name not in each[0]]
        return kept, ignored


def _unsaid(name: str, kind: Any, words: str, value: Any, question: str) -> str:
    """Why a condition isn't one that the question says; empty where it is."""
    if kind is None:
        return f"there is no field {name}"
    if not stands_in(words, question):
        return f"{name}: the question doesn't say {words[:60]!r}"
    if not isinstance(kind, str):
        return "" if value in kind else f"{name}: {value!r} is none of its values"
    if kind == "date":
        try:
            told = date.fromisoformat(str(value)).year
        except ValueError:
            return f"{name}: {value!r} is no date"
        return "" if stands_in(told, words) else f"{name}: {words[:60]!r} doesn't say {value}"
    if isinstance(value, bool) or not isinstance(value, int if kind == "int" else int | float):
        return f"{name}: {value!r} is no {kind}"
    return "" if stands_in(value, words) else f"{name}: {words[:60]!r} doesn't say {value}"


def _contradictory(conditions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether nothing can hold for all of the conditions on a field."""
    low: list[tuple[Any, bool]] = []
    high: list[tuple[Any, bool]] = []
    for condition in conditions:
        for operator, given in condition.items():
            value = given["$date"] if isinstance(given, dict) else given
            if operator in ("$eq", "$gte", "$gt"):
                low.append((value, operator == "$gt"))
            if operator in ("$eq", "$lte", "$lt"):
                high.append((value, operator == "$lt"))
    return any(a > b or (a == b and (open_a or open_b)) for a, open_a in low for b, open_b in high)


def _without(question: str, phrases: Sequence[str]) -> str:
    """The question without these words; as it was where nothing would be left to be searched for."""
    rest = question
    for phrase in phrases:
        at = rest.casefold().find(phrase.casefold())
        if at >= 0:
            rest = f"{rest[:at]} {rest[at + len(phrase) :]}"
    rest = " ".join(rest.split())
    return rest if any(each.isalnum() for each in rest) else question
