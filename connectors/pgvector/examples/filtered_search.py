"""Two documents in PostgreSQL, and a search that sees one of them.

Run it with the address of a database: `python filtered_search.py postgresql://localhost/postgres`.
"""

from __future__ import annotations

import sys

from ragbraid_pgvector import PgVector

from ragbraid.components import SentenceTransformer
from ragbraid.index.protocol import Change, Entry
from ragbraid.secret import Secret
from ragbraid.types import Chunk, Document, Scope

TEXTS = {2023: "The rent was due on a Monday.", 2024: "The rent is due on the first Friday of a month."}


def main(url: str) -> list[str]:
    """What is found of the year 2024."""
    embedder = SentenceTransformer(model="all-minilm-l6-v2").open()
    index = PgVector(Secret(url), embedder, schema="example").open()
    index.upsert(
        [
            Change(
                f"{year}.md",
                [
                    Entry(
                        Document(f"{year}.md", text, {"year": year}),
                        [Chunk(f"{year}.md", 0, len(text), text)],
                        embedder.embed([text]),
                    )
                ],
            )
            for year, text in TEXTS.items()
        ]
    )
    question = embedder.embed(["When is the rent due?"], "query")
    (hits,) = index.search_vector(question, 5, scope=Scope(filter={"year": {"$gte": 2024}}))
    index.close()
    return [hit.text for hit in hits]


if __name__ == "__main__":
    print(*main(sys.argv[1]), sep="\n")
