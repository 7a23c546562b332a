"""The `sql` loader: a document for each row that a query gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ragbraid.errors import InputError, LoadError
from ragbraid.load import database
from ragbraid.load.spool import Spool, spooled
from ragbraid.load.template import Columns, Template
from ragbraid.secret import Secret
from ragbraid.types import Document, Skipped, SourceRef

_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Sql:
    """Reads a database: each row that a query gives is a source of its own.

    `url` is SQLAlchemy's, such as `postgresql+psycopg://user:password@host/database` or
    `sqlite:///shop.db`, whose path counts from the pipeline file's folder; write it as `${DATABASE_URL}`.
    It is read only, and shown nowhere. `id` is the column that tells rows apart; a row is named and cited as
    `sql:NAME/ID`, and `name` tells this query from others. `text`, `metadata` and `title` are those of
    `rows`; columns that aren't text keep their type.

    `ragbraid ingest` without a path runs the query, as does the path `sql:NAME`. Rows come in batches; one
    that is as it was is neither stored nor embedded again, and one that the query doesn't give any more is
    gone: kept and listed, and removed with `--prune`. Needs the extra `sql` and the database's driver.

    Raises `InputError` for a query that the database refuses, for columns that it doesn't give, and for an
    `id` that two rows share; `LoadError` where the database can't be reached.
    """

    name: str
    url: Secret
    query: str
    id: str
    text: str | None = None
    metadata: Columns = ()
    title: str | None = None

    blocking: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name wants letters, digits, '.', '-' and '_', not {self.name!r}")
        for setting in ("query", "id"):
            if not getattr(self, setting).strip():
                raise ValueError(f"{setting} is empty")
        self._template()

    def roots(self) -> Sequence[str]:
        """The one path that it reads."""
        return (f"sql:{self.name}",)

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        """Run the query, and name every row that it gives."""
        (root,) = self.roots()
        for path in paths:
            if path != root:
                raise InputError(f"There is no query {path!r}.", f"This loader reads {root}.")
        return self._scan(root, base) if paths else iter(())

    def fingerprint(self, ref: SourceRef) -> str:
        """The SHA-256 of the row's text and metadata."""
        spooled(ref)
        return ref.stamp

    def load(self, ref: SourceRef) -> Iterator[Document]:
        """The document of a row, as the scan met it."""
        yield spooled(ref)

    def _template(self) -> Template:
        return Template(self.text, self.metadata, self.id, self.title)

    def _scan(self, root: str, base: Path) -> Iterator[SourceRef]:
        template, spool = self._template(), Spool()
        seen: set[str] = set()
        with database.rows(self.url, self.query, base, root) as (columns, rows):
            self._demand(template, columns, root)
            for row in rows:
                origin = self._named(template, row, root)
                if origin in seen:
                    raise InputError(
                        f"The query of {root} gives two rows whose {self.id!r} is {template.key(row)!r}.",
                        "Let `id` name a column that tells them apart.",
                    )
                seen.add(origin)
                document = template.document(origin, row, {})
                if document is not None:
                    yield spool.keep(origin, root, document)

    def _named(self, template: Template, row: dict[str, Any], root: str) -> str:
        key = template.key(row)
        if not key:
            raise InputError(
                f"The query of {root} gives a row without {self.id!r}.",
                "Let `id` name a column that is never empty.",
            )
        return f"{root}/{key}"

    def _demand(self, template: Template, columns: Sequence[str], root: str) -> None:
        try:
            missing = template.demand(columns)
        except LoadError as error:
            raise InputError(f"The query of {root} is wrong. {error.message}", error.hint) from None
        if missing:
            raise InputError(
                f"The query of {root} gives no column {missing[0]!r}: it gives {', '.join(columns)}.",
                "Name one of these.",
            )
