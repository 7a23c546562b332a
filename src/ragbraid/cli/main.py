"""The entry point, and which commands there are."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ragbraid.cli import (
    ask,
    chat,
    check,
    columns,
    completion,
    components,
    doctor,
    evaluate,
    export,
    failures,
    importing,
    index,
    ingest,
    init,
    mcp,
    models,
    new,
    options,
    output,
    parity,
    questions,
    replay,
    route,
    schema,
    search,
    serve,
    show,
    source,
    status,
    study,
    sweep,
    trace,
    tune,
    upgrade,
    verify,
    watch,
)

app = typer.Typer(
    name="ragbraid",
    help="Documents and one YAML file in, answers with verified citations out.",
    epilog="Begin with: ragbraid ingest FOLDER, then: ragbraid ask QUESTION",
    no_args_is_help=True,
    cls=options.Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.command)
app.command("ingest", cls=options.Command)(ingest.command)
app.command("serve")(serve.command)
app.command("mcp")(mcp.command)
app.command("watch", cls=options.Command)(watch.command)
app.command("ask", cls=options.Command)(ask.command)
app.command("search", cls=options.Command)(search.command)
app.command("trace", cls=options.Command)(trace.command)
app.command("replay", cls=options.Command)(replay.command)
app.command("chat")(chat.command)
app.add_typer(route.app, name="route")
app.add_typer(tune.app, name="tune")
app.command("verify", cls=options.Command)(verify.command)
app.command("eval", cls=options.Command)(evaluate.command)
app.command("questions", cls=options.Command)(questions.command)
app.command("sweep", cls=options.Command)(sweep.command)
app.command("parity", cls=options.Command)(parity.command)
app.add_typer(study.app, name="study")
app.command("status")(status.command)
app.add_typer(source.app, name="source")
app.add_typer(index.app, name="index")
app.command("check")(check.command)
app.command("show")(show.command)
app.command("components", cls=options.Command)(components.command)
app.command("schema")(schema.command)
app.command("import", cls=options.Command)(importing.command)
app.command("export", cls=options.Command)(export.command)
app.command("upgrade")(upgrade.command)
app.add_typer(models.app, name="models")
app.add_typer(new.app, name="new")
app.command("doctor")(doctor.command)
app.command("completion", cls=options.Command)(completion.command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ragbraid {version('ragbraid')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Documents and one YAML file in, answers with verified citations out."""


def main() -> None:
    """Run the command line and exit with its code. `ragbraid.__main__` calls it where Ctrl-C is heeded."""
    with failures.as_sentences(as_json="--json" in sys.argv):
        output.speak_utf8()
        completion.make_ready()
        code = app(prog_name="ragbraid", standalone_mode=False, terminal_width=columns.help_width())
    raise SystemExit(code)
