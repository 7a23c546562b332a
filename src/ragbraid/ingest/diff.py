"""Compares what is there with what the index holds, reading as little as it takes."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ragbraid.index.metadata import encode
from ragbraid.index.protocol import Index, SourceState
from ragbraid.ingest.report import Kind
from ragbraid.ingest.scan import Found, Scan


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has to be done for a source. `replaces` is the former name of a renamed one."""

    kind: Kind
    replaces: tuple[str, ...] = ()


class Comparison:
    """The stored state of every origin beside a scan.

    An origin is unchanged when its bytes, the metadata stamped on it and the digest of the ingest steps
    are equal; equal stamps stand for equal bytes. A new origin with the bytes of one whose file is gone
    is that one renamed.
    """

    def __init__(self, index: Index, scan: Scan, digest: str, metadata_hash: str) -> None:
        self.metadata_hash = metadata_hash
        self._digest = digest
        self._known: dict[str, SourceState] = {}
        for state in index.sources():
            self._known.setdefault(state.origin, state)
        self.gone = {each for each in self._known if each not in scan.found and scan.covers(each)}
        """Stored origins that the paths cover and the scan didn't find."""
        self.claimed: set[str] = set()
        """Those among them that have a new name."""
        self._nameless: dict[str, deque[str]] = {}
        for origin in sorted(self.gone):
            self._nameless.setdefault(self._known[origin].fingerprint, deque()).append(origin)

    def verdict(self, found: Found) -> Verdict:
        """Whether the source is new, changed, renamed or unchanged. Raises `LoadError`."""
        known = self._known.get(found.ref.origin)
        if known is None:
            return self._newcomer(found)
        if (known.digest, known.metadata_hash) != (self._digest, self.metadata_hash):
            return Verdict("changed")
        same_stamp = bool(found.ref.stamp) and found.ref.stamp == known.stamp
        same = same_stamp or found.loader.fingerprint(found.ref) == known.fingerprint
        return Verdict("unchanged" if same else "changed")

    def _newcomer(self, found: Found) -> Verdict:
        if not self._nameless:
            return Verdict("new")
        fingerprint = found.loader.fingerprint(found.ref)
        formers = self._nameless.get(fingerprint)
        if not formers:
            return Verdict("new")
        former = formers.popleft()
        self.claimed.add(former)
        return Verdict("renamed", (former,))


def hash_metadata(metadata: Mapping[str, Any]) -> str:
    """A mark of the stamped metadata, empty where there is none. Raises `InputError` for unfit values."""
    if not metadata:
        return ""
    text = json.dumps(json.loads(encode(metadata, "the ingest")), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
