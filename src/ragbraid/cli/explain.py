"""How an answer came about, for people: the steps' timeline, and what the answer step weighed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ragbraid.cli import output
from ragbraid.cli.columns import wrapped
from ragbraid.cli.output import one_line

if TYPE_CHECKING:
    from ragbraid.answer.weighed import Weighed
    from ragbraid.types import Answer, Span

_MOST = 10
"""Candidates that are shown."""
_WIDE = 60
"""The columns that a timeline's numbers stand apart from."""


def say_trace(spans: Sequence[Span]) -> None:
    """Write the steps of a run to standard error."""
    tell_trace(spans, output.say)


def tell_trace(spans: Sequence[Span], tell: Callable[[str], None]) -> None:
    """Tell the steps of a run line by line, each with its start, its time, a bar and its notes."""
    if not spans:
        tell("No step ran.")
        return
    rows = list(_nested(spans))
    width = shutil.get_terminal_size().columns
    whole = max(each.start_ms + each.ms for each in spans) or 1.0
    digits = 7 if width >= _WIDE else len(f"{whole:.1f}")
    numbers = digits + 3
    longest = max(len("step"), *(len(name) for name, _ in rows))
    name_width = min(longest, max(10, width - 2 * numbers - (16 if width >= _WIDE else 4)))
    bar_width = width - name_width - 2 * numbers - 6
    tell(f"\n{'step':<{name_width}}  {'start':>{numbers}}  {'took':>{numbers}}")
    for name, span in rows:
        times = f"{span.start_ms:>{digits}.1f} ms  {span.ms:>{digits}.1f} ms"
        line = f"{_ending(name, name_width):<{name_width}}  {times}  {_bar(span, whole, bar_width)}"
        tell(line.rstrip())
        indent = " " * (len(name) - len(name.lstrip()) + 4)
        for key, note in span.notes.items():
            tell(_cut(f"{indent}{key}: {one_line(str(note))}", width))
    tell(f"{'whole':<{name_width}}  {'':>{numbers}}  {whole:>{digits}.1f} ms")


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


def show_candidates(candidates: Sequence[Weighed], answer: Answer) -> None:
    """Show the candidates for a quote with their features; a star marks those that were quoted."""
    if candidates and answer.confidence is not None:
        refused = ", too low for an answer (`abstain`)" if answer.abstained else ""
        output.show(f"\nConfidence {answer.confidence:.2f}{refused}")
    if not candidates:
        output.show("\nThe answer step of this pipeline doesn't say what it weighed.")
        return
    names = list(candidates[0].features)
    width = shutil.get_terminal_size().columns
    as_table = 9 + 9 * len(names) <= width
    output.show("\nWeighed (chance of holding the answer; * quoted)", bold=True, hanging=2)
    if as_table:
        output.show("   chance" + "".join(f"{name:>9}" for name in names), dim=True)
    for each in candidates[:_MOST]:
        mark = "*" if each.chosen else " "
        if as_table:
            features = "".join(f"{each.features[name]:>9.3f}" for name in names)
            output.show(f"{mark} {each.score:>7.3f}{features}")
        else:
            pairs = ", ".join(f"{name}={each.features[name]:.3f}" for name in names)
            output.show(wrapped(f"{mark} chance={each.score:.3f}, {pairs}", width, 4))
        text = " ".join(each.text.split())
        output.show(_cut(f"    {one_line(each.source)}, {each.start}–{each.end}: {text}", width), dim=True)
    if len(candidates) > _MOST:
        output.show(f"  … and {len(candidates) - _MOST} less likely")


def _ending(name: str, width: int) -> str:
    """The name, or its end, which tells it from others of its flow."""
    return name if len(name) <= width else "…" + name[len(name) - width + 1 :]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
