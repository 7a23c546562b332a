"""A folder to carry to a machine without network: models, and the list of packages to take along."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ragbraid.errors import InputError, ModelError
from ragbraid.models.catalogue import Model, catalogue, unknown
from ragbraid.models.fetch import get
from ragbraid.models.listing import entry
from ragbraid.models.locate import locate
from ragbraid.models.pin import PIN, pinned
from ragbraid.models.verify import difference

REQUIREMENTS = "requirements.txt"
_HEAD = """\
# What ragbraid needs beside the models of this folder, as it is installed where the folder was made
# (Python {version}, {platform}). With network:
#   pip download -r requirements.txt -d wheels
# Without:
#   pip install --no-index --find-links wheels -r requirements.txt
#   ragbraid models get --from .
"""
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*[\"']([^\"']+)")


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
        _write(to / REQUIREMENTS, requirements())
    except OSError as error:
        raise _unwritable(to, error) from error
    return made


def requirements() -> str:
    """The packages that are installed for ragbraid here, each at its version, as pip reads them."""
    head = _HEAD.format(version=".".join(map(str, sys.version_info[:2])), platform=sys.platform)
    seen: dict[str, str] = {}
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
        seen[re.sub(r"[-_.]+", "-", name).lower()] = f"{found.metadata['Name']}=={found.version}"
        pending += _needs(found.requires or [], extras)
    own = seen.pop("ragbraid", None)
    first = "ragbraid[local]" if own is None else own.replace("ragbraid", "ragbraid[local]")
    return head + "\n".join([first, *(seen[key] for key in sorted(seen))]) + "\n"


def _needs(requires: Sequence[str], extras: str) -> Iterator[tuple[str, str]]:
    wanted = {each.strip() for each in extras.split(",")}
    for each in requires:
        needed, _, marker = each.partition(";")
        extra, named = _EXTRA.search(marker), _NAME.match(needed)
        if named is not None and (extra is None or extra[1] in wanted):
            yield named[1], named[2] or ""


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
        for path in (*held.files, *([] if model.files else [PIN])):
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / path, work / path)
        wrong = difference(held, work)
        if wrong is not None:
            raise ModelError(f"The copy of {model.name} in {to} isn't right: {wrong}.", "Check that disk.")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _write(file: Path, text: str) -> None:
    work = file.with_name(f".{file.name}.work")
    work.write_text(text, encoding="utf-8")
    os.replace(work, file)


def _unwritable(to: Path, error: OSError) -> ModelError:
    return ModelError(
        f"The bundle can't be written to {to}: {error.strerror or error}.",
        "Make room there, or name another folder.",
    )
