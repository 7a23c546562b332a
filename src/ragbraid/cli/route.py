"""`ragbraid route`: where questions go, and how well."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import interrupts, options, output
from ragbraid.errors import InputError
from ragbraid.serial import to_json

if TYPE_CHECKING:
    from ragbraid.route.judge import Judged
    from ragbraid.route.protocol import Decision, Fitted, Neighbour

app = typer.Typer(help="See where questions go, and how well.", no_args_is_help=True, cls=options.Group)
_Router = Annotated[
    str | None,
    typer.Option("--router", metavar="NAME", help="The router, where the pipeline has several."),
]
_SHOWN = 12
"""Confusions that are shown."""


@app.callback()
def _group() -> None:
    """See where questions go, and how well."""


@app.command("fit", cls=options.Command)
def fit(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the thresholds, for the router's `thresholds`.")
    ] = None,
    router: _Router = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Find each route's threshold by cross-validation over its utterances.

    A router does the same when it opens. A file of thresholds can be read, compared and changed, and holds
    until the utterances change.

    For example: ragbraid route fit -p router.yaml --out thresholds.json
    """
    interrupts.leave_at_once()
    with options.load(pipeline, overrides, allow) as loaded:
        found = loaded.part("router", router).fit()
    if out is not None:
        from ragbraid.route.thresholds_file import write_fitted

        write_fitted(out, found)
    if as_json:
        output.print_json(to_json(found))
    else:
        _show_fitted(found)
        if out is not None:
            output.say(f"Written to {out}; name it as the router's `thresholds`.")


@app.command("test", cls=options.Command)
def measure(
    questions: Annotated[
        Path, typer.Argument(metavar="QUESTIONS", help="YAML or JSON: questions by their right route.")
    ],
    router: _Router = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Measure a router on questions whose routes are known.

    QUESTIONS is {billing: ["Why was I charged twice?", …], otherwise: ["How high is Mont Blanc?", …]}; under
    otherwise are questions that no route is for.

    For example: ragbraid route test questions.yaml -p router.yaml
    """
    interrupts.leave_at_once()
    from ragbraid.route.judge import judge
    from ragbraid.route.protocol import OTHERWISE
    from ragbraid.route.routes_file import read_examples

    asked = [(text, name) for name, texts in read_examples(questions).items() for text in texts]
    with options.load(pipeline, overrides, allow) as loaded:
        part = loaded.part("router", router)
        if strange := {name for _, name in asked} - {*part.names, OTHERWISE}:
            said = f"{questions} has questions for {min(strange)!r}, and the router has no such route."
            raise InputError(said, f"It has {', '.join(part.names)}.")
        embedder = part.embedder
        texts = [text for text, _ in asked]
        vectors = None if embedder is None else embedder.embed(texts, "query")
        found = part.decide(texts, vectors)
    judged = judge([(right, each.route) for (_, right), each in zip(asked, found, strict=True)])
    if as_json:
        wrong = [
            {"question": text, "right": right, "taken": each.route, "confidence": each.confidence}
            for (text, right), each in zip(asked, found, strict=True)
            if each.route != right
        ]
        output.print_json({**to_json(judged), "wrong": wrong})
    else:
        _show_judged(judged)


@app.command("explain", cls=options.Command)
def explain(
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    router: _Router = None,
    filter_text: options.FilterText = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell why a question goes where it goes.

    The nearest routes with their scores and thresholds, the nearest utterances, and what the decision took.

    For example: ragbraid route explain "Where is my parcel?" -p router.yaml
    """
    interrupts.leave_at_once()
    from ragbraid.text.question import check_question

    check_question(question)
    wanted = options.parse_filter(filter_text)
    with options.load(pipeline, overrides, allow) as loaded:
        part = loaded.part("router", router, filter=wanted, collection=collection)
        embedder = part.embedder
        vector = None if embedder is None else embedder.embed([question], "query")
        part.decide([question], vector)
        near = part.nearest(question, vector)
        part = loaded.part("router", router, filter=wanted, collection=collection)  # it remembers nothing
        begun, embedder = time.perf_counter(), part.embedder
        vector = None if embedder is None else embedder.embed([question], "query")
        embedded = time.perf_counter()
        (found,) = part.decide([question], vector)
        decided = time.perf_counter()
    took = {"embed_ms": 1000 * (embedded - begun), "decide_ms": 1000 * (decided - embedded)}
    if as_json:
        output.print_json({**to_json(found), "nearest": to_json(near), **took})
    else:
        _show_decision(found, near, took)


def _show_fitted(found: Fitted) -> None:
    width = max(map(len, found.thresholds), default=5)
    output.show(f"{'route':<{width}}  threshold", bold=True)
    for name, each in found.thresholds.items():
        output.show(f"{name:<{width}}  {each:>9.3f}")
    output.show(
        f"\nOf {found.utterances:,} utterances, each left out in turn, {found.recognised:.0%} are nearest to "
        f"their own route and {found.accepted:.0%} are taken by it. Of those whose whole route is left out, "
        f"{found.refused:.0%} are taken by none."
    )


def _show_judged(found: Judged) -> None:
    width = max(len("out-of-scope recall"), *map(len, found.routes))
    output.show(f"{'questions':<{width}}  {found.questions:>9,}")
    output.show(f"{'accuracy':<{width}}  {found.accuracy:>9.3f}")
    output.show(f"{'in-scope accuracy':<{width}}  {_figure(found.in_scope)}")
    output.show(f"{'out-of-scope recall':<{width}}  {_figure(found.refused)}")
    output.show(f"\n{'route':<{width}}  questions  precision   recall", bold=True)
    for name, each in found.routes.items():
        output.show(f"{name:<{width}}  {each.questions:>9}  {_figure(each.precision)}{_figure(each.recall)}")
    pairs = [(many, one, to) for one, others in found.confusion.items() for to, many in others.items()]
    if pairs:
        output.show("\nTaken for another", bold=True)
    for many, one, to in sorted(pairs, key=lambda each: -each[0])[:_SHOWN]:
        output.show(f"{many:>4}  {one} → {to}")
    if len(pairs) > _SHOWN:
        output.show(f"      … and {len(pairs) - _SHOWN} rarer ones")


def _figure(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.3f}':>9}"


def _show_decision(found: Decision, near: list[Neighbour], took: dict[str, float]) -> None:
    output.show(f"{found.route}  (confidence {found.confidence:.2f})", bold=True)
    if len(found.routes) > 1:
        output.show(f"Also taken by: {', '.join(found.routes[1:])}")
    width = max(map(len, ["route", *(each.route for each in found.candidates)]))
    output.show(f"\n{'route':<{width}}    score  threshold  by", bold=True)
    for each in found.candidates:
        mark = "*" if each.route in found.routes else " "
        output.show(f"{each.route:<{width}}  {each.score:>7.3f}  {each.threshold:>9.3f}{mark} {each.by}")
    if near:
        output.show("\nNearest utterances", bold=True)
    for one in near:
        output.show(f"{one.score:>7.3f}  {one.route}: {output.one_line(one.utterance)}", hanging=9)
    output.show(f"\nembedding {took['embed_ms']:.1f} ms, decision {took['decide_ms']:.2f} ms", dim=True)
