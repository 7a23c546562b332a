"""Experts' weights: all on the device, or on the CPU or on disk with the last used ones on the device."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from ragbraid.generate.openmoe.product import Product
    from ragbraid.generate.openmoe.routing import Routes

Expert: TypeAlias = "tuple[Product, Product]"
"""`inner` gives the gate's two halves and the linear part, 3 · intermediate numbers; `outer` goes back."""
Fetch: TypeAlias = Callable[[int, int], "Expert"]
"""Brings an expert of a layer, the n-th of those with experts, to the device."""


@dataclass(slots=True)
class Traffic:
    """What keeping experts elsewhere cost: how often one was at hand, or had to be brought, in how long."""

    hits: int = 0
    misses: int = 0
    seconds: float = 0.0

    @property
    def hit_rate(self) -> float:
        """Which part of all uses found the expert on the device."""
        return self.hits / max(1, self.hits + self.misses)


class Store(Protocol):
    """Where experts come from."""

    @property
    def traffic(self) -> Traffic | None:
        """What keeping them elsewhere cost; None where all are on the device."""
        ...

    def get(self, layer: int, expert: int) -> Expert:
        """An expert's weights, on the device."""
        ...


class Resident:
    """All experts on the device."""

    traffic = None

    def __init__(self, held: list[list[Expert]]) -> None:
        self._held = held

    def get(self, layer: int, expert: int) -> Expert:
        """An expert's weights."""
        return self._held[layer][expert]


class Offloaded:
    """At most `room` experts on the device; the least recently used one makes way for another."""

    def __init__(self, fetch: Fetch, room: int) -> None:
        self.traffic = Traffic()
        self._fetch, self._room = fetch, max(1, room)
        self._held: OrderedDict[tuple[int, int], Expert] = OrderedDict()

    def get(self, layer: int, expert: int) -> Expert:
        """An expert's weights, brought where they aren't on the device."""
        key = (layer, expert)
        found = self._held.pop(key, None)
        if found is None:
            self.traffic.misses += 1
            while len(self._held) >= self._room:
                self._held.popitem(last=False)
            begun = perf_counter()
            found = self._fetch(layer, expert)
            self.traffic.seconds += perf_counter() - begun
        else:
            self.traffic.hits += 1
        self._held[key] = found
        return found


class Experts:
    """Computes what experts are given: only those that have tokens, and only these tokens."""

    def __init__(self, store: Store, swiglu: Callable[[Any], Any]) -> None:
        self.store, self._swiglu = store, swiglu

    def compute(self, layer: int, tokens: Tensor, routes: Routes) -> Tensor:
        """The weighted sum of its experts for each token, (tokens, hidden); nothing for one dropped."""
        import torch

        out = torch.zeros_like(tokens)
        given = tokens[routes.tokens]
        weights = routes.weights.to(tokens.dtype)[:, None]
        begin = 0
        for expert, count in enumerate(routes.taken):
            if count:
                inner, outer = self.store.get(layer, expert)
                rows = slice(begin, begin + count)
                said = outer(self._swiglu(inner(given[rows])))
                out.index_add_(0, routes.tokens[rows], said * weights[rows])
                begin += count
        return out
