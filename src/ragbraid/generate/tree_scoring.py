"""Log-probabilities of given continuations of one prompt, many in one forward pass.

They are laid out as a tree behind the prompt, and the prompt's keys and values stay for the next call, as far
as that one's prompt begins alike.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ragbraid.errors import GenerationError
from ragbraid.generate.prompting import demand_room
from ragbraid.generate.protocol import Score
from ragbraid.generate.token_tree import TokenTree, causal
from ragbraid.types import Message

Floats = npt.NDArray[np.float32]
_HIDDEN_MOST = 512
"""Hidden tokens of the cache that aren't worth a copy of the rest."""
_NODES = 512
"""Tree nodes of one pass: each takes a row of logits, half a megabyte for a vocabulary of 128,000."""


class TreeModel(Protocol):
    """A model with a cache of keys and values, one sequence at a time."""

    def forward(
        self,
        tokens: Sequence[int],
        places: Sequence[int],
        mask: Floats,
        rows: Sequence[int],
        pairs: Sequence[tuple[int, int]],
    ) -> tuple[Floats, Floats]:
        """Append tokens to the cache, at their `places` of the text and seeing what `mask` lets them see.

        Returns log-probabilities after the tokens at `rows`, of shape (rows, vocabulary), left empty where
        there are `pairs`; and those of each pair of a row and a token.
        """
        ...

    def cut(self, length: int) -> None:
        """Keep only the first tokens of the cache."""
        ...


class Encoder(Protocol):
    """What turns texts into tokens."""

    @property
    def stops(self) -> Sequence[int]: ...

    def prompt(self, prompt: tuple[Message, ...] | str) -> list[int]: ...

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]: ...


def scores(
    scorer: TreeScorer,
    encoder: Encoder,
    window: int,
    prompt: tuple[Message, ...] | str,
    continuations: Sequence[str],
    then: str | None,
) -> list[Score]:
    """A generator's `score`, by a scorer. Raises `GenerationError` for nothing to score, or too much."""
    tokens, encoded = encoder.prompt(prompt), encoder.encode_all(continuations)
    ends = encoder.stops if then is None else encoder.encode_all([then])[0][:1]
    if not all(encoded):
        raise GenerationError("There is no continuation to score.", "Give at least one character.")
    demand_room(window, len(tokens), max(map(len, encoded), default=0))
    found = scorer.score(tokens, encoded, ends)
    return [Score(log, stop, len(ids)) for (log, stop), ids in zip(found, encoded, strict=True)]


class TreeScorer:
    """Scores by a model that it has to itself. Calls wait for each other.

    Cutting a cache copies it, so what was scored stays in it, hidden, until the next prompt that parts from
    the one before. Without `reuse` each other prompt is computed whole: for a model whose tokens depend on
    which are computed together.
    """

    def __init__(self, model: TreeModel, *, reuse: bool = True) -> None:
        self._model, self._reuse = model, reuse
        self._held: list[int] = []
        """The prompt whose keys and values are in the model's cache."""
        self._visible: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        """For each place in the cache, whether it is one of the prompt's."""
        self._first: Floats | None = None
        self._lock = threading.Lock()

    def first(self, prompt: Sequence[int]) -> Floats:
        """Log-probabilities of the token after the prompt, over the vocabulary."""
        with self._lock:
            return self._prefill(list(prompt))

    def all(self, tokens: Sequence[int]) -> Floats:
        """Log-probabilities after each of the tokens, of shape (tokens, vocabulary)."""
        with self._lock:
            self._keep(0)
            every = range(len(tokens))
            logs, _ = self._model.forward(tokens, every, causal(len(tokens), self._visible), every, ())
            self._model.cut(0)
            return logs

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
        places = [begin + depth for depth in tree.depths]
        _, told = self._model.forward(tree.tokens, places, tree.mask(self._visible), rows, pairs)
        self._visible = np.append(self._visible, np.zeros(nodes, np.bool_))
        logs, *ends = told.reshape(-1, nodes)
        roots = [at for at, parent in enumerate(tree.parents) if parent < 0]
        logs[roots] = first[[tree.tokens[at] for at in roots]]
        likeliest = np.max(ends, axis=0)
        return [(float(logs[path].sum()), float(likeliest[path[-1]])) for path in paths]

    def _prefill(self, prompt: list[int]) -> Floats:
        if self._first is not None and prompt == self._held:
            return self._first
        shared = 0
        while shared < min(len(prompt) - 1, len(self._held)) and prompt[shared] == self._held[shared]:
            shared += 1
        shared = self._keep(shared if self._reuse else 0)
        rest = prompt[shared:]
        mask = causal(len(rest), self._visible)
        logs, _ = self._model.forward(rest, range(shared, len(prompt)), mask, [len(rest) - 1], ())
        self._visible = np.append(self._visible, np.ones(len(rest), np.bool_))
        self._held, self._first = prompt, logs[0]
        return self._first

    def _keep(self, length: int) -> int:
        """Let only the first tokens of the prompt be seen; how many are kept.

        What is hidden behind them is cut off where it is much, and where it is much between them, all is.
        """
        self._held, self._first = self._held[:length], None
        places = np.flatnonzero(self._visible)
        self._visible[places[length:]] = False
        end = int(places[length - 1]) + 1 if length else 0
        if end - length > _HIDDEN_MOST:
            return self._keep(0)
        if not length or len(self._visible) - end > _HIDDEN_MOST:
            self._model.cut(end)
            self._visible = self._visible[:end]
        return length
