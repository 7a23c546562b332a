"""The utterances' vectors: embedded in one batch, and kept on disk until utterances or embedder change."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from ragbraid.embed.protocol import Embedder
from ragbraid.replacing import replacing
from ragbraid.types import Vectors

_KEPT = 8
"""Files in the folder: of a few routers, and of what they were a little while ago."""


def vectors_of(texts: Sequence[str], embedder: Embedder, cache: Path | None) -> Vectors:
    """The texts' vectors as queries, float32 of shape (len(texts), dimensions).

    What is kept in the folder `cache` is made of exactly these texts by this embedder; a file that can't be
    read, or says anything else, is made anew. Where the folder can't be written, nothing is kept.
    """
    if cache is None:
        return embedder.embed(texts, "query")
    told = sha256(repr((embedder.identity, list(texts))).encode()).hexdigest()
    path = cache / f"{told[:32]}.npy"
    shape = (len(texts), embedder.dimensions)
    kept = _read(path, shape)
    if kept is not None:
        return kept
    made = embedder.embed(texts, "query")
    _write(path, made)
    return made


def _read(path: Path, shape: tuple[int, int]) -> Vectors | None:
    import numpy as np

    try:
        held = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if held.dtype != np.float32 or held.shape != shape:
        return None
    lengths = np.linalg.norm(held, axis=1)
    return held if np.isfinite(lengths).all() and np.abs(lengths - 1).max(initial=0) < 1e-3 else None


def _write(path: Path, vectors: Vectors) -> None:
    import numpy as np

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside, beside.open("wb") as file:
            np.save(file, vectors, allow_pickle=False)
        for old in sorted(path.parent.glob("*.npy"), key=lambda each: each.stat().st_mtime)[:-_KEPT]:
            old.unlink()
