"""`ragbraid new`: a plug-in to begin with, or an API key."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from ragbraid.cli import options, output
from ragbraid.errors import InputError

STEPS = {
    "reranker": "{{type: {0}}}",
    "retriever": "{{type: {0}, index: index}}",
    "splitter": "{{type: {0}}}",
    "loader": "{{type: {0}}}",
    "answerer": "{{type: {0}}}",
}
"""The kinds that there is a template for, and how each is written as a step."""

_NAME = re.compile(r"(?:([a-z][a-z0-9]*(?:-[a-z0-9]+)*)/)?([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")

app = typer.Typer(
    help="Begin a component of your own, or make an API key.", no_args_is_help=True, cls=options.Group
)


@app.callback()
def _group() -> None:
    """Begin a component of your own, or make an API key."""


@app.command("component", cls=options.Command)
def component(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its type in pipeline files: [VENDOR/]NAME.")],
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help=f"One of {', '.join(STEPS)}.")
    ] = "reranker",
    as_json: options.AsJson = False,
) -> None:
    """Write a package with a component that works, and its test.

    The folder is named VENDOR-NAME; without a vendor the component is yours: my/NAME.

    For example: ragbraid new component recency --kind reranker
    """
    plugin = Plugin.of(name, kind)
    folder = plugin.write()
    if as_json:
        files = sorted(each.name for each in folder.iterdir())
        output.print_json({"type": plugin.type, "kind": kind, "folder": str(folder), "files": files})
        return
    output.show(f"{folder} holds {output.with_article(kind)} that works, and its test. Next:\n")
    for line in (f"cd {folder}", "pip install -e .", "python -m pytest"):
        output.show(f"  {line}")
    output.show(f"\nThen, in a pipeline file:\n\n  - {plugin.step}")


@app.command("key", cls=options.Command)
def key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    keys: Annotated[Path, typer.Option(metavar="FILE", help="The file that its hash is kept in.")] = Path(
        "keys.yaml"
    ),
    flow: Annotated[
        list[str] | None,
        typer.Option(metavar="FLOW", help="A flow that it may use, ingest too; without it all. Repeatable."),
    ] = None,
    filter_text: Annotated[
        str | None,
        typer.Option("--filter", metavar="JSON", help="What it sees at most, whatever is asked."),
    ] = None,
    metadata: Annotated[
        str | None, typer.Option(metavar="JSON", help="What is stamped on all that it ingests.")
    ] = None,
    per_minute: Annotated[int | None, typer.Option(metavar="N", min=1, help="Requests a minute.")] = None,
    concurrency: Annotated[int | None, typer.Option(metavar="N", min=1, help="Requests at a time.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="DATE", help="The day that it ends on.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Make an API key for ragbraid serve. It is shown once; the file keeps its hash alone.

    For example: ragbraid new key sales --flow ask --flow search --filter '{"team": "sales"}'
    """
    with options.serving():
        from ragbraid.serve.keys import add

    made = add(
        keys, name, flows=flow, filter=options.parse_filter(filter_text, "--filter"),
        metadata=options.parse_filter(metadata, "--metadata"), per_minute=per_minute,
        concurrency=concurrency, expires=expires,
    )  # fmt: skip
    if as_json:
        output.print_json({"name": name, "file": str(keys), "api_key": made})
        return
    output.show(made)
    output.say(f"This key is shown once. Its hash is in {keys}, which ragbraid serve --keys {keys} reads.")


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a new package is called, and what is in it."""

    vendor: str
    name: str
    kind: str

    @classmethod
    def of(cls, text: str, kind: str) -> Plugin:
        """The plug-in of a name as it was given. Raises `InputError` where there can't be one."""
        if kind not in STEPS:
            from ragbraid.pipeline.diagnostics import listed, meant

            raise InputError(
                f"There is no template for the kind {kind!r}{meant(kind, STEPS) or '.'}",
                f"There is one for {listed(STEPS)}.",
            )
        match = _NAME.fullmatch(text)
        if match is None:
            raise InputError(
                f"{text!r} can't name a component.",
                "Use lower-case letters, digits and hyphens, as in recency or acme/recency.",
            )
        plugin = cls(match[1] or "my", match[2], kind)
        plugin._refuse_taken()
        return plugin

    @property
    def type(self) -> str:
        """Its type in pipeline files."""
        return f"{self.vendor}/{self.name}"

    @property
    def step(self) -> str:
        """Itself as a step."""
        return STEPS[self.kind].format(self.type)

    @property
    def _class(self) -> str:
        return "".join(word.capitalize() for word in self.name.split("-"))

    def write(self) -> Path:
        """Write the package into a new folder of the current one; returns the folder."""
        package = f"{self.vendor}-{self.name}"
        module = package.replace("-", "_")
        files = {
            "pyproject.toml": "pyproject",
            "README.md": "readme",
            f"{module}.py": self.kind,
            f"test_{module}.py": f"{self.kind}-test",
        }
        words = {
            "package": package, "module": module, "type": self.type, "name": self.name, "kind": self.kind,
            "step": self.step, "Class": self._class, "A_kind": output.with_article(self.kind).capitalize(),
        }  # fmt: skip
        folder = Path(package)
        try:
            folder.mkdir()
        except FileExistsError:
            raise InputError(f"{folder} is already there.", "Choose another name, or move it away.") from None
        for file, template in files.items():
            (folder / file).write_text(Template(_template(template)).substitute(words), "utf-8")
        return folder

    def _refuse_taken(self) -> None:
        from ragbraid import registry
        from ragbraid.pipeline.scope import RESERVED

        if self.type in registry.names():
            raise InputError(f"There is a component {self.type} already.", "Choose another name.")
        used = re.search(rf"\b{self._class}\b", _template(self.kind))
        if used or keyword.iskeyword(self._class) or self.name in RESERVED:
            raise InputError(
                f"{self.name!r} already means something in a component's code or in a pipeline file.",
                "Choose another name.",
            )


def _template(name: str) -> str:
    return (Path(__file__).with_name("templates") / f"{name}.txt").read_text("utf-8")
