"""Completions of several prompts side by side: padded at the left, a token for each at every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ragbraid.errors import GenerationError
from ragbraid.generate.alternatives import likeliest
from ragbraid.generate.answering import Answering, Tokens
from ragbraid.generate.hf.constraint import Holder
from ragbraid.generate.hf.protocol import RowModel
from ragbraid.generate.protocol import Request

Floats = npt.NDArray[np.float32]


@dataclass(slots=True)
class Row:
    """A request in the batch."""

    request: Request
    prompt: Sequence[int]
    answering: Answering
    holder: Holder | None
    say: Callable[[str], None]
    count: int = 0
    error: GenerationError | None = None
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.request.seed)

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come of it."""
        return self.error is not None or self.answering.ended


def run(model: RowModel, rows: Sequence[Row], go_on: Callable[[], bool]) -> None:
    """Generate until every row has ended, or `go_on` says no before a step."""
    import torch

    width = max(len(row.prompt) for row in rows)
    ids = torch.full((len(rows), width), 0, dtype=torch.long)
    seen = torch.zeros((len(rows), width), dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, width - len(row.prompt) :] = torch.tensor(row.prompt)
        seen[at, width - len(row.prompt) :] = 1
    ids, seen = ids.to(model.device), seen.to(model.device)
    places = (seen.cumsum(-1) - 1).clamp(min=0)
    cache = model.new_cache()
    with torch.inference_mode():
        while go_on() and not all(row.ended for row in rows):
            logits = model.next(ids, seen, places, cache)
            chosen = [0 if row.ended else _step(row, logits[at], model) for at, row in enumerate(rows)]
            ids = torch.tensor(chosen, device=model.device)[:, None]
            going = torch.tensor([not row.ended for row in rows], device=model.device).long()
            seen = torch.cat([seen, going[:, None]], dim=-1)
            places = places[:, -1:] + 1


def _step(row: Row, logits: Floats, model: RowModel) -> int:
    """Choose a row's next token and tell it."""
    if not np.isfinite(logits).all():
        row.error = GenerationError("The model's probabilities aren't numbers.", "Fetch the model again.")
        return 0
    peak = logits.max()
    logs = logits - peak - np.log(np.exp(logits - peak).sum())
    request = row.request
    if request.alternatives and not row.count:
        row.answering.alternatives = likeliest(logs, request.alternatives, model.decode)
    allowed = None if row.holder is None else row.holder.allowed(len(logs))
    token = _chosen(logs if allowed is None else np.where(allowed, logs, -np.inf), request, row.random)
    row.count += 1
    over = token in model.stops
    try:
        over = over or (row.holder is not None and row.holder.take(token))
    except GenerationError as error:
        row.error = error
        return 0
    finished = "stop" if over else "length" if row.count >= request.max_tokens else None
    row.say(row.answering.take(Tokens([token], [float(logs[token])], finished)))
    return token


def _chosen(logs: Floats, request: Request, random: np.random.Generator) -> int:
    """The likeliest token, or one drawn from the nucleus of `top_p` (Holtzman et al. 2020)."""
    if request.temperature <= 0:
        return int(logs.argmax())
    scaled = logs.astype(np.float64) / request.temperature
    chances = np.exp(scaled - scaled.max())
    chances /= chances.sum()
    order = np.argsort(-chances, kind="stable")
    kept = order[: int(np.searchsorted(chances[order].cumsum(), request.top_p)) + 1]
    return int(random.choice(kept, p=chances[kept] / chances[kept].sum()))
