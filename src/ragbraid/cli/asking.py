"""Asking before something is taken away."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import typer

from ragbraid.cli import interrupts, output
from ragbraid.errors import InputError


def agrees(question: str, what: Iterable[str] = ()) -> bool:
    """Ask on the terminal, below lines that say what it is about. Raises `InputError` without one."""
    if not sys.stdin.isatty():
        raise InputError("Nothing was removed: there is no terminal to ask on.", "Give --yes to go ahead.")
    for each in what:
        output.say(f"  {each}")
    try:
        with interrupts.prompting():
            return typer.confirm(question, err=True)
    except (typer.Abort, KeyboardInterrupt):
        output.say("\nNothing was removed.")
        raise KeyboardInterrupt from None
