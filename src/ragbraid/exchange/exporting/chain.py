"""A pipeline's flow `ask` as the chain of parts that another framework has an equivalent of.

A part does exactly what its step does, so the chain answers as the pipeline does. What can't be told apart
so is one part: the whole search, or the whole pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ragbraid.errors import InputError, PipelineFileError
from ragbraid.pipeline.check import check
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.forms.calls import ComponentStep, FlowStep
from ragbraid.pipeline.function import setting_of
from ragbraid.pipeline.model import CheckedPipeline, Constant, Flow, Step
from ragbraid.pipeline.naming import last_word
from ragbraid.pipeline.typecheck import role_of
from ragbraid.pipeline.writing import spec_of
from ragbraid.registry import BUILTIN

K = 10
"""How many hits a question has where nobody says."""

Kind = Literal["words", "meaning", "search", "reranker", "answer", "pipeline"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the chain. `k` is how many hits it gives, None for all that it has.

    `step` is a reranker's or an answer's, as a file writes it; `index` and `embedder` are a retriever's.
    """

    kind: Kind
    name: str
    k: int | None = None
    step: Mapping[str, Any] = field(default_factory=dict)
    index: str = ""
    embedder: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """The parts, each reading what the one before gives, and what could not be said part by part.

    `file` is the pipeline's file, None for the built-in pipeline; `allow` is whose code it may run.
    """

    name: str
    file: Path | None
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    allow: tuple[str, ...] = ()


class _Whole(Exception):
    """Why something can't be taken apart."""


def chain_of(source: PipelineSource, allow: Sequence[str] = ()) -> Chain:
    """The chain of a pipeline file. Raises `PipelineFileError`, and `InputError` without a flow `ask`."""
    found = check(source, allow=allow)
    checked = found.pipeline
    if checked is None:
        raise PipelineFileError(found.diagnostics)
    if "ask" not in checked.flows:
        raise InputError(f"{source.name} has no flow `ask`, so there is nothing to export.", "Give it one.")
    notes: list[str] = []
    try:
        parts = tuple(_parts(checked, notes))
    except _Whole as reason:
        parts, notes = (Part("pipeline", "ask"),), [f"The pipeline is one part: {reason}."]
    if checked.ingest is not None:
        notes.append("Documents are still ingested by `ragbraid ingest`.")
    others = [each for each in checked.flows if each not in ("search", "ask")]
    if others:
        notes.append(f"Left out, since `ask` alone is exported: {', '.join(others)}.")
    if checked.fields and parts[0].kind in ("words", "meaning"):
        notes.append("`fields` is left out: any key of the metadata can be filtered by.")
    file = None if source.path is None else source.base / source.path.name
    code = [str(Path(each).absolute()) if each.endswith(".py") else each for each in allow]
    return Chain(checked.name, file, parts, tuple(notes), tuple(code))


def _parts(checked: CheckedPipeline, notes: list[str]) -> Iterator[Part]:
    flow = checked.flows["ask"]
    first, *rest = flow.steps
    if not isinstance(first, FlowStep):
        yield from _taken_apart(checked, flow, flow.steps[:-1], cut=False)
    elif first.flow != "search" or not _passes_on(first, flow):
        raise _Whole(f"its step `{first.id}` calls a flow in a way of its own")
    else:
        searching = checked.flows["search"]
        try:
            yield from [*_taken_apart(checked, searching, searching.steps, cut=True)]
        except _Whole as reason:
            notes.append(f"The search is one part: {reason}.")
            yield Part("search", "search", K)
        before: Any = first.output
        for each in rest[:-1]:
            yield _reranker(checked, flow, each, before, last=False)
            before = each.output
    yield _answer(checked, flow)


def _passes_on(step: FlowStep, flow: Flow) -> bool:
    """Whether a flow is called with its caller's own inputs alone."""
    return all(
        name in flow.inputs and given is flow.inputs[name].value for name, given in step.arguments.items()
    )


