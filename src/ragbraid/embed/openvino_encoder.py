"""A BERT by OpenVINO on the CPU, used once it has been proven against torch on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ragbraid.embed.bert import covers
from ragbraid.embed.model_files import ModelFiles, Pooling
from ragbraid.embed.probes import COSINE_LEAST, cosines, probes
from ragbraid.errors import ModelError
from ragbraid.models.converted import converted
from ragbraid.models.openvino import SHARING, core, machine, precision
from ragbraid.models.threads import default_threads

if TYPE_CHECKING:
    import numpy.typing as npt

    from ragbraid.types import Vectors

_FORMAT = 1
"""Raised when the graph changes, so that it is proven anew."""


def suits(files: ModelFiles) -> bool:
    """Whether this file computes the model."""
    weights = files.folder / "model.safetensors"
    return files.static is None and covers(files.config) and files.pooling is not None and weights.exists()


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
    ids, mask = probes(files)
    ours, torchs = OpenVinoEncoder(files, files.pooling), PlainEncoder(files, files.pooling, "cpu")
    sentences = float(cosines(ours.sentences(ids, mask), torchs.sentences(ids, mask)).min())
    tokens = float(cosines(ours.states(ids, mask), torchs.states(ids, mask))[mask].mean())
    if not min(sentences, tokens) >= COSINE_LEAST:
        raise ModelError(
            f"OpenVINO's vectors of {files.folder.name} differ from torch's: cosine {sentences:.5f}.",
            "Set engine: torch.",
        )
    return {"sentences": sentences, "tokens": tokens}
