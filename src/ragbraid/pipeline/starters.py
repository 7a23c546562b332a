"""The pipelines that ship with ragbraid as beginnings of a user's own."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.find import packaged, packaged_names
from ragbraid.pipeline.parse import parse
from ragbraid.pipeline.tree import Map, Scalar

DEFAULT = "local"
_ORDER = (DEFAULT, "lexical", "hybrid", "chat", "multilingual", "openai-server", "gpu")
"""The simple ones first; further ones follow by name."""
_COMMAND = "#   "
_FETCH = "#   ragbraid models get"
_COPY = re.compile(r"Copy it as ragbraid\.yaml [^.;]*[.;] ?")
_INGEST = re.compile(r"ragbraid ingest \S+")
_PLAIN = re.compile(r"[A-Za-z0-9.~_][A-Za-z0-9.~_/-]*")
_POINTER = "# `ragbraid show` draws this file, and `ragbraid components TYPE` tells what a component takes."


@dataclass(frozen=True, slots=True)
class Starter:
    """A packaged pipeline: its name, what it does in a sentence, its text.

    `generator` is where the model of a generator in this process is named, None where there is none.
    """

    name: str
    description: str
    text: str
    generator: Scalar | None

    @property
    def model(self) -> str | None:
        """The name of that model."""
        return str(self.generator.value) if self.generator else None

    def written(self, folder: str, model: str | None = None) -> str:
        """Its text for documents in `folder`, with another model than its own if one is given."""
        lines = self.text.split("\n")
        end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
        head = [_COPY.sub("", _command(each, folder)) for each in lines[:end]]
        body = lines[end:]
        if self.generator is not None and self.model is not None and model not in (None, self.model):
            head = [line for each in head if (line := _fetching(each, self.model, str(model))) is not None]
            place = self.generator.place
            row, column = place.line - 1 - end, place.column - 1
            rest = body[row][column + len(self.model) :]
            body[row] = body[row][:column] + _quoted(str(model)) + rest
        return "\n".join([*head, _POINTER, *body])


def starters() -> dict[str, Starter]:
    """Every packaged pipeline by name, the default first and then the simple ones."""
    places = {name: place for place, name in enumerate(_ORDER)}
    names = sorted(packaged_names(), key=lambda name: (places.get(name, len(_ORDER)), name))
    return {name: _starter(name) for name in names}


def commands(text: str) -> list[str]:
    """The commands that a pipeline's first comment names, without what is said of them."""
    lines = [line for line in text.splitlines() if line.startswith(_COMMAND)]
    return [re.split(r" {3,}", line.removeprefix(_COMMAND))[0] for line in lines]


def _starter(name: str) -> Starter:
    text = packaged(f"{name}.yaml")
    root = parse(text, name, Problems())
    description = root.items.get("description") if root else None
    told = str(description.value) if isinstance(description, Scalar) else ""
    return Starter(name, told, text, _model(root) if root else None)


def _model(root: Map) -> Scalar | None:
    """Where the model of a generator in this process is named."""
    components = root.items.get("components")
    for each in components.items.values() if isinstance(components, Map) else ():
        kind = each.items.get("type") if isinstance(each, Map) else None
        if isinstance(each, Map) and isinstance(kind, Scalar) and kind.value == "local":
            model = each.items.get("model")
            return model if isinstance(model, Scalar) else None
    return None


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "''") + "'"


def _fetching(line: str, old: str, new: str) -> str | None:
    """The command that fetches models, for another one; None where nothing is left to fetch."""
    if not line.startswith(_FETCH):
        return line
    names = re.split(r" {3,}", line.removeprefix(_FETCH))[0].split()
    # A path is on this machine already. The size that the comment gave isn't that of others.
    wanted = [shlex.quote(new) if each == old else each for each in names if each != old or not _is_path(new)]
    return " ".join([_FETCH, *wanted]) if wanted else None


def _is_path(model: str) -> bool:
    return model.startswith((".", "/", "~"))


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
