"""`ragbraid import`: what was made with another framework, in ragbraid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragbraid.cli import options, output, progress

_YAML = (".yaml", ".yml")


def command(
    what: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Haystack's pipeline files, or one store that was saved."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The pipeline file that is written.")
    ] = Path("ragbraid.yaml"),
    same: Annotated[
        bool,
        typer.Option(
            "--embedder-is-same", help="The store's vectors are those of the pipeline's embedder: keep them."
        ),
    ] = False,
    collection: options.IntoCollection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Take over Haystack's pipeline files, or a store of Haystack, LangChain or LlamaIndex.

    Of pipeline files (.yaml) it makes one of ragbraid's, and says what has no equivalent. A store is what
    InMemoryDocumentStore.save_to_disk, FAISS.save_local or StorageContext.persist wrote: its documents go
    into the pipeline's index with their ids and metadata, embedded anew or with their vectors.

    For example: ragbraid import indexing.yaml rag.yaml
    """
    from ragbraid.errors import InputError

    if all(each.suffix.lower() in _YAML for each in what):
        _pipeline(what, out, as_json)
        return
    if len(what) > 1:
        raise InputError("A store is imported alone.", "Name one folder or file, or pipeline files (.yaml).")
    from ragbraid.exchange.importing.stores import move

    with (
        options.load(pipeline, overrides, allow) as loaded,
        progress.waiting("Importing …", quiet=as_json),
    ):
        moved = move(what[0], loaded, collection or "default", same=same)
    if as_json:
        output.print_json(
            {
                "from": moved.kind,
                "documents": moved.documents,
                "vectors_kept": moved.vectors_kept,
                "without_text": moved.textless,
            }
        )
        return
    from ragbraid.text.counted import counted

    vectors = ", with vectors" if moved.vectors_kept else ""
    output.show(f"Imported from {moved.kind}: {counted(moved.documents, 'document')}{vectors}.")
    if moved.textless:
        output.say(f"Left out, without text: {counted(moved.textless, 'document')}.")


def _pipeline(files: list[Path], out: Path, as_json: bool) -> None:
    from ragbraid.cli.files import replace
    from ragbraid.errors import InputError
    from ragbraid.exchange.importing.haystack import imported

    if out.exists():
        raise InputError(f"{out} exists already.", "Name another file with --out.")
    if not out.absolute().parent.is_dir():
        raise InputError(f"There is no folder {out.parent}.", "Make it, or name another.")
    text, notes = imported(files, out.absolute().parent)
    replace(out, text)
    if as_json:
        output.print_json({"file": str(out), "notes": notes})
        return
    output.show(f"{out} is written.")
    for each in notes:
        output.say(each)
