"""What every benchmark prints: the machine, the versions, a Markdown table."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
STEERING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def quiet_peers() -> None:
    """Keep every contender off the network (hub look-ups, a peer's usage reports) and off standard error."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
    os.environ["LANGSMITH_TRACING"] = "false"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["TQDM_DISABLE"] = "1"


def header(title: str, packages: Sequence[str]) -> None:
    print(f"\n## {title}\n")
    print(f"{machine()}  ")
    print(", ".join([f"Python {platform.python_version()}", *filter(None, map(_versioned, packages))]))
    for name in STEERING:
        if name in os.environ:
            print(f"warning: {name} is set, which changes numpy's speed: unset it", file=sys.stderr)


def machine() -> str:
    """The processor's model, the cores this process may use, and the flags that matter here."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    model = found.get("model name") or platform.processor() or platform.machine()
    flags = found.get("flags", "").split()
    marks = [flag for flag in FLAGS if flag in flags] or ["flags unknown"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {' '.join(marks)}, load {_load()}"


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _versioned(package: str) -> str | None:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print("\n| " + " | ".join(heads) + " |")
    print("|" + "|".join(["---", *["---:"] * (len(heads) - 1)]) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def verdict(what: str, value: float, goal: float, unit: str = "", *, at_least: bool = False) -> None:
    """Print one goal beside what was measured."""
    met = value >= goal if at_least else value <= goal
    sign = "≥" if at_least else "≤"
    print(f"- {what}: {value:.2f}{unit}, goal {sign} {goal:g}{unit}: {'met' if met else 'NOT met'}")


def rounds(contenders: dict[str, Callable[[], float]], count: int) -> dict[str, list[float]]:
    """Measure every contender once a round, each round beginning with another one."""
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(count):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            taken[name].append(contenders[name]())
    return taken


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median over rounds of ours / theirs, so that a slow moment of the machine hits both."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))
