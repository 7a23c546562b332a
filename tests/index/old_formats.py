"""Writes an index as an earlier format had it, from one that is of the newest."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

FORMAT_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collections (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE origins (
  id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, origin TEXT NOT NULL,
  fingerprint TEXT NOT NULL, stamp TEXT NOT NULL, digest TEXT NOT NULL, metadata_hash TEXT NOT NULL,
  UNIQUE (collection, origin)
);
CREATE TABLE documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, origin INTEGER NOT NULL,
  source TEXT NOT NULL, metadata TEXT NOT NULL, plain INTEGER NOT NULL, pages TEXT NOT NULL,
  warnings TEXT NOT NULL, body INTEGER NOT NULL, media_type TEXT NOT NULL, content_hash TEXT NOT NULL,
  checksum INTEGER NOT NULL, text BLOB NOT NULL,
  UNIQUE (collection, source)
);
CREATE INDEX documents_by_origin ON documents (origin);
CREATE TABLE chunks (
  row INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, document INTEGER NOT NULL,
  id TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER, slot INTEGER,
  metadata TEXT NOT NULL, plain INTEGER NOT NULL, checksum INTEGER NOT NULL,
  UNIQUE (collection, id)
);
CREATE INDEX chunks_by_document ON chunks (collection, document, slot);
CREATE TABLE passages (row INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE vectors (text_hash BLOB PRIMARY KEY, slot INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE vector_blocks (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, crc INTEGER);
CREATE TABLE log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, operation TEXT NOT NULL,
  document INTEGER NOT NULL
);
CREATE INDEX log_by_collection ON log (collection, seq);
"""

_SAME = ("collections", "origins", "documents", "chunks", "passages", "vectors", "log")


def write_format_1(index: Path, target: Path) -> None:
    """The index at rest in the folder `index`, with one set of vectors or none, as format 1 had it."""
    shutil.copytree(index, target)
    for each in target.glob("index.sqlite*"):
        each.unlink()
    with closing(sqlite3.connect(target / "index.sqlite", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(FORMAT_1)
        database.execute("ATTACH ? AS newest", (str(index / "index.sqlite"),))
        for table in _SAME:
            columns = ", ".join(each[1] for each in database.execute(f"PRAGMA main.table_info({table})"))
            quoted = columns.replace("end", '"end"')
            database.execute(f"INSERT INTO {table} SELECT {quoted} FROM newest.{table}")
        found = database.execute("SELECT sql FROM newest.sqlite_master WHERE name = 'contexts'").fetchone()
        if found:
            database.execute(*found)
            database.execute("INSERT INTO contexts SELECT * FROM newest.contexts")
        database.execute("INSERT INTO vector_blocks SELECT first, count, crc FROM newest.vector_blocks")
        database.execute("INSERT INTO meta SELECT key, value FROM newest.meta WHERE key = 'uuid'")
        for column in ("embedder", "dimensions"):
            database.execute(f"INSERT INTO meta SELECT '{column}', {column} FROM newest.vector_sets")
        # What AUTOINCREMENT has given, also to rows that are there no more.
        database.execute("DELETE FROM sqlite_sequence")
        database.execute(
            "INSERT INTO sqlite_sequence SELECT name, seq FROM newest.sqlite_sequence "
            "WHERE name != 'vector_sets'"
        )
        database.execute(f"PRAGMA application_id = {0x52614272}")
        database.execute("PRAGMA user_version = 1")
