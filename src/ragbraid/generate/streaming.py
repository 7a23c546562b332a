"""A stream of what a thread generates, for engines that say their pieces by calling back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TypeAlias

from ragbraid.generate.protocol import Completion

Say: TypeAlias = Callable[[str], None]
Stopped: TypeAlias = Callable[[], bool]


def streamed(run: Callable[[Say, Stopped], Completion], name: str) -> Iterator[str | Completion]:
    """The pieces that `run` says in a thread called `name`, then what it returns; raises what it raises.

    Closing the iterator makes `run`'s second argument say True, and waits for it.
    """
    queue: SimpleQueue[str | Completion | Exception] = SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        try:
            queue.put(run(queue.put, stopped.is_set))
        except Exception as error:  # whatever it is, whoever waits must hear of it
            queue.put(error)

    worker = threading.Thread(target=work, name=name, daemon=True)
    worker.start()
    try:
        while not isinstance(item := queue.get(), Completion):
            if isinstance(item, Exception):
                raise item
            if item:
                yield item
        yield item
    finally:
        stopped.set()
        worker.join()
