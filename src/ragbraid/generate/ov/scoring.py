"""A converted model of OpenVINO that scores given texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbraid.generate.tree_scoring import TreeScorer
from ragbraid.models.compiled import compiled
from ragbraid.models.openvino import core, openvino

_GRAPH = "scorer-1"
"""Counted up when `_let_choose` makes another graph."""

Floats = npt.NDArray[np.float32]


def scorer(folder: Path, properties: Mapping[str, Any]) -> TreeScorer:
    """The model in `folder`, compiled, as a scorer of texts."""
    return TreeScorer(_OpenVinoModel(folder, properties))


class _OpenVinoModel:
    """Implements `TreeModel` by a compiled graph with its one state."""

    def __init__(self, folder: Path, properties: Mapping[str, Any]) -> None:
        def graph() -> Any:
            read = core().read_model(folder / "openvino_model.xml")
            _let_choose(read)
            return read

        self._request = compiled(folder, _GRAPH, graph, properties).create_infer_request()

    def cut(self, length: int) -> None:
        if not length:
            self._request.reset_state()
            return
        tensor = openvino().Tensor
        for state in self._request.query_state():
            if state.state.shape[2] != length:
                state.state = tensor(np.ascontiguousarray(state.state.data[:, :, :length]))

    def forward(
        self,
        tokens: Sequence[int],
        places: Sequence[int],
        mask: Floats,
        rows: Sequence[int],
        pairs: Sequence[tuple[int, int]],
    ) -> tuple[Floats, Floats]:
        self._request.infer(
            {
                "input_ids": np.array([tokens], np.int64),
                "attention_mask": np.ones((1, mask.shape[-1]), np.int64),
                "position_ids": np.array([places], np.int64),
                "beam_idx": np.zeros(1, np.int32),
                "mask": mask,
                "rows": np.array(rows, np.int64),
                "pairs": np.array(pairs or [(0, 0)], np.int64),
            }
        )
        whole = () if pairs else self._request.get_output_tensor(0).data.copy()
        return np.asarray(whole, np.float32), self._request.get_output_tensor(1).data.copy()


def _let_choose(graph: Any) -> None:
    """Give the graph inputs for the attention's mask, for the rows wanted and for tokens in them."""
    from openvino import opset13 as ops

    mask = ops.parameter([-1, 1, -1, -1], np.float32, name="mask")
    rows = ops.parameter([-1], np.int64, name="rows")
    pairs = ops.parameter([-1, 2], np.int64, name="pairs")
    for each in (mask, rows, pairs):
        each.output(0).set_names({each.get_friendly_name()})
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "ScaledDotProductAttention":
            node.input(3).replace_source_output(mask.output(0))
    result = graph.output(0).get_node()
    head = result
    while head.get_type_name() != "MatMul":
        head = head.input_value(0).get_node()
    batch, row = np.int64(0), np.int64(1)
    hidden = ops.gather(head.input_value(0), rows.output(0), ops.constant(row))
    head.input(0).replace_source_output(hidden.output(0))
    logs = ops.log_softmax(ops.squeeze(result.input_value(0), ops.constant(batch)), -1)
    picked = ops.gather_nd(logs, pairs, 0)
    graph.remove_result(result)
    graph.add_results([ops.result(logs), ops.result(picked)])
    graph.add_parameters([mask, rows, pairs])
    graph.validate_nodes_and_infer_types()
