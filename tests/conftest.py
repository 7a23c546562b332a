"""What holds for the whole suite."""

from __future__ import annotations

import signal

# A job that a shell starts in the background ignores Ctrl-C, and so would every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
