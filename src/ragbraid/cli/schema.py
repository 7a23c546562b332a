"""`ragbraid schema`: the JSON Schema that editors use."""

from __future__ import annotations

from ragbraid.cli import options, output


def command(as_json: options.AsJson = False) -> None:
    """Print the JSON Schema of pipeline files, for editors. It is JSON, with --json or without.

    For example: ragbraid schema > ragbraid.schema.json
    """
    del as_json
    from ragbraid.pipeline.schema import json_schema

    output.print_json(json_schema())