def _taken_apart(checked: CheckedPipeline, flow: Flow, steps: Sequence[Step], *, cut: bool) -> Iterator[Part]:
    """One retriever, and the rerankers behind it; with `cut` the last of them gives `K` hits at most."""
    if not steps:
        raise _Whole("nothing searches in it")
    first, *rest = steps
    if not isinstance(first, ComponentStep):
        raise _Whole(f"its step `{first.id}` is no component")
    yield _retriever(checked, flow, first, last=cut and not rest)
    before = first.output
    for each in rest:
        yield _reranker(checked, flow, each, before, last=cut and each is rest[-1])
        before = each.output


def _retriever(checked: CheckedPipeline, flow: Flow, step: ComponentStep, *, last: bool) -> Part:
    spec = spec_of(checked, step.component)
    index = spec.get("index", {})
    if spec["type"] not in ("dense", "lexical") or step.id != spec["type"]:
        raise _Whole(f"its step `{step.id}` has no equivalent")
    if spec.get("operators", "off") != "off":
        raise _Whole(f"`{step.id}` reads operators in the question")
    if index.get("type") != "faiss" or not index.keys() <= {"type", "path", "embedder"}:
        raise _Whole("its index has settings of its own")
    _demand_bound(flow, step, None)
    k = K if last else max(K, setting_of(step.component, "candidates"))
    # The path itself: what `index` has is the path as a pipeline file writes it.
    path = setting_of(setting_of(step.component, "index"), "path").as_posix()
    if spec["type"] == "lexical":
        return Part("words", step.id, k, index=path)
    return Part("meaning", step.id, k, index=path, embedder=index["embedder"])


def _reranker(checked: CheckedPipeline, flow: Flow, step: Step, before: Any, *, last: bool) -> Part:
    if not isinstance(step, ComponentStep) or role_of(step.signature.output) != "hits":
        raise _Whole(f"its step `{step.id}` has no equivalent")
    if all(each.name != "hits" for each in step.signature.inputs or ()):
        raise _Whole(f"it puts together more than `{flow.steps[0].id}` finds")
    _demand_bound(flow, step, before)
    spec = _named_spec(checked, step)
    if last:
        return Part("reranker", step.id, K, spec)
    if all(each.name != "k" for each in step.signature.inputs or ()):
        return Part("reranker", step.id, None, spec)
    if spec["type"] not in BUILTIN:
        raise _Whole(f"only `{step.id}` itself knows how many hits it gives")
    # ragbraid's own look at, and give, `max(k, candidates)`; those without `candidates` give k.
    return Part("reranker", step.id, max(K, setting_of(step.component, "candidates", K)), spec)


def _answer(checked: CheckedPipeline, flow: Flow) -> Part:
    step = flow.steps[-1]
    if len(flow.steps) < 2 or not isinstance(step, ComponentStep) or step.output is not flow.output:
        raise _Whole(f"its step `{step.id}` has no equivalent")
    if role_of(step.signature.output) != "answer":
        raise _Whole("it doesn't end in a step that answers")
    _demand_bound(flow, step, flow.steps[-2].output)
    return Part("answer", step.id, None, _named_spec(checked, step))


def _demand_bound(flow: Flow, step: ComponentStep, before: Any) -> None:
    """Refuse a step that reads anything but its flow's inputs, the hits of the step before, and defaults."""
    for wanted, given in zip(step.signature.inputs or (), step.arguments, strict=True):
        own = flow.inputs.get(wanted.name)
        left = isinstance(given, Constant) and given.value is wanted.default
        if given is not before and not left and (own is None or given is not own.value):
            raise _Whole(f"`{step.id}` reads more than the hits of the step before it")


def _named_spec(checked: CheckedPipeline, step: ComponentStep) -> dict[str, Any]:
    spec = spec_of(checked, step.component)
    if _runs_code(spec):
        raise _Whole(f"`{step.id}` runs code of your own")
    return spec if step.id == last_word(spec["type"]) else {**spec, "id": step.id}


def _runs_code(spec: Any) -> bool:
    """Whether a component, or one that it refers to, is code of the file's author."""
    if isinstance(spec, Mapping):
        kind = spec.get("type")
        return (isinstance(kind, str) and (":" in kind or "object" in spec)) or any(
            map(_runs_code, spec.values())
        )
    return isinstance(spec, list) and any(map(_runs_code, spec))
