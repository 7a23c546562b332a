"""`ragbraid export`: a pipeline for another framework."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from ragbraid.cli import options, output

Framework = Literal["haystack", "langchain", "llama-index"]


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What is written: it doesn't exist yet.")],
    to: Annotated[
        Framework,
        typer.Option(
            "--to",
            metavar="FRAMEWORK",
            help="haystack, langchain or llama-index.",
            autocompletion=lambda: list(get_args(Framework)),
        ),
    ],
    pipeline: options.PipelineFile = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Write the pipeline as a Haystack file, or as a script for LangChain or LlamaIndex.

    What is written answers as the flow `ask` does, from the same index. Each step is a part of the framework
    where it has such parts, and what hasn't is told. `ragbraid index export` is for what is stored.

    For example: ragbraid export rag.yaml --to haystack
    """
    from ragbraid.cli.files import replace
    from ragbraid.errors import InputError
    from ragbraid.exchange.exporting.chain import chain_of
    from ragbraid.exchange.exporting.haystack import haystack
    from ragbraid.exchange.exporting.langchain import langchain
    from ragbraid.exchange.exporting.llama_index import llama_index
    from ragbraid.pipeline.find import find

    if file.exists():
        raise InputError(f"{file} exists already.", "Name a file that doesn't.")
    if not file.absolute().parent.is_dir():
        raise InputError(f"There is no folder {file.parent}.", "Make it, or name another.")
    chain = chain_of(find(pipeline), allow or ())
    write = {"haystack": haystack, "langchain": langchain, "llama-index": llama_index}[to]
    replace(file, write(chain))
    if as_json:
        kinds = [{"name": each.name, "part": each.kind} for each in chain.parts]
        output.print_json({"file": str(file), "to": to, "parts": kinds, "notes": list(chain.notes)})
        return
    output.show(f"{file}: {' → '.join(each.name for each in chain.parts)}")
    for each in chain.notes:
        output.say(each)
