"""Where an answer went wrong: the first stage after which the right thing was out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from ragbraid.evaluate.matching import names

Fault: TypeAlias = Literal["failed", "retrieval", "ranking", "refusal", "quoting", "short answer", "answered"]

FAULTS: Mapping[Fault, str] = {
    "failed": "The question raised an error.",
    "retrieval": "No document that speaks of it was found.",
    "ranking": "The right document was found, and not among the first ten.",
    "refusal": "It was found, and the pipeline refused to answer.",
    "quoting": "It was found, and something else was quoted.",
    "short answer": "The quotes hold the answer, and the short answer isn't it.",
    "answered": "The documents hold no answer, and one was given.",
}
"""What each fault means, in the order of a pipeline's stages."""


def fault(row: Mapping[str, Any]) -> Fault | None:
    """The fault of an evaluation's row; None where nothing is known to be wrong."""
    scores = row["scores"]
    if row["error"]:
        return "failed"
    if row["answers"] == []:
        return "answered" if scores.get("refused") == 0 else None
    right = scores.get("contains")
    if right != 1 and scores.get("recall@10") == 0:
        return "ranking" if _found(row) else "retrieval"
    if right is None or right == 1:
        return "short answer" if row["short"] is not None and scores.get("f1", 1.0) < _NEAR else None
    return "refusal" if row["abstained"] else "quoting"


def _found(row: Mapping[str, Any]) -> bool:
    return any(names(name, source) for name in row["sources"] for source in row["found"])


_NEAR = 0.5
"""An F1 below which a short answer counts as another one."""
