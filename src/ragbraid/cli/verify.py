"""`ragbraid verify`: whether an answer's citations still hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import failures, options, output
from ragbraid.place import place
from ragbraid.text.counted import counted

if TYPE_CHECKING:
    from ragbraid.evaluate.verify import Checked

_LONGEST = 200


def command(
    file: Annotated[
        Path,
        typer.Argument(metavar="ANSWER", help="One answer, a list, or one a line: ragbraid ask … --json."),
    ],
    files: Annotated[
        bool, typer.Option("--files", help="Look into the files as they are now, not into the index.")
    ] = False,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Check an answer's citations again, later or elsewhere.

    Each is true, moved (the same words at another place), changed (other words now), gone, or false (the
    document is as it was, and never said it). The exit code is 0 where all are true or moved, else 4.

    For example: ragbraid ask "How long is parental leave?" --json > answer.json

    Then: ragbraid verify answer.json
    """
    from ragbraid.evaluate.verify import HOLDING, VERDICTS, load_answers, verify

    answers = load_answers(file)
    with options.load(pipeline, overrides, allow) as loaded:
        found = verify(loaded, answers, files=files, collection=collection)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(found))
    else:
        for each in found:
            _show(each)
        times = Counter(each.verdict for each in found)
        said = ", ".join(f"{times[name]} {name}" for name in VERDICTS if times[name])
        output.say(f"{counted(len(found), 'citation')}: {said or 'nothing to check'}.")
    if not all(each.verdict in HOLDING for each in found):
        raise typer.Exit(failures.GATE)


def _show(each: Checked) -> None:
    lines = each.lines or (None, None)
    if each.verdict == "true":
        output.show(f"true     {_place(each.source, each.start, each.end, *lines)}")
        return
    output.show(f"{each.verdict:<8} {_place(each.source, each.start, each.end)}")
    output.show(f"         {_short(each.quote)}", hanging=9)
    if each.place is not None:
        source, start, end = each.place
        now = "" if each.verdict == "moved" else f": {_short(each.text)}"
        output.show(f"         now {_place(source, start, end, *lines)}{now}", hanging=9)


def _place(source: str, start: int, end: int, line: int | None = None, last_line: int | None = None) -> str:
    return f"{place(output.one_line(source), None, line, last_line)}, characters {start}–{end}"


def _short(text: str) -> str:
    return output.shortened(output.one_line(" ".join(text.split())), _LONGEST)
