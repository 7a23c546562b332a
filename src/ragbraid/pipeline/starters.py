"""The pipelines that ship with ragbraid as beginnings of a user's own."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from ragbraid.pipeline.diagnostics import Place, Problems
from ragbraid.pipeline.find import packaged, packaged_names
from ragbraid.pipeline.parse import parse
from ragbraid.pipeline.tree import Map, Scalar

DEFAULT = "local"
_COMMAND = "#   "
_COPY = re.compile(r"Copy it as ragbraid\.yaml [^.;]*[.;] ?")
_INGEST = re.compile(r"ragbraid ingest \S+")
_PLAIN = re.compile(r"[A-Za-z0-9.~_][A-Za-z0-9.~_/-]*")
_POINTER = "# `ragbraid show` draws this file, and `ragbraid components TYPE` tells what a component takes."


@dataclass(frozen=True, slots=True)
class Starter:
    """A packaged pipeline: its name, what it does in a sentence, its text.

    `model` is the name of the model that its own generator loads, None where it has none, or a server's.
    """

    name: str
    description: str
    text: str
    model: str | None
    _place: Place | None

    def written(self, folder: str, model: str | None) -> str:
        """Its text for documents in `folder`, with that model as generator."""
        text = self.text
        if self._place is not None and self.model is not None and model not in (None, self.model):
            text = _exchanged(text, self._place, self.model, str(model))
        lines = text.split("\n")
        end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
        head = [_COPY.sub("", _command(each, folder)) for each in lines[:end]]
        return "\n".join([*head, _POINTER, *lines[end:]])


def starters() -> dict[str, Starter]:
    """Every packaged pipeline by name, the default first."""
    names = sorted(packaged_names(), key=lambda name: (name != DEFAULT, name))
    return {name: _starter(name) for name in names}


def commands(text: str) -> list[str]:
    """The commands that a pipeline's first comment names, without what is said of them."""
    lines = [line for line in text.splitlines() if line.startswith(_COMMAND)]
    return [re.split(r" {3,}", line.removeprefix(_COMMAND))[0] for line in lines]


def _starter(name: str) -> Starter:
    text = packaged(f"{name}.yaml")
    root = parse(text, name, Problems())
    description = root.items.get("description") if root else None
    model = _model(root) if root else None
    return Starter(
        name,
        str(description.value) if isinstance(description, Scalar) else "",
        text,
        str(model.value) if model else None,
        model.place if model else None,
    )


def _model(root: Map) -> Scalar | None:
    """Where the model of a generator in this process is named."""
    components = root.items.get("components")
    for each in components.items.values() if isinstance(components, Map) else ():
        kind = each.items.get("type") if isinstance(each, Map) else None
        if isinstance(each, Map) and isinstance(kind, Scalar) and kind.value == "llama-cpp":
            model = each.items.get("model")
            return model if isinstance(model, Scalar) else None
    return None


def _exchanged(text: str, place: Place, old: str, new: str) -> str:
    """Another model at its place, and in the command that fetches it, whose size isn't known then."""
    quoted = new if _PLAIN.fullmatch(new) else "'" + new.replace("'", "''") + "'"
    lines = text.split("\n")
    line = lines[place.line - 1]
    at = place.column - 1
    lines[place.line - 1] = line[:at] + quoted + line[at + len(old) :]
    for number, each in enumerate(lines):
        if each.startswith(f"{_COMMAND}ragbraid models get"):
            command = re.split(r" {3,}", each.removeprefix(_COMMAND))[0]
            lines[number] = _COMMAND + command.replace(old, shlex.quote(new))
    return "\n".join(lines)


def _command(line: str, folder: str) -> str:
    """A line of the first comment, with the user's folder where it names one to ingest."""
    if not line.startswith(f"{_COMMAND}ragbraid ingest"):
        return line
    command, *rest = re.split(r"( {3,})", line.removeprefix(_COMMAND), maxsplit=1)
    ours = _COMMAND + _INGEST.sub(lambda _: f"ragbraid ingest {shlex.quote(folder)}", command)
    if not rest:
        return ours
    gap, note = rest
    return f"{ours.ljust(len(_COMMAND + command + gap) - 2)}  {note}"
