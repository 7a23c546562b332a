"""Texts by which one way to compute an embedding model is compared with another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragbraid.embed.model_files import ModelFiles

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ragbraid.types import Vectors

COSINE_LEAST = 0.9999
"""The least cosine of a text's vector with torch's in float32 at which an encoder is used."""

PROBES = (
    "a", "What stops the pump?", "Ада Линд открыла мост в 1932 году.", "橋は1932年に開通した。",
    "The float valve closes when the tank runs dry, which takes about forty minutes at full load. " * 2,
    "Copper was first smelted in the valley around 4500 BC; the ore came from the eastern hills. " * 8,
)  # fmt: skip


def probes(files: ModelFiles) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """A padded batch: ids (texts, tokens) and a mask alike."""
    import numpy as np

    rows = [each.ids[: files.max_length] for each in files.tokenizer.encode_batch(list(PROBES))]
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros(ids.shape, np.bool_)
    for at, row in enumerate(rows):
        ids[at, : len(row)], mask[at, : len(row)] = row, True
    return ids, mask


def cosines(a: Vectors, b: Vectors) -> Vectors:
    """Of the vectors at equal places, along the last axis."""
    import numpy as np

    found: Vectors = (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return found
