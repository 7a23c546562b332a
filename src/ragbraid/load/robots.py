"""What a site's robots.txt allows: RFC 9309, with its wildcards and the longest rule deciding."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

_LONGEST = 500 * 1024
"""Bytes of a robots.txt that are read, as the RFC asks for at least."""


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules for one reader: `allow` or not, and the path pattern, longest first."""

    rules: tuple[tuple[str, bool], ...] = ()
    delay: float = 0.0
    """Seconds between two requests that the site asks for."""

    def allows(self, path: str) -> bool:
        """Whether a path with its query may be read."""
        asked = _normal(path)
        for pattern, allowed in self.rules:
            if _matches(pattern, asked):
                return allowed
        return True


def parse(data: bytes, agent: str) -> Robots:
    """The rules for a reader of that name, or else those for all."""
    groups: dict[str, list[tuple[str, str]]] = {}
    names: list[str] = []
    in_rules = False
    for line in data[:_LONGEST].decode("utf-8-sig", "replace").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            if in_rules:
                names, in_rules = [], False
            names.append(value.lower())
            groups.setdefault(value.lower(), [])
        elif key in ("allow", "disallow", "crawl-delay"):
            in_rules = True
            for name in names:
                groups[name].append((key, value))
    mine = groups.get(agent.lower(), groups.get("*", []))
    paths = [(_normal(value), key == "allow") for key, value in mine if key != "crawl-delay" and value]
    delays = [_seconds(value) for key, value in mine if key == "crawl-delay"]
    # Of two rules of one length the one that allows decides.
    return Robots(
        tuple(sorted(paths, key=lambda rule: (-len(rule[0]), not rule[1]))), max(delays, default=0.0)
    )


def _normal(path: str) -> str:
    """Percent-encoded in one way, so that `%7E` and `~` are the same."""
    return quote(unquote(path), safe="/*$?&=+,;:@!~'()-._%")


def _matches(pattern: str, path: str) -> bool:
    """Whether a path begins as the pattern says: `*` is anything, `$` at the end is the path's end."""
    first, *rest = pattern.removesuffix("$").split("*")
    ends = pattern.endswith("$")
    if not path.startswith(first):
        return False
    at = len(first)
    if not rest:
        return not ends or at == len(path)
    *middle, last = rest
    for part in middle:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if ends:
        return len(path) - len(last) >= at and path.endswith(last)
    return path.find(last, at) >= 0


def _seconds(value: str) -> float:
    try:
        return min(max(float(value), 0.0), 30.0)
    except ValueError:
        return 0.0
