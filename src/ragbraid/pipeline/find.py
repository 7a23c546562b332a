"""Which pipeline file holds, and which folder its paths count from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ragbraid.errors import InputError

FILE = "ragbraid.yaml"


@dataclass(frozen=True, slots=True)
class PipelineSource:
    """A pipeline's text, the name that messages call it by, and the folder it is based on."""

    text: str
    name: str
    base: Path
    path: Path | None = None

    @property
    def default_name(self) -> str:
        """What a pipeline without a `name` is called."""
        return self.path.stem if self.path else "local"


def find(path: str | Path | None = None) -> PipelineSource:
    """The named file; without a name `ragbraid.yaml` here or in a folder above; else the packaged one.

    The packaged `local.yaml` is based on the current folder. Raises `InputError`.
    """
    if path is not None:
        return _read(Path(path).expanduser())
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return _read(folder / FILE)
    return PipelineSource(packaged("local.yaml"), "local.yaml (packaged)", here)


def tidied(path: Path) -> Path:
    """The absolute path without `..`, save after a link, where the folder above is another one."""
    found = Path(path.absolute().anchor)
    for part in path.absolute().parts[1:]:
        found = (
            found.parent if part == ".." and not found.is_symlink() and found.name != ".." else found / part
        )
    return found


def packaged(name: str) -> str:
    """The text of a pipeline that ships with ragbraid."""
    for folder in _folders():
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise InputError(f"The packaged pipeline {name} isn't there.", "Install ragbraid again.")


def packaged_names() -> list[str]:
    """The names of the pipelines that ship with ragbraid, without their ending."""
    return sorted({each.stem for folder in _folders() for each in folder.glob("*.yaml")})


def _folders() -> tuple[Path, Path]:
    """Where packaged pipelines lie: in a wheel, in a checkout."""
    package = Path(__file__).parents[1]
    return package / "pipelines", package.parent.parent / "pipelines"


def _read(path: Path) -> PipelineSource:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"There is no pipeline file {path}.", "Name another with -p, or leave -p out."
        ) from None
    except IsADirectoryError:
        raise InputError(
            f"{path} is a folder, not a pipeline file.", f"Name a file in it, such as {path / FILE}."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line} isn't UTF-8.", "Save the file as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", "Look at its permissions.") from None
    return PipelineSource(text, str(path), tidied(path).parent, path)
