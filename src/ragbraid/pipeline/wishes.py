"""What one run does otherwise than its file says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from ragbraid.generate.protocol import Request


class Wishes:
    """What whoever asks wants tried, for one run alone.

    `without` are the steps of rerankers that are left out: their hits pass as they came, cut to as many as
    were wanted. `temperature`, `top_p` and `seed` are those of each text that a generator writes freely; what
    is held to quotes, a schema or a pattern stays as it is.
    """

    def __init__(
        self,
        without: Collection[str] = (),
        *,
        temperature: float | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> None:
        self.without = frozenset(without)
        given = {"temperature": temperature, "top_p": top_p, "seed": seed}
        self._sampling = {name: value for name, value in given.items() if value is not None}
        self.heeded = False
        """Whether a generator was asked in this way, so that nobody believes it of an answer of quotes."""

    def asked(self, requests: Any) -> Any:
        """A generator's request, or several, as they are wanted."""
        if not self._sampling:
            return requests
        return self._asked(requests) if isinstance(requests, Request) else list(map(self._asked, requests))

    def _asked(self, request: Request) -> Request:
        if request.constraint is not None:
            return request
        self.heeded = True
        return replace(request, **self._sampling)  # type: ignore[arg-type]
