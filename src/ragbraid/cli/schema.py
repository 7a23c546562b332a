"""`ragbraid schema`: the JSON Schema that editors use."""

from __future__ import annotations

from ragbraid.cli import output


def command() -> None:
    """Print the JSON Schema of pipeline files, for editors.

    For example: ragbraid schema > ragbraid.schema.json
    """
    from ragbraid.pipeline.schema import json_schema

    output.print_json(json_schema())
