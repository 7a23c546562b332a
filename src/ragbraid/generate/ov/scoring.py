"""Log-probabilities of given continuations, many in one forward pass of OpenVINO.

The prompt's keys and values stay for the next call, as far as that one's prompt begins alike.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbraid.generate.token_tree import TokenTree, causal
from ragbraid.models.openvino import core, openvino

Floats = npt.NDArray[np.float32]
_NODES = 512
"""Tree nodes of one pass: each takes a row of logits, half a megabyte for a vocabulary of 128,000."""


class Scorer:
    """A compiled model with its one state. Calls wait for each other."""

    def __init__(self, folder: Path, properties: Mapping[str, Any]) -> None:
        graph = core().read_model(folder / "openvino_model.xml")
        _let_choose(graph)
        self._request = core().compile_model(graph, "CPU", dict(properties)).create_infer_request()
        self._held: list[int] = []
        """The tokens at the front of the state, whatever stands behind them."""
        self._first: Floats | None = None
        self._lock = threading.Lock()

    def first(self, prompt: Sequence[int]) -> Floats:
        """Log-probabilities of the token after the prompt, over the vocabulary."""
        with self._lock:
            return self._prefill(list(prompt))

    def all(self, tokens: Sequence[int]) -> Floats:
        """Log-probabilities after each of the tokens, of shape (tokens, vocabulary)."""
        with self._lock:
            self._hold([])
            every = range(len(tokens))
            return self._forward(list(tokens), every, causal(len(tokens), 0), every)[0]

    def score(
        self, prompt: Sequence[int], continuations: Sequence[Sequence[int]], stops: Sequence[int]
    ) -> list[tuple[float, float]]:
        """Each continuation's log-probability after the prompt, and the likeliest stop's right after it."""
        with self._lock:
            first = self._prefill(list(prompt))
            scored: list[tuple[float, float]] = []
            while len(scored) < len(continuations):
                tree = TokenTree()
                paths: list[list[int]] = []
                for each in continuations[len(scored) :]:
                    if paths and len(tree.tokens) + len(each) > _NODES:
                        break
                    paths.append(tree.add(each))
                scored += self._score(first, tree, paths, stops)
            return scored

    def _score(
        self, first: Floats, tree: TokenTree, paths: list[list[int]], stops: Sequence[int]
    ) -> list[tuple[float, float]]:
        nodes, begin = len(tree.tokens), len(self._held)
        rows = range(nodes)
        # What is asked of a node's row: the token of each child, and each stop.
        pairs = [(max(at, 0), token) for at, token in zip(tree.parents, tree.tokens, strict=True)]
        pairs += [(at, stop) for stop in stops for at in rows]
        depths = [begin + depth for depth in tree.depths]
        told = self._forward(tree.tokens, depths, tree.mask(begin), rows, pairs)[1].reshape(-1, nodes)
        self._hold(self._held)
        logs, ends = told[0], told[1:].max(axis=0)
        roots = [at for at, parent in enumerate(tree.parents) if parent < 0]
        logs[roots] = first[[tree.tokens[at] for at in roots]]
        return [(float(logs[path].sum()), float(ends[path[-1]])) for path in paths]

    def _prefill(self, prompt: list[int]) -> Floats:
        if self._first is not None and prompt == self._held:
            return self._first
        shared = 0
        while shared < min(len(prompt) - 1, len(self._held)) and prompt[shared] == self._held[shared]:
            shared += 1
        self._hold(prompt[:shared])
        rest = prompt[shared:]
        places = range(shared, len(prompt))
        self._first = self._forward(rest, places, causal(len(rest), shared), [len(rest) - 1])[0][0]
        self._held = prompt
        return self._first

    def _hold(self, tokens: list[int]) -> None:
        """Cut the state down to its front."""
        self._held = tokens
        if not tokens:
            self._request.reset_state()
            return
        tensor = openvino().Tensor
        for state in self._request.query_state():
            if state.state.shape[2] != len(tokens):
                state.state = tensor(np.ascontiguousarray(state.state.data[:, :, : len(tokens)]))

    def _forward(
        self,
        tokens: list[int],
        places: Sequence[int],
        mask: Floats,
        rows: Sequence[int],
        pairs: Sequence[tuple[int, int]] = (),
    ) -> tuple[Floats, Floats]:
        """Log-probabilities of `rows`, and of `pairs` of a row and a token, as copies."""
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
