"""The command line: one file per command, each thin over `ragbraid.Pipeline`.

Typer is imported by every file, everything heavier inside the command that uses it.
"""
