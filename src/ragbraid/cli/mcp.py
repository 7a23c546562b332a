"""`ragbraid mcp`: pipelines as tools of a model, on standard input and output."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from ragbraid.cli import interrupts, options
from ragbraid.cli.serve import PipelineFiles


def command(
    pipeline: PipelineFiles = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Speak the Model Context Protocol on standard input and output, for a client that starts this command.

    Its tools are search, ask, list_sources and read_document; documents are resources. What it prints is the
    protocol's JSON, with --json or without. ragbraid serve speaks it over HTTP, at /mcp.

    For example: ragbraid mcp -p ragbraid.yaml
    """
    del as_json
    with options.serving():
        from ragbraid.serve.mcp.stdio import run
    interrupts.leave_at_once()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    named: Sequence[Path | None] = pipeline or [None]
    run([options.load(each, overrides, allow) for each in named])
