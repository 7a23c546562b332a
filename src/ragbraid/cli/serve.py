"""`ragbraid serve`: pipelines as a service."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from ragbraid.cli import options, output, values
from ragbraid.errors import InputError

PipelineFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--pipeline",
        "-p",
        metavar="FILE",
        autocompletion=values.pipelines,
        help="A pipeline file; repeat it to serve several. Without it as with other commands.",
    ),
]

LogForm = Literal["text", "json"]


def command(
    pipeline: PipelineFiles = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen: 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", min=0, max=65535, help="8000; 0 takes a free one.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name that the server goes by. Repeatable."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The API keys that are let in; see ragbraid new key."),
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Let others in without keys, where --host reaches them.")
    ] = False,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", metavar="URL", help="A site whose pages may ask (CORS). Repeatable."),
    ] = None,
    running: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=1024, help="Questions worked on at a time: 8.")
    ] = None,
    waiting: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Questions that may wait: 256.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="For one request: 300.")
    ] = None,
    upload_mb: Annotated[
        float | None, typer.Option(metavar="MB", min=0.001, help="Most of one upload: 64.")
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Log who asked when, without what was asked.")
    ] = None,
    logs: Annotated[
        LogForm | None, typer.Option(help="The log on standard error: sentences, or a JSON object a line.")
    ] = None,
    reload: Annotated[
        bool, typer.Option(help="Take up a pipeline file that changed, once it is right.")
    ] = True,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print where it listens as JSON, and nothing else.")
    ] = False,
) -> None:
    """Serve pipelines: OpenAI's API under /v1, ragbraid's own under /api, described at /openapi.json.

    It listens on this machine alone unless --host says otherwise. Ctrl-C or SIGTERM ends it. What isn't given
    here is taken from the section `serve` of the (first) pipeline's file.

    For example: ragbraid serve -p ragbraid.yaml --port 8000
    """
    with options.serving():
        from ragbraid.pipeline.find import find
        from ragbraid.pipeline.serving import LOCAL, SECTION, Settings
        from ragbraid.serve.app import build
        from ragbraid.serve.keys import VARIABLE
        from ragbraid.serve.logs import log_to
        from ragbraid.serve.reload import Watched
        from ragbraid.serve.server import run
    named: Sequence[Path | None] = pipeline or [None]
    loads = [partial(options.load, each, overrides, allow) for each in named]
    loaded = [each() for each in loads]
    given = {
        "host": host, "port": port, "hosts": allow_host and tuple(allow_host),
        "origins": allow_origin and tuple(allow_origin), "running": running, "waiting": waiting,
        "timeout": timeout, "upload_mb": upload_mb, "keys": keys, "audit": audit, "logs": logs,
    }  # fmt: skip
    told = {name: value for name, value in given.items() if value is not None}
    settings = Settings(**{**loaded[0].section(SECTION), **told})
    if (
        settings.host not in LOCAL
        and settings.keys is None
        and VARIABLE not in os.environ
        and not open_to_all
    ):
        raise InputError(
            f"On {settings.host} others could ask without a key.",
            "Make keys with ragbraid new key and give --keys, or let all in with --open.",
        )
    watched = {
        each.name: Watched(path, load)
        for file, load, each in zip(named, loads, loaded, strict=True)
        if reload and (path := find(file).path) is not None
    }
    log_to(sys.stderr, settings.logs)

    def listening(address: str) -> None:
        if as_json:
            output.print_json_line({"url": address, "pipelines": [each.name for each in loaded]})
        else:
            output.say(f"Serving {', '.join(each.name for each in loaded)} on {address}; Ctrl-C ends it.")

    run(build(loaded, settings, watched=watched), settings, listening)
