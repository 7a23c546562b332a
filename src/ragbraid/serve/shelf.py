"""The pipelines that a server has, by name, each in its newest version that is right."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ragbraid.errors import InputError
from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.serving import SECTION
from ragbraid.serve.clients import Client
from ragbraid.serve.failures import Refused
from ragbraid.types import Answer


class _Version:
    """A pipeline as its file was at some time, and how many use it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.leases = 0
        self.retired = False
        self.views: dict[Client, Pipeline] = {}


class Served:
    """One pipeline. Whoever borrows it keeps the version that they began with, while a newer takes over."""

    def __init__(self, pipeline: Pipeline, running: int) -> None:
        self.name = pipeline.name
        self._running = running
        pipeline.expect(running)
        self._version = _Version(pipeline)
        self._lock = threading.Lock()

    @property
    def newest(self) -> Pipeline:
        """For looking at what it is; whoever runs it borrows it."""
        return self._version.pipeline

    @property
    def flows(self) -> tuple[str, ...]:
        """The flows that are served: those that its file names, or all."""
        named = self.newest.section(SECTION).get("flows")
        return (
            self.newest.flows if named is None else tuple(each for each in self.newest.flows if each in named)
        )

    @contextmanager
    def borrowed(self, client: Client) -> Iterator[Pipeline]:
        """The pipeline as this client may use it, which stays open meanwhile."""
        with self._lock:
            version = self._version
            version.leases += 1
        try:
            yield self._view(version, client)
        finally:
            with self._lock:
                version.leases -= 1
                last = version.retired and not version.leases
            if last:
                self._close(version)

    def replace(self, pipeline: Pipeline) -> None:
        """Serve another version from now on; the old one is closed once nobody uses it."""
        pipeline.expect(self._running)
        with self._lock:
            before, self._version = self._version, _Version(pipeline)
            before.retired = True
            idle = not before.leases
        if idle:
            self._close(before)

    def answering(self) -> tuple[str, ...]:
        """The flows that end in an answer, `ask` first."""
        flows = [each for each in self.flows if self.newest.flow(each).output.type is Answer]
        return tuple(sorted(flows, key=lambda each: each != "ask"))

    @staticmethod
    def _view(version: _Version, client: Client) -> Pipeline:
        view = version.views.get(client)
        if view is None:
            view = version.views[client] = version.pipeline.as_caller(client.caller)
        return view

    @staticmethod
    def _close(version: _Version) -> None:
        threading.Thread(target=version.pipeline.close, name="ragbraid-retire", daemon=True).start()


@dataclass(frozen=True, slots=True)
class Model:
    """A flow that ends in an answer, as OpenAI's clients see it."""

    id: str
    served: Served
    flow: str


class Shelf:
    """All pipelines of a server; the first is the one that is meant where none is named."""

    def __init__(self, pipelines: Sequence[Pipeline], running: int) -> None:
        """`running` is how many requests are worked on at a time, whichever pipeline they are for."""
        self.all: Mapping[str, Served] = {each.name: Served(each, running) for each in pipelines}
        if len(self.all) < len(pipelines):
            raise InputError(
                "Two of the pipelines have the same name.", "Give each a `name` of its own in its file."
            )

    def get(self, name: str | None) -> Served:
        """The pipeline of that name, or the first. Raises `Refused`."""
        if name is None:
            return next(iter(self.all.values()))
        if name not in self.all:
            raise Refused(
                404, f"There is no pipeline {name!r}{meant(name, self.all) or '.'}", param="pipeline"
            )
        return self.all[name]

    def models(self, client: Client) -> list[Model]:
        """What a client can name as `model`; with several pipelines each is prefixed by its own."""
        several = len(self.all) > 1
        return [
            Model(f"{name}/{flow}" if several else flow, served, flow)
            for name, served in self.all.items()
            for flow in served.answering()
            if client.may(flow)
        ]

    def model(self, name: str, client: Client) -> Model:
        """The model of that id. Raises `Refused`."""
        models = {each.id: each for each in self.models(client)}
        if name not in models:
            near = meant(name, models) or f"; there is {listed(models)}."
            raise Refused(404, f"There is no model {name!r}{near}", code="model_not_found", param="model")
        return models[name]

    def flow(self, name: str | None, flow: str, client: Client) -> Served:
        """The pipeline of that name, which has that flow. Raises `Refused`."""
        served = self.get(name)
        client.demand(flow)
        if flow not in served.flows:
            near = meant(flow, served.flows) or "."
            raise Refused(404, f"The pipeline {served.name!r} has no flow {flow!r}{near}", param="flow")
        return served

    def close(self, timeout: float) -> list[str]:
        """Close every pipeline; returns the steps that don't stop in time."""
        return [step for served in self.all.values() for step in served.newest.close(timeout)]
