"""Pipeline files as the tests of the language write them: without their first line, beside `parts.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from round_trip import demand_round_trip

from ragbraid.pipeline.check import Checked, check
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.pipeline import Pipeline

HERE = Path(__file__).parent
PARTS = (str(HERE / "parts.py"),)


def checked(
    text: str,
    *,
    set: Mapping[str, Any] | None = None,  # noqa: A002
    allow: Sequence[str] = PARTS,
    env: bool = True,
    base: Path = HERE,
) -> Checked:
    """The check of a file that begins with `ragbraid: 1` and goes on with this text.

    A right one says the same when it is written anew.
    """
    source = PipelineSource(f"ragbraid: 1\n{dedent(text).strip()}\n", "file.yaml", base)
    found = check(source, set=set, allow=allow, env=env)
    if found.pipeline is not None:
        demand_round_trip(found.pipeline, allow)
    return found


def says(text: str, **options: Any) -> list[str]:
    """The messages of every problem, in file order; none where the file is right."""
    return [each.message for each in checked(text, **options).diagnostics]


def pipeline(text: str, **options: Any) -> Pipeline:
    """The pipeline of a right file."""
    found = checked(text, **options)
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return Pipeline(found.pipeline, engine=Engine())


def run(text: str, flow: str = "search", *, inputs: Mapping[str, Any] | None = None, **options: Any) -> Any:
    """What a flow of a right file gives for these inputs, by default a question."""
    with pipeline(text, **options) as opened:
        return opened.run(flow, **(inputs or {"question": "pump"}))


def component(text: str, name: str, **options: Any) -> Any:
    """The value of a named component of a right file."""
    found = checked(text, **options)
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return found.pipeline.components[name]
