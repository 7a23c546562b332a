"""Who a request comes from, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import HTTPConnection

from ragbraid.pipeline.requests import Caller
from ragbraid.serve.failures import Refused


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """The holder of a key, or whoever reaches a server without keys.

    `flows` are those that they may run, `ingest` among them; None for all. `caller` is what the engine adds
    to every read and write of theirs.
    """

    name: str = ""
    flows: frozenset[str] | None = None
    caller: Caller = field(default_factory=Caller)
    per_minute: int | None = None
    concurrency: int | None = None
    expires: datetime | None = None

    def may(self, flow: str) -> bool:
        """Whether they may run a flow."""
        return self.flows is None or flow in self.flows

    def demand(self, flow: str) -> None:
        """Raise `Refused` for a flow that isn't theirs."""
        if not self.may(flow):
            raise Refused(403, f"This key may not use {flow!r}.", code="flow_not_allowed")


ANYONE = Client()


def client_of(request: HTTPConnection) -> Client:
    """The client that the server's door let in."""
    found: Client = request.scope.get("ragbraid.client", ANYONE)
    return found
