"""A hot copy of an index: what one read transaction sees, and the vectors that it refers to."""

from __future__ import annotations

import shutil
from pathlib import Path
from sqlite3 import Connection

from ragbraid.errors import IndexDamaged, InputError
from ragbraid.index import vector_sets
from ragbraid.index.schema import DATABASE
from ragbraid.index.store import Store, sync_folder
from ragbraid.index.tokens import store as tokens


def copy_index(store: Store, connection: Connection, target: Path) -> None:
    """Write a copy into `target`, which appears whole or not at all; the lexical index is derived anew there.

    Raises `InputError` where the target exists, and `IndexDamaged` where vectors aren't what was stored.
    """
    if target.exists():
        raise InputError(f"{target} exists already.", "Name a folder that doesn't.")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        store.backup(connection, partial / DATABASE)
        for each in vector_sets.every(connection):
            blocks = vector_sets.sound_blocks(connection, each.number)
            if not blocks:
                continue
            vectors = each.opened(connection, store.folder)
            if vectors.bad_blocks(blocks):
                raise IndexDamaged(
                    f"The vectors of the index at {store.folder} are damaged, so they can't be copied.",
                    "Run `ragbraid ingest` again: it embeds what is missing.",
                )
            each.opened(connection, partial).write([vectors.map(sum(blocks[-1][:2]))])
            tokens.copy(connection, store.folder, partial, each)
        sync_folder(partial)
        partial.rename(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
