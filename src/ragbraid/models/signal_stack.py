"""The stack that a thread handles signals on, which OpenVINO replaces and doesn't always give back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def signal_stack_kept() -> Iterator[None]:
    """Whatever is loaded inside, this thread handles signals on the same stack after it as before.

    Each CPU plug-in that OpenVINO 2026.4 loads on Linux gives the thread that loads it another stack, for
    processors whose registers want more room, and frees it when it is closed: if another thread closes it,
    the first one is left with freed memory, and the next Ctrl-C ends the process with a segmentation fault.
    Where the former stack is too small for the processor by now, the thread has none of its own.
    """
    if sys.platform != "linux":
        yield
        return
    import ctypes

    class Stack(ctypes.Structure):
        """`stack_t` of sigaltstack(2)."""

        _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))

    switch, none = ctypes.CDLL(None).sigaltstack, 2  # SS_DISABLE
    before = Stack()
    known = switch(None, ctypes.byref(before)) == 0
    try:
        yield
    finally:
        if known and switch(ctypes.byref(before), None) != 0:
            switch(ctypes.byref(Stack(None, none, 0)), None)
