"""What the endpoints under /api share."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from ragbraid.index.metadata import encode
from ragbraid.load.front_matter import reserved
from ragbraid.serve.failures import Refused

PipelineName = Annotated[
    str | None, Query(description="Which pipeline is meant; without it the first.", max_length=200)
]
CollectionName = Annotated[str | None, Query(description="Look only in this collection.", max_length=200)]


FilterText = Annotated[
    str | None,
    Query(description='Only where metadata fits, e.g. {"lang": "en"}.', max_length=20_000),
]


class Body(BaseModel):
    """A body that is read strictly: a key that isn't known is a mistake."""

    model_config = ConfigDict(strict=True, extra="forbid")


def stored_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata that can be stored as it is. Raises `Refused`, and `InputError` for a value that can't."""
    for name in metadata:
        if not name or reserved(name):
            raise Refused(400, f"metadata: {name!r} can't be set.", param="metadata")
    encode(metadata, "the upload")
    return metadata


def json_object(text: str | None, what: str) -> dict[str, Any] | None:
    """The object that a parameter holds as JSON. Raises `Refused`."""
    if text is None or not text.strip():
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(400, f"{what}: a JSON object is wanted.", param=what)
    return value
