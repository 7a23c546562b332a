"""The packages that ragbraid needs at run time, all extras included, with their licences.

Run it from the repository's root: .venv/bin/python tests/packaging/licences.py prints a line for each,
`--pins` prints them as requirements instead, for `make sbom` and `make audit`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

EXTRAS = frozenset({"local", "serve", "eval", "study", "remote", "sql", "tables", "code", "docs-in"})
"""All but those for a GPU, for developing and for benchmarks."""
ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "BlueOak-1.0.0", "CC0-1.0",
    "CDLA-Permissive-2.0", "CNRI-Python", "ISC", "MIT", "MIT-0", "MPL-2.0", "NCSA", "PSF-2.0", "Unicode-3.0",
    "Unicode-DFS-2016", "Unlicense", "Zlib", "bzip2-1.0.6",
}  # fmt: skip
"""SPDX's names of licences that let a program under Apache-2.0 be passed on with the package unchanged."""
_IN_WORDS = {
    "Apache": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "3-Clause BSD": "BSD-3-Clause",
    "ISC": "ISC",
    "MIT": "MIT",
    "Mozilla Public License 2.0": "MPL-2.0",
    "Python Software Foundation": "PSF-2.0",
}
"""Older packages say it in words, which begin so."""


def packages() -> dict[str, Distribution]:
    """What is installed of ragbraid's dependencies and theirs, by name; platforms' own are this one's."""
    found: dict[str, Distribution] = {}
    asked: set[tuple[str, str]] = set()
    waiting = [("ragbraid", extra) for extra in ("", *EXTRAS)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in asked:
            continue
        asked.add((name, extra))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found[name].requires or []:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                plain = re.sub(r"[-_.]+", "-", wanted.name).lower()
                waiting += [(plain, each) for each in ("", *wanted.extras)]
    return found


def licence(package: Distribution) -> str:
    """The licence as SPDX writes it, where the package says so or its words are known; else its words."""
    declared = package.metadata.get("License-Expression")
    if declared:
        return declared
    classifiers = package.metadata.get_all("Classifier") or []
    words = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")]
    words = words or [(package.metadata.get("License") or "").rpartition(" :: ")[2]]
    return " OR ".join(spdx(each) for each in words)


def spdx(words: str) -> str:
    """SPDX's name of a licence that is known by its words, else the words."""
    known = [name for begin, name in _IN_WORDS.items() if re.match(rf"{begin}\b", words)]
    return known[-1] if known else words


def allowed(expression: str) -> bool:
    """Whether each licence that an expression demands is allowed, or an alternative to it is."""
    parts = re.sub(r"[()]| WITH [\w.-]+", "", expression).split(" AND ")
    return all(any(each.strip() in ALLOWED for each in part.split(" OR ")) for part in parts)


def lines() -> Iterator[str]:
    """A line for each package."""
    for name, package in sorted(packages().items()):
        if name != "ragbraid":
            pin = f"{name}=={package.version.partition('+')[0]}"
            yield pin if "--pins" in sys.argv else f"{pin}  {licence(package)}"


if __name__ == "__main__":
    print("\n".join(lines()))
