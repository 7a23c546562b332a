"""The command `ragbraid`, and `python -m ragbraid`."""

from ragbraid.cli import interrupts


def main() -> None:
    """Run the command line and exit with its code."""
    with interrupts.heeded():
        from ragbraid.cli.main import main as run  # takes long enough to be interrupted

        run()


if __name__ == "__main__":
    main()
