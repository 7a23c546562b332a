"""A BERT by OpenVINO on the CPU, used once it has been proven against torch on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ragbraid.embed.bert import covers
from ragbraid.embed.model_files import ModelFiles, Pooling
from ragbraid.errors import ModelError
from ragbraid.models.converted import converted
from ragbraid.models.openvino import SHARING, core, machine, precision
from ragbraid.models.threads import default_threads

if TYPE_CHECKING:
    import numpy.typing as npt

    from ragbraid.types import Vectors

COSINE_LEAST = 0.9999
"""The least cosine of a text's vector with torch's at which an encoder is used."""

_FORMAT = 1
"""Raised when the graph changes, so that it is proven anew."""
_PROBES = (
    "a", "What stops the pump?", "Ада Линд открыла мост в 1932 году.", "橋は1932年に開通した。",
    "The float valve closes when the tank runs dry, which takes about forty minutes at full load. " * 2,
    "Copper was first smelted in the valley around 4500 BC; the ore came from the eastern hills. " * 8,
)  # fmt: skip


def suits(files: ModelFiles) -> bool:
    """Whether this file computes the model."""
    weights = files.folder / "model.safetensors"
    return covers(files.config) and files.pooling is not None and weights.exists()


class OpenVinoEncoder:
    """Implements `Encoder`: one compiled graph, called by one thread at a time."""

    def __init__(self, files: ModelFiles, pooling: Pooling) -> None:
        from ragbraid.embed.bert_graph import bert_graph

        properties = {
            **SHARING,
            "INFERENCE_PRECISION_HINT": precision(),
            "INFERENCE_NUM_THREADS": default_threads(),
        }
        graph = bert_graph(files.folder, files.config, pooling)
        self._request = core().compile_model(graph, "CPU", properties).create_infer_request()

    def states(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        """The last hidden states, of shape (texts, tokens, hidden)."""
        return self._output(0, ids, mask)

    def sentences(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        """One vector a text."""
        return self._output(1, ids, mask)

    def _output(self, which: int, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        self._request.infer({"ids": ids, "mask": mask.astype(np.float32)})
        found: Vectors = self._request.get_output_tensor(which).data.copy()
        return found


def prove(files: ModelFiles) -> None:
    """Compare with torch, once for a model and a machine. Raises `ModelError` where it isn't as exact."""
    converted(
        f"{files.folder.name}-{files.fingerprint}-{_FORMAT}",
        files.folder,
        {**machine(), "precision": precision()},
        lambda _folder: None,  # the graph is built as fast as one would be read
        lambda _folder: _measured(files),
    )


def _measured(files: ModelFiles) -> Mapping[str, float]:
    from ragbraid.embed.encoder import PlainEncoder

    assert files.pooling is not None
    tokenizer = files.tokenizer
    rows = [each.ids[: files.max_length] for each in tokenizer.encode_batch(list(_PROBES))]
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros(ids.shape, np.bool_)
    for at, row in enumerate(rows):
        ids[at, : len(row)], mask[at, : len(row)] = row, True
    ours, torchs = OpenVinoEncoder(files, files.pooling), PlainEncoder(files, files.pooling, "cpu")
    sentences = float(_cosines(ours.sentences(ids, mask), torchs.sentences(ids, mask)).min())
    tokens = float(_cosines(ours.states(ids, mask), torchs.states(ids, mask))[mask].mean())
    if not min(sentences, tokens) >= COSINE_LEAST:
        raise ModelError(
            f"OpenVINO's vectors of {files.folder.name} differ from torch's: cosine {sentences:.5f}.",
            "Set engine: torch.",
        )
    return {"sentences": sentences, "tokens": tokens}


def _cosines(a: Vectors, b: Vectors) -> Vectors:
    found: Vectors = (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return found
