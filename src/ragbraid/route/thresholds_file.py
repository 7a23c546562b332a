"""Thresholds that were fitted once and are looked at and kept with the pipeline: a small JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError
from ragbraid.replacing import replacing
from ragbraid.route.protocol import Fitted

SCHEMA = 1


def write_fitted(path: Path, fitted: Fitted) -> None:
    """Write what was fitted. Raises `InputError` where the file can't be written."""
    told = {"schema": SCHEMA, **asdict(fitted)}
    told["thresholds"] = {name: round(each, 4) for name, each in fitted.thresholds.items()}
    try:
        with replacing(path) as beside:
            beside.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}.") from error


def read_fitted(path: Path, routes: Iterable[str]) -> Fitted:
    """What was fitted for these routes. Raises `InputError` for a file that is none, or of other routes."""
    try:
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        said = f"The thresholds in {path} can't be read: {error.strerror}."
        raise InputError(said, f"Make them: ragbraid route fit --out {path}") from error
    except ValueError as error:
        raise InputError(
            f"{path} isn't JSON: {error}.", f"Make it anew: ragbraid route fit --out {path}"
        ) from error
    known = set(routes)
    thresholds = told.get("thresholds") if isinstance(told, dict) else None
    if (
        not isinstance(thresholds, dict)
        or told.get("schema") != SCHEMA
        or not all(map(_is_number, thresholds.values()))
    ):
        raise InputError(f"{path} holds no thresholds.", f"Make it anew: ragbraid route fit --out {path}")
    if strange := sorted(known ^ set(thresholds)):
        verb = "has none for" if strange[0] in known else "has one for"
        said = f"{path} was fitted to other routes: it {verb} {strange[0]!r}."
        raise InputError(said, f"Fit it anew: ragbraid route fit --out {path}")
    fields = {name: told[name] for name in Fitted.__dataclass_fields__ if name in told}
    return Fitted(**fields)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
