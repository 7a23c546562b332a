"""Measures as people read them."""

from __future__ import annotations

NAMES = {
    "ndcg@10": "nDCG@10", "recall@10": "recall@10", "mrr@10": "MRR@10", "contains": "answers contain",
    "exact_match": "exact match", "f1": "F1", "answered": "answered", "refused": "refused rightly",
    "abstention_auroc": "abstention AUROC", "words": "words", "citation_precision": "citation precision",
    "citation_recall": "citation recall", "verified": "citations verified", "tokens": "tokens",
    "seconds_p50": "seconds, median", "seconds_p95": "seconds, 95%", "failed": "failed",
}  # fmt: skip
"""What each measure of an evaluation is called."""
_WIDE = frozenset({"words", "tokens"})


def figure(name: str, value: float | None) -> str:
    """The value of that measure in digits; a dash where there is none."""
    if value is None or value != value:
        return "-"
    if name == "failed":
        return f"{value:.0f}"
    return f"{value:.1f}" if name in _WIDE else f"{value:.3f}"
