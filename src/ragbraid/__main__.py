"""`python -m ragbraid`: the same as the command `ragbraid`."""

from ragbraid.cli.main import main

main()
