"""`ragbraid doctor`: what is installed, what would do the work, what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ragbraid.cli import options, output, progress
from ragbraid.cli.places import from_home

if TYPE_CHECKING:
    from ragbraid.cli.engines import Engine
    from ragbraid.cli.probes import Extra, Folder, Import

_CANNOT_RUN = 1


def command(
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell what is installed, what would work, what is missing.

    Exits with 0 where the pipeline can run, else with 1. Uses no network.

    For example: ragbraid doctor
    """
    from ragbraid.cli import probes
    from ragbraid.pipeline.check import check
    from ragbraid.pipeline.find import find
    from ragbraid.pipeline.overrides import parse_overrides

    source = find(pipeline)
    with progress.waiting("Trying what is installed …", quiet=as_json):
        imported = probes.imports(probes.NATIVE)
    checked = check(source, set=parse_overrides(overrides or ()), allow=allow or ())
    report: dict[str, Any] = {
        "system": {**probes.system(), **probes.terminal()},
        "pipeline": source.name,
        "engines": [],
        "models": [],
        "folders": {},
        "writer": None,
        "problems": [str(each) for each in checked.diagnostics],
        "gpus": {name: imported[name].gpus for name in ("torch", "faiss") if name in imported},
        "core": probes.core(),
        "extras": probes.extras(),
    }
    if checked.pipeline is not None:
        with progress.waiting("Looking at the models …", quiet=as_json):
            _examine(report, checked.pipeline, imported)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json({"can_run": not report["problems"], **to_json(report)})
    else:
        _show(report)
    if report["problems"]:
        raise typer.Exit(_CANNOT_RUN)


def _examine(report: dict[str, Any], checked: Any, imported: dict[str, Import]) -> None:
    """Write into the report what the pipeline's components need and have."""
    from ragbraid.cli import engines, probes
    from ragbraid.locking import held_by
    from ragbraid.models.cache import cache_folder

    components = engines.components(checked)
    found = [engines.engine(each, imported) for each in components]
    report["engines"] = [each for each in found if each is not None]
    report["models"] = engines.models(components)
    report["folders"] = {"models": probes.folder(cache_folder())}
    path = getattr(checked.ingest.index, "path", None) if checked.ingest else None
    if isinstance(path, Path):
        report["folders"]["index"] = probes.folder(path)
        try:
            report["writer"] = held_by(path / "writer.lock")
        except OSError as error:
            report["writer"] = f"can't be told: {error.strerror or error}"
    report["problems"] += [each.problem for each in (*report["engines"], *report["models"]) if each.problem]


def _show(report: dict[str, Any]) -> None:
    gpus = "; ".join(f"{name} finds {', '.join(found) or 'none'}" for name, found in report["gpus"].items())
    _section("System", {**report["system"], "GPUs": gpus or "unknown without torch and faiss"})
    _section("Packages", {"core": _versions(report["core"]), **_extras(report["extras"])})
    _section(f"Pipeline {report['pipeline']}", _working(report["engines"]))
    _section("Models", {each.name: each.state for each in report["models"]})
    told = {"models": _models_folder, "index": _folder}
    writer = {"writing now": report["writer"] or "nobody"} if "index" in report["folders"] else {}
    _section("Folders", {name: told[name](each) for name, each in report["folders"].items()} | writer)
    if report["problems"]:
        output.show("This pipeline can't run:", bold=True, colour="red")
        for each in report["problems"]:
            output.show(f"- {each}", hanging=2)
    else:
        output.show("This pipeline can run.", bold=True, colour="green")


def _section(title: str, pairs: dict[str, str]) -> None:
    if pairs:
        output.show(from_home(title), bold=True)
        output.show_pairs({name: from_home(value) for name, value in pairs.items()})
        output.show()


def _working(engines: list[Engine]) -> dict[str, str]:
    told: dict[str, str] = {}
    for each in engines:
        name = each.kind if each.kind not in told else f"{each.kind} {each.type}"
        told[name] = f"{each.type}: {'not ready' if each.problem else each.by}"
    return told


def _folder(folder: Folder) -> str:
    state = "" if folder.exists else ", not there yet"
    free = "" if folder.free_bytes is None else f", {output.size(folder.free_bytes)} free"
    return f"{folder.path}{state}, {'writable' if folder.writable else 'read-only'}{free}"


def _models_folder(folder: Folder) -> str:
    mend = "" if folder.writable else "; to fetch models, set RAGBRAID_MODELS to one that you may write to"
    return _folder(folder) + mend


def _extras(extras: list[Extra]) -> dict[str, str]:
    missing = {each.name: f"{', '.join(each.missing)} missing: run `{each.command}`" for each in extras}
    return {each.name: missing[each.name] if each.missing else _versions(each.installed) for each in extras}


def _versions(packages: dict[str, str]) -> str:
    return ", ".join(f"{name}=={version}" for name, version in packages.items())
