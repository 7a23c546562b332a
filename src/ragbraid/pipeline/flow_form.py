"""The two forms of a flow in a file: a list of steps, or a mapping that holds one."""

from __future__ import annotations

from ragbraid.pipeline.diagnostics import Problems, meant
from ragbraid.pipeline.tree import List, Map, Node, describe

KEYS = ("inputs", "steps", "output")


def steps_of(node: Node, flow: str, problems: Problems) -> List | None:
    """A flow's list of steps; None where there is none or an empty one. Messages call it `flow`."""
    steps: Node | None = node
    if isinstance(node, Map):
        for key in node.items:
            if key not in KEYS:
                problems.add(node.where(key), f"a flow has no {key!r}{meant(key, KEYS)}")
        steps = node.items.get("steps")
    if steps is None:
        problems.add(node.place, f"{flow} wants `steps`")
    elif not isinstance(steps, List):
        problems.add(steps.place, f"{flow} wants a list of steps, not {describe(steps)}")
    elif not steps.items:
        problems.add(steps.place, f"{flow} wants at least one step")
    else:
        return steps
    return None
