"""Sources that are read and split by threads ahead of their turn, and handed out in it.

Parsers run in processes of their own, and an embedder leaves the interpreter to others while it computes: so
threads are enough for both to go on at once. What comes out doesn't depend on how many there are.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import get_ident
from typing import Generic, TypeVar

WORKERS = min(4, os.cpu_count() or 1)
_MOST_BYTES = 32_000_000
"""Of files that are read ahead together; a larger one waits until it is alone."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """Work that may be done ahead, and the size of the file that it is about in bytes."""

    work: Callable[[], T]
    size: int


class Ready(Generic[T]):
    """What a job gave, or the error that it raised."""

    def __init__(self, get: Callable[[], T]) -> None:
        self.get = get


def ahead(
    jobs: Iterable[Job[T]], workers: int, abandon: Callable[[set[int]], object]
) -> Generator[Ready[T], None, None]:
    """The results in the order of their jobs, up to twice as many begun as there are workers.

    Closing the iterator lets go of what isn't begun, has `abandon` cut short what threads of these numbers
    are at, and waits for them: no thread is left.
    """
    if workers <= 1:
        yield from (Ready(each.work) for each in jobs)
        return
    threads: set[int] = set()
    pool = ThreadPoolExecutor(workers, "ragbraid-read", lambda: threads.add(get_ident()))
    begun: deque[tuple[Future[T], int]] = deque()
    held = 0
    try:
        for job in jobs:
            while begun and (len(begun) >= 2 * workers or held + job.size > _MOST_BYTES):
                future, size = begun.popleft()
                held -= size
                yield Ready(future.result)
            begun.append((pool.submit(job.work), job.size))
            held += job.size
        while begun:
            yield Ready(begun.popleft()[0].result)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        abandon(threads)
        pool.shutdown()
