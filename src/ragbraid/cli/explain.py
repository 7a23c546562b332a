"""How an answer came about, for people: the steps' timeline, and what the answer step weighed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ragbraid.cli import output
from ragbraid.cli.output import one_line

if TYPE_CHECKING:
    from ragbraid.answer.weighed import Weighed
    from ragbraid.types import Span

_MOST = 10
"""Candidates that are shown."""


def say_trace(spans: Sequence[Span]) -> None:
    """Write the steps of a run to standard error, each with its start, its time, a bar and its notes."""
    if not spans:
        output.say("No step ran.")
        return
    rows = list(_nested(spans))
    width = shutil.get_terminal_size().columns
    name_width = min(max(len("step"), *(len(name) for name, _ in rows)), max(10, width - 36))
    bar_width = width - name_width - 26
    whole = max(each.start_ms + each.ms for each in spans) or 1.0
    output.say(f"\n{'step':<{name_width}}  {'start':>10}  {'took':>10}")
    for name, span in rows:
        bar = _bar(span, whole, bar_width)
        line = f"{_cut(name, name_width):<{name_width}}  {span.start_ms:>7.1f} ms  {span.ms:>7.1f} ms  {bar}"
        output.say(line.rstrip())
        indent = " " * (len(name) - len(name.lstrip()) + 4)
        for key, note in span.notes.items():
            output.say(_cut(f"{indent}{key}: {one_line(str(note))}", width))
    output.say(f"{'whole':<{name_width}}  {'':>10}  {whole:>7.1f} ms")


def _nested(spans: Iterable[Span]) -> Iterable[tuple[str, Span]]:
    """Spans by their start, a step's calls of components indented below it."""
    spans = sorted(spans, key=lambda each: (each.start_ms, "/" in each.step))
    inside = [each for each in spans if "/" in each.step]
    for each in (span for span in spans if "/" not in span.step):
        yield each.step, each
        for call in list(inside):
            if call.step.startswith(f"{each.step}/") and 0 <= call.start_ms - each.start_ms <= each.ms:
                inside.remove(call)
                yield f"  {call.step.partition('/')[2]}", call
    for call in inside:  # its step didn't come to an end
        yield call.step, call


def _bar(span: Span, whole: float, width: int) -> str:
    if width < 8:
        return ""
    begin = min(int(span.start_ms / whole * width), width - 1)
    length = max(1, round(span.ms / whole * width))
    return (" " * begin + "=" * length)[:width]


def show_candidates(candidates: Sequence[Weighed]) -> None:
    """Show the candidates for a quote with their features; a star marks those that were quoted."""
    if not candidates:
        output.show("\nThe answer step of this pipeline doesn't say what it weighed.")
        return
    names = list(candidates[0].features)
    output.show("\nWeighed (chance of holding the answer; * quoted)", bold=True)
    output.show("   chance" + "".join(f"{name:>9}" for name in names), dim=True)
    width = shutil.get_terminal_size().columns
    for each in candidates[:_MOST]:
        features = "".join(f"{each.features[name]:>9.3f}" for name in names)
        output.show(f"{'*' if each.chosen else ' '} {each.score:>7.3f}{features}")
        text = " ".join(each.text.split())
        output.show(_cut(f"    {one_line(each.source)}, {each.start}–{each.end}: {text}", width), dim=True)
    if len(candidates) > _MOST:
        output.show(f"  … and {len(candidates) - _MOST} less likely")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
