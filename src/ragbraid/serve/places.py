"""Where a client's uploads to a pipeline lie."""

from __future__ import annotations

from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.clients import Client
from ragbraid.serve.uploads import Uploads


def uploads_of(settings: Settings, pipeline: Pipeline, client: Client) -> Uploads:
    """The client's own folder, so that no two write the same file."""
    folder = pipeline.base / settings.uploads
    return Uploads(folder / client.name if client.name else folder, client.caller.metadata)
