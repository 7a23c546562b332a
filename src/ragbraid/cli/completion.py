"""`ragbraid completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from ragbraid.cli import options, output

_VARIABLE = "_RAGBRAID_COMPLETE"


class Shell(StrEnum):
    """The shells that there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def command(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="Which shell is yours.")],
    as_json: options.AsJson = False,
) -> None:
    """Print the script that completes commands in a shell.

    The script goes where the shell reads it at its start, for example:

    \b
      bash        ragbraid completion bash >> ~/.bashrc
      zsh         ragbraid completion zsh >> ~/.zshrc   (after compinit)
      fish        ragbraid completion fish > ~/.config/fish/completions/ragbraid.fish
      powershell  ragbraid completion powershell >> $PROFILE
    """
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name="ragbraid", complete_var=_VARIABLE, shell=shell.value)
    if as_json:
        output.print_json({"shell": shell.value, "script": script})
    else:
        output.show(script)


def make_ready() -> None:
    """Where a shell is asking, teach Typer to answer: it does so itself only with its own options."""
    if _VARIABLE in os.environ:
        from typer._completion_classes import completion_init

        completion_init()
