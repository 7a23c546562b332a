"""Sparse vectors of chunks: kept in the database, and searched exactly by their terms."""
