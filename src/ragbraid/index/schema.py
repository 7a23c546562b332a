"""The tables of an index, and who may open them. docs/index-format.md describes every column."""

from __future__ import annotations

import uuid
from fnmatch import fnmatchcase
from pathlib import Path
from sqlite3 import Connection

from ragbraid.errors import IndexMismatch

APPLICATION_ID = 0x52614272
"""`PRAGMA application_id` of every index: the bytes "RaBr"."""
FORMAT = 2
"""`PRAGMA user_version`: raised when an older ragbraid couldn't read what this one writes."""
OLDEST = 1
"""The oldest format that is brought to the newest when it is opened."""

DATABASE = "index.sqlite"
_OURS = (
    f"{DATABASE}*",
    "vectors*.f32",
    "tokens*.i8",
    "dense*",
    "lexical",
    "rows",
    "sparse",
    "writer.lock",
    "ingest.lock",
)

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collections (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE origins (
  id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, origin TEXT NOT NULL,
  fingerprint TEXT NOT NULL, stamp TEXT NOT NULL, digest TEXT NOT NULL, metadata_hash TEXT NOT NULL,
  size INTEGER, stored_at INTEGER,
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
CREATE TABLE log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, operation TEXT NOT NULL,
  document INTEGER NOT NULL
);
CREATE INDEX log_by_collection ON log (collection, seq);
"""

VECTOR_SETS = """
CREATE TABLE vector_sets (
  id INTEGER PRIMARY KEY AUTOINCREMENT, embedder TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL,
  file INTEGER NOT NULL UNIQUE, role TEXT NOT NULL
);
CREATE TABLE vector_blocks (
  vector_set INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, crc INTEGER,
  PRIMARY KEY (vector_set, first)
) WITHOUT ROWID;
CREATE TABLE dropped (collection INTEGER PRIMARY KEY);
"""

_CONTEXTS = """
CREATE TABLE IF NOT EXISTS contexts (
  row INTEGER PRIMARY KEY, text TEXT NOT NULL, checksum INTEGER NOT NULL
)
"""


_LINES = """
CREATE TABLE IF NOT EXISTS lines (
  row INTEGER PRIMARY KEY, line INTEGER NOT NULL, checksum INTEGER NOT NULL
)
"""
_READINGS = """
CREATE TABLE IF NOT EXISTS readings (
  document INTEGER PRIMARY KEY, reader TEXT NOT NULL, encoding TEXT NOT NULL, verbatim INTEGER NOT NULL,
  checksum INTEGER NOT NULL
)
"""

TOKEN_TABLES = ("token_blocks", "token_spans")
_TOKENS = """
CREATE TABLE token_blocks (
  vector_set INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, crc INTEGER,
  PRIMARY KEY (vector_set, first)
) WITHOUT ROWID;
CREATE TABLE token_spans (
  vector_set INTEGER NOT NULL, slot INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
  text INTEGER NOT NULL, layout BLOB NOT NULL, checksum INTEGER NOT NULL,
  PRIMARY KEY (vector_set, slot)
);
"""

_SPARSE = """
CREATE TABLE sparse (
  row INTEGER PRIMARY KEY, text_hash BLOB NOT NULL, vector BLOB NOT NULL, checksum INTEGER NOT NULL
);
CREATE INDEX sparse_by_text ON sparse (text_hash);
"""


def add_contexts(connection: Connection) -> None:
    """Make the table of contexts, which an index has once a chunk has one."""
    connection.execute(_CONTEXTS)


def has_contexts(connection: Connection) -> bool:
    """Whether a chunk ever had a context."""
    return _has(connection, "contexts")


def add_lines(connection: Connection) -> None:
    """Make the table of chunks' lines, which an index has once a chunk has one."""
    connection.execute(_LINES)


def has_lines(connection: Connection) -> bool:
    """Whether a chunk ever had a line."""
    return _has(connection, "lines")


def add_readings(connection: Connection) -> None:
    """Make the table of how documents were read, which an index has once that is known of one."""
    connection.execute(_READINGS)


def has_readings(connection: Connection) -> bool:
    """Whether it was ever known how a document was read."""
    return _has(connection, "readings")


def tables_of_chunks(connection: Connection) -> list[str]:
    """The tables that may have a `row` for a chunk, beside `chunks` itself."""
    return ["passages", *(each for each in ("contexts", "lines", "sparse") if _has(connection, each))]


def add_tokens(connection: Connection) -> None:
    """Make the tables of token vectors, which an index has once a chunk has some."""
    if not has_tokens(connection):
        run(connection, _TOKENS)


def has_tokens(connection: Connection) -> bool:
    """Whether a chunk ever had token vectors."""
    return _has(connection, "token_spans")


def add_sparse(connection: Connection) -> None:
    """Make the table of sparse vectors, which an index has once a chunk has one."""
    if not has_sparse(connection):
        run(connection, _SPARSE)


def has_sparse(connection: Connection) -> bool:
    """Whether a chunk ever had a sparse vector."""
    return _has(connection, "sparse")


def _has(connection: Connection, table: str) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(query, (table,)).fetchone() is not None


def create(connection: Connection) -> None:
    """Make the tables inside the caller's transaction."""
    run(connection, _TABLES + VECTOR_SETS)
    connection.execute("INSERT INTO meta VALUES ('uuid', ?)", (str(uuid.uuid4()),))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def run(connection: Connection, statements: str) -> None:
    """Execute each of the statements inside the caller's transaction."""
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement)


def made_format(connection: Connection, path: Path) -> int | None:
    """The format of the index in the database; None where there is none yet.

    Raises `IndexMismatch` for a foreign database, and for a newer index.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == APPLICATION_ID and OLDEST <= version <= FORMAT:
        return version
    if application == APPLICATION_ID:
        raise IndexMismatch(
            f"The index at {path} has format {version}; this ragbraid reads format {FORMAT}.",
            "Install a newer ragbraid, or ingest into a new folder.",
        )
    if application or version or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise IndexMismatch(
            f"{path} holds a database that isn't ragbraid's.", "Give the index a folder of its own."
        )
    return None


def is_written(connection: Connection) -> bool:
    """Whether a change was ever committed to an index, also where all of it is gone since."""
    query = "SELECT 1 FROM sqlite_sequence WHERE name = 'collections'"
    return connection.execute(query).fetchone() is not None


def demand_own_folder(path: Path) -> None:
    """Raise `IndexMismatch` where a new index would move in with somebody else's files."""
    found = (each.name for each in path.iterdir()) if path.is_dir() else ()
    others = sorted(each for each in found if not any(fnmatchcase(each, ours) for ours in _OURS))
    if path.exists() and not path.is_dir():
        raise IndexMismatch(f"{path} is a file, not a folder.", "Give the index a folder of its own.")
    if others:
        raise IndexMismatch(
            f"The folder {path} has other files in it ({others[0]}) and no index.",
            "Give the index a folder of its own.",
        )
