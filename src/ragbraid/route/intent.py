"""A router as a step: the name of the route that each question takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.errors import InputError
from ragbraid.route.protocol import Decision, RouteName, Router
from ragbraid.text.question import check_question
from ragbraid.types import Batch


@dataclass(frozen=True, slots=True)
class Intent:
    """Names the route that a question takes, or `otherwise`, for a step that branches on it.

    All questions of a run are embedded at once, by the router's embedder; a retriever with an equal one takes
    over their vectors. The trace tells the route, its confidence and what came nearest. A question that is
    empty or too long gets an `InputError` of its own.
    """

    router: Router

    blocking: ClassVar[bool] = True

    def __call__(self, question: Batch[str], context: Context) -> Batch[RouteName]:
        """One name a question."""
        found = decisions(self.router, question, context)
        named = (each if isinstance(each, InputError) else RouteName(each.route) for each in found)
        return Batch(named)  # type: ignore[arg-type]  # an error says that this one question failed


@dataclass(frozen=True, slots=True)
class Intents:
    """Names all routes that a question takes, best first, at most `most`; none where no route does.

    For a question that asks for several things at once. Otherwise as `intent`.
    """

    router: Router
    most: Annotated[int, Ge(1)] = 3

    blocking: ClassVar[bool] = True

    def __call__(self, question: Batch[str], context: Context) -> Batch[list[RouteName]]:
        """The names of each question's routes."""
        found = decisions(self.router, question, context)
        named = (
            each if isinstance(each, InputError) else [RouteName(name) for name in each.routes[: self.most]]
            for each in found
        )
        return Batch(named)  # type: ignore[arg-type]


def decisions(router: Router, questions: Sequence[str], context: Context) -> list[Decision | InputError]:
    """Where each question goes, or what is wrong with it; told in the trace."""
    problems: dict[int, InputError] = {}
    for place, each in enumerate(questions):
        try:
            check_question(each)
        except InputError as error:
            problems[place] = error
    valid = [each for place, each in enumerate(questions) if place not in problems]
    embedder = router.embedder
    vectors = embedder.embed(valid, "query") if valid and embedder is not None else None
    made = router.decide(valid, vectors) if valid else []
    if len(made) == 1:
        _note(made[0], context)
    rest = iter(made)
    return [problems.get(place) or next(rest) for place in range(len(questions))]


def _note(decision: Decision, context: Context) -> None:
    context.note("route", decision.route)
    context.note("confidence", round(decision.confidence, 3))
    context.note(
        "nearest",
        {each.route: [round(each.score, 3), round(each.threshold, 3)] for each in decision.candidates},
    )
