"""Keeps the parser's process within its memory; runs in that process alone.

A thread looks at the memory in use every few milliseconds and ends the process where it is too much. Linux is
told a limit as well, which holds while native code keeps that thread from running.
"""

from __future__ import annotations

import os
import sys
import threading
import time

OVER = 77
"""The exit code of a process that took too much memory."""
_LOOK = 0.02
_SLACK = 512 << 20
"""Bytes by which Linux's limit is higher: it counts what is asked for, not what is used."""


class Memory:
    """What one document may take; the process itself and what is loaded already count, too."""

    def __init__(self) -> None:
        self._most = 0
        self._asked = _asked()
        threading.Thread(target=self._watch, daemon=True).start()

    def allow(self, megabytes: float) -> None:
        """The limit from now on."""
        self._most = int(megabytes * 1e6)
        if self._asked is not None:
            import resource

            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            most = self._asked + self._most + _SLACK
            soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

    @property
    def short(self) -> bool:
        """Whether more than half is in use between documents: the next one wants a new process."""
        return used() > self._most // 2

    def check(self) -> None:
        """End the process where it has more in use than is allowed."""
        if 0 < self._most < used():
            os._exit(OVER)

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK)
            self.check()


if sys.platform == "win32":

    def used() -> int:
        """The bytes of memory in use."""
        import ctypes
        from ctypes import wintypes

        class Counters(ctypes.Structure):
            _fields_ = (
                ("cb", wintypes.DWORD),
                ("faults", wintypes.DWORD),
                *((f"size{number}", ctypes.c_size_t) for number in range(8)),
            )

        counters = Counters(cb=ctypes.sizeof(Counters))
        current = ctypes.windll.kernel32.GetCurrentProcess
        current.restype = wintypes.HANDLE
        measure = ctypes.windll.kernel32.K32GetProcessMemoryInfo
        measure.argtypes = (wintypes.HANDLE, ctypes.POINTER(Counters), wintypes.DWORD)
        measure(current(), ctypes.byref(counters), counters.cb)
        return int(counters.size1)  # WorkingSetSize, after the largest one so far

elif sys.platform == "linux":

    def used() -> int:
        """The bytes of memory in use."""
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

else:

    def used() -> int:
        """The most bytes of memory that were in use so far, which is what macOS tells."""
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _asked() -> int | None:
    """The bytes of data memory that Linux has given so far; None elsewhere."""
    if sys.platform != "linux":
        return None
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        found = next((line.split() for line in file if line.startswith("VmData:")), None)
    return None if found is None else int(found[1]) << 10
