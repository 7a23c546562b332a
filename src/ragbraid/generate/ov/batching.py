"""Requests side by side in OpenVINO's continuous batching: whoever comes joins at the next token.

Keys and values lie in pages; prompts that begin alike share them, and they stay for later prompts within the
cache's size (vLLM's paged attention, Kwon et al. 2023, and its automatic prefix caching).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ragbraid.context import Context
from ragbraid.errors import GenerationError
from ragbraid.generate.answering import Tokens
from ragbraid.generate.ov.jobs import Job
from ragbraid.generate.turns import turn_of
from ragbraid.models.openvino import openvino, openvino_genai
from ragbraid.models.signal_stack import signal_stack_kept

_BLOCK = 32
"""Tokens of a page, in the CPU plug-in."""
_BATCHED_TOKENS = 4096
_STOPPED = Tokens((), (), "stopped")

_Running: TypeAlias = list[tuple[Job, Any]]


class Batcher:
    """A loaded pipeline. Its thread lives while there are requests, and no longer.

    Where the pipeline fails, it is loaded anew and the requests run again from their beginning, those in
    doubt one by one; what had been handed on isn't handed on twice. So a request harms no other.

    Where requests wait, the one that is due first joins, and no run keeps the others out (`turns`).

    One request joins at every second token, and only where one of the `parallel` places is free. The library
    (openvino-genai 2026.4) lets a newcomer go on in a page that another began, if both begin alike, and notes
    that the page is the newcomer's at its second token: whoever joins before and begins alike as well would
    write into that same page.
    """

    def __init__(self, load: Callable[[], Any], parallel: int) -> None:
        self._load = load
        self._parallel = parallel
        self._pipeline = load()
        self._waiting: list[Job] = []
        self._busy = False
        self._closed = False
        self._asked = 0
        self._just_joined = False
        self._state = threading.Condition()

    def submit(self, job: Job, context: Context | None = None) -> None:
        """Let a request join; its tokens come in `job.out`, last those that `finished`, or an error."""
        with self._state:
            if self._closed:
                raise GenerationError("The generator was closed.")
            job.turn = turn_of(context, [each.turn for each in self._waiting])
            self._waiting.append(job)
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._work, name="ragbraid-openvino", daemon=True).start()

    def close(self) -> None:
        """Stop all requests and give the memory back."""
        with self._state:
            self._closed = True
            self._state.wait_for(lambda: not self._busy)
        self._pipeline = None

    def _work(self) -> None:
        running: _Running = []
        while joining := self._admitted(running):
            running = [(job, handle) for job, handle in joining if handle is not None]
            try:
                running += self._joined([job for job, handle in joining if handle is None])
                running = self._step(running)
            except Exception as error:  # whatever it is, whoever waits must hear of it
                self._recover(error, [job for job, _ in joining])
                running = []

    def _admitted(self, running: _Running) -> _Running:
        """What runs and what joins now, the latter without a handle; empty when the work is done."""
        with self._state:
            self._waiting = [job for job in self._waiting if not _left(job)]
            if self._full(running):
                self._just_joined = False
                return running
            alone = next((job for job in self._waiting if job.alone), None)
            joining = alone or self._first()
            if joining is not None and not (alone and running):
                self._waiting.remove(joining)
                self._just_joined = True
                return [*running, (joining, None)]
            if not running:
                self._busy = False
                self._state.notify_all()
            return running

    def _first(self) -> Job | None:
        """The job that waits and is due first."""
        return min(self._waiting, key=lambda job: job.turn.due, default=None)

    def _full(self, running: _Running) -> bool:
        """Whether nobody may join at this token."""
        if not running:
            return False
        untold = any(job.alone and not job.told for job, _ in running)
        return untold or self._just_joined or len(running) >= self._parallel

    def _joined(self, jobs: list[Job]) -> _Running:
        joined: _Running = []
        for job in jobs:
            prompt = openvino().Tensor(np.array([job.prompt], np.int64))
            self._asked += 1
            try:
                joined.append((job, self._pipeline.add_request(self._asked, prompt, job.config)))
            except RuntimeError as error:
                job.out.put(GenerationError(f"OpenVINO refused the request: {_last_line(error)}"))
        return joined

    def _step(self, running: _Running) -> _Running:
        """One token for each; those still running."""
        left: _Running = []
        for job, handle in running:
            if self._closed or job.stop.is_set():
                handle.cancel()
                job.out.put(_STOPPED)
            else:
                left.append((job, handle))
        if self._pipeline.has_non_finished_requests():
            self._pipeline.step()
        return [(job, handle) for job, handle in left if not _told(job, handle)]

    def _recover(self, error: Exception, jobs: list[Job]) -> None:
        doubtful = [job for job in jobs if job.doubtful and not job.told]
        failed = jobs if len(jobs) == 1 or not doubtful else []
        for job in failed:
            job.out.put(GenerationError(f"OpenVINO refused the request: {_last_line(error)}"))
        self._pipeline = None
        try:
            self._pipeline = self._load()
        except Exception as again:
            with self._state:
                self._closed = True
                failed, self._waiting = [job for job in jobs if job not in failed] + self._waiting, []
            for job in failed:
                job.out.put(GenerationError(f"OpenVINO failed: {_last_line(again)}"))
            return
        with self._state:
            for job in jobs:
                if job not in failed:
                    job.skip, job.alone = job.told, job in doubtful
                    self._waiting.append(job)


def pipeline(folder: Path, properties: Mapping[str, Any], *, parallel: int, cache_bytes: int) -> Any:
    """A loaded pipeline of continuous batching, with `cache_bytes` for keys and values."""
    scheduler = openvino_genai().SchedulerConfig()
    scheduler.enable_prefix_caching = True
    scheduler.max_num_seqs = parallel
    scheduler.max_num_batched_tokens = _BATCHED_TOKENS
    scheduler.num_kv_blocks = max(2, cache_bytes // page_bytes(folder))
    with signal_stack_kept():
        return openvino_genai().ContinuousBatchingPipeline(folder, scheduler, "CPU", dict(properties), {})


def page_bytes(folder: Path) -> int:
    """What a page of the cache takes in float32."""
    from ragbraid.models.openvino import core

    graph = core().read_model(folder / "openvino_model.xml")
    total = 0
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "ReadValue":
            shape = node.get_output_partial_shape(0)
            total += shape[1].get_length() * shape[3].get_length() * 4
    return total * _BLOCK


def _left(job: Job) -> bool:
    """Whether a job that waits has been given up, which it is told."""
    if not job.stop.is_set():
        return False
    job.out.put(_STOPPED)
    return True


def _told(job: Job, handle: Any) -> bool:
    """Hand on what a request has got; whether it ended."""
    while handle.can_read():
        for output in handle.read().values():
            reason = output.finish_reason.name.lower()
            ids, logs = list(output.generated_ids), list(output.generated_log_probs)
            known, job.skip = min(job.skip, len(ids)), max(0, job.skip - len(ids))
            job.told += len(ids) - known
            job.out.put(Tokens(ids[known:], logs[known:], None if reason == "none" else reason))
            if reason != "none":
                return True
    if handle.get_status().name == "IGNORED":
        job.out.put(
            GenerationError(
                "The request doesn't fit into the cache of keys and values.", "Raise cache_mb, or send less."
            )
        )
        return True
    return False


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
