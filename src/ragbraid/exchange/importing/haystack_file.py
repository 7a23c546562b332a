"""A pipeline file of Haystack, as it stands there: its components and how they are connected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ragbraid.errors import InputError
from ragbraid.exchange.importing.swelling import SwellingError, copied
from ragbraid.pipeline.environment import escaped, is_variable, without_variables

_MOST = 1_000_000
"""Characters that a file may have."""
_VALUES, _DEPTH = 100_000, 100
"""Values that it may have, each counted as often as an alias names it, and levels of them."""
_HOME = "haystack_integrations.components"
_OURS = {
    f"{_HOME}.converters.ragbraid.converter.RagbraidFileToDocument",
    f"{_HOME}.embedders.ragbraid.document_embedder.RagbraidDocumentEmbedder",
    f"{_HOME}.embedders.ragbraid.text_embedder.RagbraidTextEmbedder",
    f"{_HOME}.generators.ragbraid.chat.chat_generator.RagbraidChatGenerator",
    f"{_HOME}.pipelines.ragbraid.pipeline.RagbraidPipeline",
    f"{_HOME}.pipelines.ragbraid.search.RagbraidSearch",
    f"{_HOME}.preprocessors.ragbraid.splitter.RagbraidSplitter",
    f"{_HOME}.rankers.ragbraid.ranker.RagbraidRanker",
    f"{_HOME}.readers.ragbraid.reader.RagbraidReader",
    f"{_HOME}.retrievers.ragbraid.bm25_retriever.RagbraidBM25Retriever",
    f"{_HOME}.retrievers.ragbraid.embedding_retriever.RagbraidEmbeddingRetriever",
}
"""The types of ragbraid-haystack, as `Pipeline.dump` and `ragbraid export` write them."""
_SECRET = "api_key"


@dataclass(slots=True)
class Settings:
    """What a component is made with; it knows what of it was asked for."""

    values: Mapping[str, Any]
    taken: set[str] = field(default_factory=set)

    def take(self, name: str, default: Any = None) -> Any:
        """A setting's value as a file of ours writes it; the default where it has none, or None.

        `${NAME}` is mere text to Haystack, and stays that here: a file that asked for the environment to be
        filled in could have a secret sent to a server of its own.
        """
        return _escaped(self._taken(name, default))

    def take_ours(self, name: str, default: Any = None) -> Any:
        """The value of a setting that is written in ragbraid's own language.

        Of its variables only one that is the whole of an `api_key` stays: elsewhere it could have any
        variable sent along with an address or a model's name.
        """
        return _keyed(self._taken(name, default))

    def names_variables(self, name: str) -> bool:
        """Whether `take_ours` makes mere text of a variable in the setting."""
        value = self.values.get(name)
        return bool(_keyed(value) != value)

    def _taken(self, name: str, default: Any) -> Any:
        self.taken.add(name)
        value = self.values.get(name)
        return default if value is None else value

    def text(self, name: str) -> str | None:
        """A setting that is text; None where it is anything else."""
        value = self.take(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int | None:
        """A setting that is a whole number of at least 1; None where it is anything else."""
        value = self.take(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    def left(self) -> list[str]:
        """The settings with a value that nothing has asked for."""
        return [
            str(name)
            for name, value in self.values.items()
            if name not in self.taken and value is not None and value not in ("", {}, [])
        ]


@dataclass(slots=True)
class Component:
    """A component of the file. `type` is its class alone; `before` are the components that it reads."""

    name: str
    type: str
    settings: Settings
    ours: bool
    before: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        """What messages call it."""
        return f"`{self.name}` ({self.type})"


class _Loader(yaml.SafeLoader):
    """Reads no merge keys (`<<`), which Haystack doesn't write: few of them stand for very much at once."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave them as they are: nothing is constructed of one."""


def _escaped(value: Any) -> Any:
    """A value none of whose texts names a variable; in keys none is looked up."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value


def _keyed(value: Any, key: Any = None) -> Any:
    """A value in ragbraid's language that names no variable but as the whole of an `api_key`."""
    if isinstance(value, str):
        return value if key == _SECRET and is_variable(value) else without_variables(value)
    if isinstance(value, dict):
        return {name: _keyed(each, name) for name, each in value.items()}
    return [_keyed(each) for each in value] if isinstance(value, list) else value


def read(path: Path) -> dict[str, Component]:
    """The components of a file, each behind those that it reads as far as there is no circle.

    Raises `InputError` for what is no pipeline file of Haystack's.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", "Name a file of Haystack's.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} isn't UTF-8.", "Save the file as UTF-8.") from None
    if len(text) > _MOST:
        raise InputError(f"{path} has more than {_MOST:,} characters.", "Name a pipeline file.")
    try:
        told = copied(yaml.load(text, _Loader), _VALUES, _DEPTH)
    except SwellingError:
        said = f"{path} has more than {_VALUES:,} values, or is nested more than {_DEPTH} levels deep."
        raise InputError(said, "Write out what its aliases (*NAME) stand for.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        place = getattr(error, "problem_mark", None)
        where = f"{path}:{place.line + 1}" if place is not None else str(path)
        problem = getattr(error, "problem", None) or type(error).__name__
        raise InputError(f"{where} isn't YAML that can be read: {problem}.") from None
    if not isinstance(told, dict) or not isinstance(told.get("components"), dict):
        raise InputError(
            f"{path} is no pipeline file of Haystack's: it has no `components`.",
            "Write one with `pipeline.dump(file)` in Haystack.",
        )
    found = {str(name): _component(path, str(name), each) for name, each in told["components"].items()}
    if len(found) < len(told["components"]):
        raise InputError(f"{path}: two components have one name, such as 1 and '1'.", "Rename one.")
    connections = told.get("connections") or []
    if not isinstance(connections, list) or not all(isinstance(each, dict) for each in connections):
        raise InputError(f"{path}: `connections` is no list of senders and receivers.", "Dump it anew.")
    for each in connections:
        ends = [str(each.get(key, "")).partition(".")[0] for key in ("sender", "receiver")]
        if any(end not in found for end in ends):
            raise InputError(
                f"{path}: a connection names {ends[0]!r} and {ends[1]!r}; one isn't there.", "Dump it anew."
            )
        if ends[0] not in found[ends[1]].before:
            found[ends[1]].before.append(ends[0])
    return {name: found[name] for name in _ordered(found)}


def _component(path: Path, name: str, told: Any) -> Component:
    kind = told.get("type") if isinstance(told, dict) else None
    if not isinstance(kind, str):
        raise InputError(f"{path}: the component {name!r} has no `type`.")
    parameters = told.get("init_parameters") or {}
    if not isinstance(parameters, dict):
        raise InputError(f"{path}: `init_parameters` of {name!r} is no mapping.")
    return Component(name, kind.rpartition(".")[2], Settings(parameters), kind in _OURS)


def _ordered(components: Mapping[str, Component]) -> Iterable[str]:
    """The names, each behind what it reads; a circle is entered where the file names it first."""
    done: dict[str, None] = {}
    for start in components:
        waiting = [(start, iter(components[start].before))]
        entered = {start}
        while waiting:
            name, rest = waiting[-1]
            following = next((each for each in rest if each not in done and each not in entered), None)
            if following is None:
                done[name] = None
                waiting.pop()
            else:
                entered.add(following)
                waiting.append((following, iter(components[following].before)))
    return done
