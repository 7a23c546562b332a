"""What every drawing says of a node."""

from __future__ import annotations

from collections.abc import Mapping

from ragbraid.pipeline.graph import Link, Node


def what(node: Node) -> list[str]:
    """What a node is, where its name doesn't say it."""
    match node.form:
        case "flow":
            return ["flow"] if node.type == node.name else [f"flow {node.type}"]
        case "loop":
            return [f"repeats {node.type}"]
        case "map":
            return [f"{node.type} for each"]
        case "agent":
            return [] if node.name == "agent" else ["agent"]
        case "branch":
            return [] if node.name == "when" else ["branch"]
        case _:
            return [] if node.type in ("", node.name) else [node.type]


def uses(node: Node) -> bool:
    """Whether a step is one of the components, and so is told where they are."""
    return any(each.name == "use" for each in node.refers)


def refers(node: Node, names: Mapping[str, str]) -> list[str]:
    """The components that it holds, with the setting where that is called otherwise."""
    held = [(each.name, names[each.to]) for each in node.refers if each.name != "use"]
    return [name if name == component else f"{name}={component}" for name, component in held]


def settings(node: Node) -> list[str]:
    """Its settings, as `--set` takes them."""
    return [f"{name}={value}" for name, value in node.settings.items()]


def label(node: Node) -> list[str]:
    """The lines of its box: its name, what it is, its settings."""
    return [node.name, *([] if uses(node) else what(node)), *settings(node)]


def on_arrow(node: Node, link: Link) -> str:
    """What is said beside an arrow into a node: most arrows explain themselves."""
    if node.form == "branch":
        return link.name
    if node.form == "agent" and link.name == "tool":
        return "tool"
    if node.form == "map" and link.name == "over":
        return "each"
    return "until" if node.form == "until" else ""
