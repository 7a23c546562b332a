"""The tables of an index, and who may open them. docs/index-format.md describes every column."""

from __future__ import annotations

import uuid
from pathlib import Path
from sqlite3 import Connection

from ragbraid.errors import IndexMismatch

APPLICATION_ID = 0x52614272
"""`PRAGMA application_id` of every index: the bytes "RaBr"."""
FORMAT = 1
"""`PRAGMA user_version`: raised when an older ragbraid couldn't read what this one writes."""

DATABASE = "index.sqlite"

_TABLES = """
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


def create(connection: Connection) -> None:
    """Make the tables inside the caller's transaction."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('uuid', ?)", (str(uuid.uuid4()),))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def is_made(connection: Connection, path: Path) -> bool:
    """Whether the database holds an index. Raises `IndexMismatch` for a foreign or a newer one."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == APPLICATION_ID and version == FORMAT:
        return True
    if application == APPLICATION_ID:
        raise IndexMismatch(
            f"The index at {path} has format {version}; this ragbraid reads format {FORMAT}.",
            "Install a newer ragbraid, or ingest into a new folder.",
        )
    if application or version or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise IndexMismatch(
            f"{path} holds a database that isn't ragbraid's.", "Give the index a folder of its own."
        )
    return False


def is_written(connection: Connection) -> bool:
    """Whether a change was ever committed to an index; a collection that was emptied stays."""
    return connection.execute("SELECT 1 FROM collections LIMIT 1").fetchone() is not None


def demand_own_folder(path: Path) -> None:
    """Raise `IndexMismatch` where a new index would move in with somebody else's files."""
    database = {DATABASE, *(f"{DATABASE}-{each}" for each in ("journal", "wal", "shm"))}
    ours = {*database, "vectors.f32", "lexical", "writer.lock"}
    others = sorted(each.name for each in path.iterdir() if each.name not in ours) if path.is_dir() else []
    if path.exists() and not path.is_dir():
        raise IndexMismatch(f"{path} is a file, not a folder.", "Give the index a folder of its own.")
    if others:
        raise IndexMismatch(
            f"The folder {path} has other files in it ({others[0]}) and no index.",
            "Give the index a folder of its own.",
        )
