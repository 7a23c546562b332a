"""PostgreSQL with pgvector as an index of ragbraid."""

from ragbraid_pgvector.component import PgVector

__all__ = ["PgVector"]
