"""Where uploads are kept: as files in a folder beside the pipeline's, so that an ingest finds them again."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ragbraid.load.sidecars import FOLDER, SUFFIX
from ragbraid.replacing import replacing
from ragbraid.serve.failures import Refused

_LONGEST = 200
"""Bytes; most file systems take 255, and a sidecar's ending comes on top."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_BLOCK = 1 << 20


def checked_name(name: str | None) -> str:
    """A file's name that can only mean a file in the folder itself. Raises `Refused`."""
    told = unicodedata.normalize("NFC", name or "")
    wrong = (
        not told.strip(" .")
        or told.startswith(".")
        or told.endswith((" ", ".", SUFFIX))
        or any(not each.isprintable() or each in '/\\:*?"<>|' for each in told)
        or len(told.encode("utf-8", "replace")) > _LONGEST
        or any("\ud800" <= each <= "\udfff" for each in told)
        or told in (FOLDER, "ragbraid.yaml")
        or _RESERVED.fullmatch(told)
    )
    if wrong:
        raise Refused(400, "A file's name is a plain name, without folders or control signs.", param="name")
    return told


@dataclass(frozen=True, slots=True)
class Uploads:
    """A client's uploads. `metadata` is stamped on each, for it may say who can see it."""

    folder: Path
    metadata: Mapping[str, Any]

    def path(self, name: str) -> Path:
        """Where a file of this name lies. Raises `Refused` for a name that could mean another place."""
        return self.folder / checked_name(name)

    def keep(self, name: str, content: BinaryIO | bytes, metadata: Mapping[str, Any]) -> Path:
        """Write a file and what is known of it; both are on disk when this returns."""
        path = self.path(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._describe(path, {**metadata, **self.metadata})
        with replacing(path) as beside, open(beside, "wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                while block := content.read(_BLOCK):
                    file.write(block)
            file.flush()
            os.fsync(file.fileno())
        return path

    def remove(self, path: Path) -> None:
        """Take a file away that was uploaded, with what is known of it."""
        if path.parent == self.folder:
            path.unlink(missing_ok=True)
            path.with_name(path.name + SUFFIX).unlink(missing_ok=True)

    def _describe(self, path: Path, metadata: Mapping[str, Any]) -> None:
        import yaml

        sidecar = path.with_name(path.name + SUFFIX)
        if not metadata:
            sidecar.unlink(missing_ok=True)
            return
        with replacing(sidecar) as beside:
            text = yaml.safe_dump(_undollared(metadata), allow_unicode=True, sort_keys=False)
            beside.write_text(text, "utf-8", newline="\n")


def _undollared(value: Any) -> Any:
    """Metadata as a sidecar has it, whose dates are ISO text; a declared field's become dates again."""
    if isinstance(value, Mapping):
        return value["$date"] if value.keys() == {"$date"} else {k: _undollared(v) for k, v in value.items()}
    return [_undollared(each) for each in value] if isinstance(value, list) else value
