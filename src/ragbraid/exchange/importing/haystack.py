"""Pipeline files of Haystack → a pipeline file of ragbraid's, with a line for whatever isn't the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError, PipelineFileError
from ragbraid.exchange.importing.haystack_file import Component, read
from ragbraid.exchange.importing.haystack_parts import Meant, meant
from ragbraid.pipeline.build import tree_of
from ragbraid.pipeline.check import check_tree
from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.environment import variables_of
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.tree import NAME

_TAKEN = {"embedder", "index", "generator", "ingest", "search", "ask", "chat", "question", "k", "history"}
_TAKEN |= {"documents", "chunks", "hits", "answer", "inputs"}
_INDEX = ".ragbraid/index"
_STEPS = ("retriever", "joiner", "ranker")


def imported(files: Sequence[Path], base: Path) -> tuple[str, list[str]]:
    """The text of a pipeline file for the folder `base`, and what there is to say of it.

    The files are those of indexing pipelines and of one that searches, in any order. Raises `InputError` for
    a file that is none, and where nothing in them is a step of ragbraid's.
    """
    reading = _Reading()
    for file in files:
        reading.file(read(file))
    text = _written(reading.sections(), base)
    reading.names(text)
    head = _line(f"Made by `ragbraid import` of {', '.join(each.name for each in files)}.")
    return "\n".join([*(f"# {each}" for each in (head, *reading.notes)), text]), reading.notes


def _written(sections: Any, base: Path) -> str:
    """The text of the file of these sections, checked without a look at the environment."""
    problems = Problems()
    tree, _ = tree_of(sections, problems)
    variables = dict.fromkeys(variables_of(repr(sections)), "unread")
    checked = check_tree(tree, base.absolute(), (), problems, variables).pipeline
    if checked is None:
        raise PipelineFileError(problems.sorted())
    with Pipeline(checked) as pipeline:
        return pipeline.to_yaml()


def _line(text: str) -> str:
    """The text as a comment: on one line, and of characters that a file may have."""
    kept = "".join(each if each.isprintable() else " " if each.isspace() else "�" for each in text)
    return " ".join(kept.split())


class _Reading:
    """What the files' components have come to so far."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._loads = self._stores = False
        self._splitter: dict[str, Any] | None = None
        self._embedder: dict[str, Any] = {}
        self._generator: dict[str, Any] | None = None
        self._reader: dict[str, Any] | None = None
        self._index = _INDEX
        self._hits: dict[str, tuple[str, ...]] = {}
        """Of each component the steps whose hits it gives, or passes on."""
        self._steps: dict[str, dict[str, Any]] = {}
        self._last: tuple[str, ...] = ()
        self._whole = ""
        """A pipeline of ragbraid's that a component is, as it is said of it."""

    def file(self, components: Mapping[str, Component]) -> None:
        """Read one file's components."""
        self._hits = {}
        for each in components.values():
            found = meant(each)
            before = tuple(dict.fromkeys(step for name in each.before for step in self._hits.get(name, ())))
            self._hits[each.name] = before
            if found.kind in _STEPS and (before or found.kind == "retriever"):
                self._step(each, found, before)
            elif found.kind in _STEPS:
                # A joiner of an indexing pipeline: one loader reads everything here.
                self._say(f"{each.said} joins nothing that is searched, and is left out.")
                continue
            else:
                self._part(each, found)
                if found.kind in ("prompt", "generator", "reader", "answer"):
                    self._last = self._last or before
            self._note(each, found)

    def sections(self) -> dict[str, Any]:
        """The sections of the pipeline."""
        if not (self._steps or self._loads or self._stores or self._splitter):
            if self._whole:
                raise InputError(self._whole, "Use that pipeline: there is nothing to import.")
            raise InputError("Nothing in these files is a step of ragbraid's.", "Name a RAG pipeline's file.")
        dense = self._embedder or any("dense" in each["type"] for each in self._steps.values())
        index: dict[str, Any] = {"type": "faiss", "path": self._index}
        components: dict[str, Any] = {"index": index}
        if dense:
            if not self._embedder:
                self._say("No embedder is in the files: all-minilm-l6-v2 takes its place.")
            embedder = self._embedder or {"type": "sentence-transformer", "model": "all-minilm-l6-v2"}
            components = {"embedder": embedder, "index": {**index, "embedder": "embedder"}}
        return {
            "name": "imported",
            "components": components,
            "ingest": self._ingest(bool(dense)),
            **(self._asking(components) if self._steps else {}),
        }

    def _part(self, each: Component, found: Meant) -> None:
        spec = dict(found.spec) if found.spec is not None else None
        match found.kind:
            case "converter":
                self._loads = True
            case "writer":
                self._stores = True
            case "splitter":
                if self._splitter is not None and self._splitter != spec:
                    self._say(f"{each.said} takes the place of the splitter before it: there is one here.")
                self._splitter = spec
            case "whole":
                self._whole = _line(f"{each.said}: {found.note}.")
            case "reader":
                self._reader = spec
            case "generator":
                self._generator = spec if spec is not None else self._generator
            case "embedder":
                standing = {"type": "sentence-transformer", "model": "all-minilm-l6-v2"}
                spec = spec or standing
                held = {key: value for key, value in self._embedder.items() if not key.endswith("_prefix")}
                other = {key: value for key, value in spec.items() if not key.endswith("_prefix")}
                if held and held != other:
                    self._say(f"{each.said} is another model than before: one embedder is for both here.")
                self._embedder = {**spec, **self._embedder}

    def _step(self, each: Component, found: Meant, before: tuple[str, ...]) -> None:
        spec = dict(found.spec or {})
        if found.kind == "retriever":
            self._index = spec.pop("index", self._index)
            if spec["type"] == "hybrid":
                pair = [self._named(each, "dense", spec), self._named(each, "lexical", spec)]
                spec, before = {"type": "rrf"}, tuple(pair)
            else:
                before = ()
        if before and found.kind != "ranker":
            spec["hits"] = list(before)
        elif before:
            if len(before) > 1:
                self._say(f"{each.said} reads several lists of documents: they are fused by rank.")
                before = (self._named(each, "rrf", {"hits": list(before)}),)
            spec["hits"] = before[0]
        if found.kind == "joiner" and len(before) == 1:
            self._hits[each.name] = before
            return
        self._hits[each.name] = (self._named(each, spec["type"], spec),)

    def _named(self, each: Component, kind: str, spec: Mapping[str, Any]) -> str:
        """Keep a step of that type; its id is the component's name where that can be one."""
        name = each.name if NAME.fullmatch(each.name) and kind == spec.get("type", kind) else kind
        while name in self._steps or name in _TAKEN:
            name = f"{name}-{len(self._steps)}"
        self._steps[name] = {**spec, "id": name, "type": kind}
        return name

    def _note(self, each: Component, found: Meant) -> None:
        if found.kind == "none":
            self._say(f"{each.said} has no equivalent, and is left out.")
            return
        said = [found.note] if found.note else []
        left = each.settings.left()
        if left:
            said.append(f"left out: {', '.join(left)}")
        if said:
            self._say(f"{each.said}: {'; '.join(said)}.")

    def names(self, text: str) -> None:
        """Say which variables of the environment the file that was made reads."""
        for each in variables_of(text):
            self._say(f"It reads {each} from the environment.")

    def _say(self, note: str) -> None:
        self.notes.append(_line(note))

    def _ingest(self, dense: bool) -> list[Any]:
        if not (self._loads or self._splitter or self._stores):
            self._say("No file says how documents are indexed: they are read and cut as by default.")
        elif self._splitter is None:
            self._say("Nothing cuts documents in these files: they are cut as by default.")
        splitter = dict(self._splitter or {"type": "recursive-splitter"})
        if dense and splitter["type"] in ("recursive-splitter", "sentences"):
            splitter = {**splitter, "embedder": splitter.get("embedder", "embedder")}
        return [{"type": "files"}, splitter, "index"]

    def _asking(self, components: dict[str, Any]) -> dict[str, Any]:
        """The flows `search` and `ask`."""
        most = self._generator.pop("max_tokens", None) if self._generator is not None else None
        wants = any(each["type"] == "llm" for each in self._steps.values())
        if wants and self._generator is None:
            self._say("A ranker asks a generator, and there is none: it asks smollm2-135m-instruct.")
            self._generator = {"type": "local", "model": "smollm2-135m-instruct"}
        answer: dict[str, Any] = self._reader or {"type": "quote"}
        if self._generator is not None:
            components["generator"] = self._generator
            answer = self._reader or {"type": "compose", "generator": "generator"}
            if most and answer["type"] == "compose":
                answer = {**answer, "max_tokens": most}
        if "embedder" in components and answer["type"] in ("quote", "compose") and self._reader is None:
            answer = {**answer, "embedder": "embedder"}
        return {"search": list(self._read_steps()), "ask": ["search", answer]}

    def _read_steps(self) -> Iterable[dict[str, Any]]:
        """The steps that lead to what is answered from; of the others it is said that they don't."""
        last = self._last or (list(self._steps)[-1],)
        if len(last) > 1:
            self._say("Several lists of documents are answered from: they are fused by rank.")
            name = "fused"
            self._steps[name] = {"id": name, "type": "rrf", "hits": list(last)}
            last = (name,)
        wanted: set[str] = set()
        waiting = list(last)
        while waiting:
            name = waiting.pop()
            wanted.add(name)
            hits = self._steps[name].get("hits", [])
            waiting += [hits] if isinstance(hits, str) else hits
        for name in last:
            if (k := self._steps[name].get("candidates", 10)) != 10:
                self._say(f"`{name}` gives {k} passages to the answer: ask with -k {k} for as many.")
        for name, step in self._steps.items():
            if name not in wanted:
                self._say(f"`{name}` is read by nothing that answers, and is left out.")
                continue
            extra = {"llm": {"generator": "generator"}, "mmr": {"index": "index"}}.get(step["type"], {})
            if step["type"] in ("dense", "lexical"):
                extra = {"index": "index"}
            own = {} if step["id"] == step["type"] else {"id": step["id"]}
            yield {**own, **{key: value for key, value in step.items() if key != "id"}, **extra}
