"""Brings an index of an older format to the newest, after a copy of it as it was is put beside it."""

from __future__ import annotations

import os
import shutil
from glob import escape
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

from ragbraid.errors import IndexStoreError
from ragbraid.index import schema
from ragbraid.index.lock import exclusive

if TYPE_CHECKING:
    from ragbraid.index.store import Store

_WAIT_SECONDS = 60.0


def upgrade(store: Store) -> None:
    """Bring the index to `schema.FORMAT`. What another process has just brought there is left as it is.

    The copy is an index of the older format, in the folder `NAME.format-1`: to go back, put it in the
    index's place. Killed at any moment, it leaves an index of one format or the other.
    """
    folder = store.folder
    if not os.access(folder, os.W_OK):
        raise IndexStoreError(
            f"The index at {folder} has an older format and its folder can't be written to, so that it can't "
            f"be brought to format {schema.FORMAT}.",
            "Let it be written to, or copy the index to a folder that can be.",
        )
    with exclusive(folder / "writer.lock", _WAIT_SECONDS):
        with store.reading() as connection:
            version = schema.made_format(connection, folder)
            if version is None or version == schema.FORMAT:
                return
            _keep(store, connection, version)
        with store.writing() as connection:
            _to_2(connection)
            connection.execute(f"PRAGMA user_version = {schema.FORMAT}")


def kept(folder: Path) -> list[Path]:
    """The copies from before upgrades that lie beside an index."""
    place = folder.absolute()
    found = place.parent.glob(f"{escape(place.name)}.format-*")
    return sorted(each for each in found if (each / schema.DATABASE).is_file())


def _keep(store: Store, connection: Connection, version: int) -> None:
    """Put a copy of the database and the vectors beside the index, whole or not at all."""
    from ragbraid.index.store import sync_file, sync_folder

    folder = store.folder.absolute()
    names = (f"{folder.name}.format-{version}{each}" for each in ("", *(f".{n}" for n in range(2, 1000))))
    target = next(place for each in names if not (place := folder.with_name(each)).exists())
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    store.backup(connection, partial / schema.DATABASE)
    if (folder / "vectors.f32").exists():
        shutil.copyfile(folder / "vectors.f32", partial / "vectors.f32")
        sync_file(partial / "vectors.f32")
    sync_folder(partial)
    partial.rename(target)
    sync_folder(target.parent)


def _to_2(connection: Connection) -> None:
    """Format 1 had one set of vectors, whose embedder and dimensions stood in `meta`, and of origins neither
    size nor time."""
    for column in ("size", "stored_at"):
        connection.execute(f"ALTER TABLE origins ADD COLUMN {column} INTEGER")
    blocks = connection.execute("SELECT first, count, crc FROM vector_blocks").fetchall()
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    connection.execute("DROP TABLE vector_blocks")
    schema.run(connection, schema.VECTOR_SETS)
    if "embedder" in meta:
        connection.execute("INSERT INTO meta VALUES ('files', '1')")
        connection.execute(
            "INSERT INTO vector_sets (id, embedder, dimensions, file, role) VALUES (1, ?, ?, 1, 'current')",
            (meta["embedder"], int(meta["dimensions"])),
        )
        connection.executemany("INSERT INTO vector_blocks VALUES (1, ?, ?, ?)", blocks)
    connection.execute("DELETE FROM meta WHERE key IN ('embedder', 'dimensions')")
