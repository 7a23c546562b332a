"""A folder to carry to a machine without network: models, and the list of packages to take along."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ragbraid import requirement
from ragbraid.errors import InputError, ModelError
from ragbraid.models.catalogue import Model, catalogue, unknown
from ragbraid.models.fetch import get
from ragbraid.models.listing import entry
from ragbraid.models.locate import locate
from ragbraid.models.pin import PIN, copy, pinned
from ragbraid.models.verify import difference
from ragbraid.replacing import replacing

REQUIREMENTS = "requirements.txt"
_TORCH_BUILD = re.compile(r"cpu|xpu|cu\d+|rocm[\d.]+")
_HEAD = """\
# What ragbraid needs beside the models of this folder, as it is installed where the folder was made
# (Python {version}, {platform}). With network:
{made}#   pip download -r requirements.txt -d wheels{beside}
# Without:
#   pip install --no-index --find-links wheels -r requirements.txt
#   ragbraid models get --from .
"""


def bundle(names: Sequence[str], to: Path, *, fetch: Callable[[str], object] = get) -> list[Path]:
    """Put models into folders of their names under `to`, and `requirements.txt` beside; returns the folders.

    Models that aren't here are fetched first, with `fetch`. A copy is read back and compared with its
    checksums. Raises `InputError` for a name that the catalogue lacks, before
    anything is done, and `ModelError` where a model can't be had or written.
    """
    models = []
    for name in names:
        if name not in catalogue():
            if Path(name).exists() or "/" in name:
                raise InputError(
                    f"{name} isn't in the catalogue, so nothing says what its files must be.",
                    "Copy its folder yourself, and name the path of the copy in the pipeline.",
                )
            raise unknown(name, catalogue())
        models.append(catalogue()[name])
    made = []
    for model in models:
        if entry(model).state != "installed":
            fetch(model.name)
        try:
            made.append(_copy(model, to))
        except OSError as error:
            raise _unwritable(to, error) from error
    try:
        with replacing(to / REQUIREMENTS) as beside:
            beside.write_text(requirements(), encoding="utf-8")
    except OSError as error:
        raise _unwritable(to, error) from error
    return made


def requirements() -> str:
    """The packages that are installed for ragbraid here, each at its version, as pip reads them.

    One that was installed from elsewhere than an index is on none perhaps: its wheel is to be made first.
    """
    found = _installed()
    own = found.pop("ragbraid", None)
    lines = ["ragbraid[local]" + (f"=={_public(own)}" if own else "")]
    lines += [f"{found[key].metadata['Name']}=={_public(found[key])}" for key in sorted(found)]
    torch = found.get("torch")
    build = torch.version.partition("+")[2] if torch else ""
    if _TORCH_BUILD.fullmatch(build):
        lines.insert(
            0, f"# torch was its {build} build: where that matters, name the index that has it to pip."
        )
    elsewhere = [url for each in [own, *found.values()] if each and (url := _origin(each))]
    made = f"#   pip wheel --no-deps -w wheels {shlex.join(elsewhere)}\n" if elsewhere else ""
    head = _HEAD.format(
        version=".".join(map(str, sys.version_info[:2])), platform=sys.platform,
        made=made, beside=" --find-links wheels" * bool(made),
    )  # fmt: skip
    return head + "\n".join(lines) + "\n"


def _public(found: Distribution) -> str:
    """Its version without the local part, which no index knows."""
    return found.version.partition("+")[0]


def _origin(found: Distribution) -> str:
    """What it was installed from, as pip takes it; empty where that was an index."""
    told = json.loads(found.read_text("direct_url.json") or "{}")
    url = str(told.get("url", ""))
    if "vcs_info" in told:
        return f"{told['vcs_info']['vcs']}+{url}@{told['vcs_info']['commit_id']}"
    return url2pathname(urlsplit(url).path) if url.startswith("file:") else url


def _installed() -> dict[str, Distribution]:
    """What is installed of ragbraid[local] and all that it needs, by name."""
    seen: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    pending = [("ragbraid", "local")]
    while pending:
        each = pending.pop()
        if each in done:
            continue
        done.add(each)
        name, extras = each
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform, or an extra that isn't used here
        seen[re.sub(r"[-_.]+", "-", name).lower()] = found
        pending += _needs(found.requires or [], extras)
    return seen


def _needs(requires: Sequence[str], extras: str) -> Iterator[tuple[str, str]]:
    wanted = {each.strip() for each in extras.split(",")}
    for needed in filter(None, map(requirement.parse, requires)):
        if needed.extra is None or needed.extra in wanted:
            yield needed.name, needed.extras


def _copy(model: Model, to: Path) -> Path:
    opened = locate(model.name)
    folder = opened.parent if model.file else opened
    held = pinned(model, folder)
    if held is None:
        raise ModelError(f"The model {model.name} has no {PIN}.", f"Run `ragbraid models get {model.name}`.")
    target = to / model.name
    there = pinned(model, target)
    if there is not None and there.files == held.files and difference(held, target) is None:
        return target
    work = to / f".{model.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        copy(held, folder, work)
        wrong = difference(held, work)
        if wrong is not None:
            raise ModelError(f"The copy of {model.name} in {to} isn't right: {wrong}.", "Check that disk.")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _unwritable(to: Path, error: OSError) -> ModelError:
    return ModelError(
        f"The bundle can't be written to {to}: {error.strerror or error}.",
        "Make room there, or name another folder.",
    )
