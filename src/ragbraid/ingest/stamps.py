"""The metadata that is stamped on documents: by the place of a source, and by whoever runs the ingest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ragbraid.index.metadata import encode
from ragbraid.ingest.field_types import typed
from ragbraid.types import Document, SourceRef


@dataclass(frozen=True, slots=True)
class Stamps:
    """`run` is stamped on every document, and wins over what a source's own reference says."""

    run: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    """The types that metadata is declared to have."""
    _known: dict[int, tuple[Mapping[str, Any], Mapping[str, Any], str]] = field(default_factory=dict)

    def of(self, ref: SourceRef) -> Mapping[str, Any]:
        """What is stamped on the documents of a source."""
        return self._both(ref)[0]

    def mark(self, ref: SourceRef) -> str:
        """A mark of what is stamped on a source. Raises `InputError` for what can't be stored."""
        return self._both(ref)[1]

    def _both(self, ref: SourceRef) -> tuple[Mapping[str, Any], str]:
        place = ref.metadata or {}
        key = id(place) if place else 0  # the files of a folder share theirs
        if key not in self._known:
            own = typed(Document("", "", place), self.fields).metadata if place else {}
            stamped = {**own, **self.run}
            self._known[key] = (place, stamped, mark_of(stamped))
        return self._known[key][1:]


def mark_of(metadata: Mapping[str, Any]) -> str:
    """A mark of stamped metadata, empty where there is none: hashes of its names, and one of all of it.

    Raises `InputError` for unfit values.
    """
    if not metadata:
        return ""
    written = json.loads(encode(metadata, "the ingest"))
    names = ",".join(sorted(_hash(each)[:16] for each in written))
    return f"{names}:{_hash(json.dumps(written, sort_keys=True))}"


def adds(before: str, after: str) -> bool:
    """Whether all names of one mark are in another: then nothing else has to be known of the documents."""
    return _names(before) <= _names(after)


def _names(mark: str) -> frozenset[str]:
    return frozenset(filter(None, mark.partition(":")[0].split(",")))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
