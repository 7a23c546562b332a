"""Models of the Hugging Face hub: what each file must be, as the hub says, and its bytes.

The hub's own library has the client, and so the user's settings: HF_ENDPOINT, HF_TOKEN, HF_HOME,
HF_HUB_OFFLINE, proxies and certificates. Going on with a download that broke off, and hashing what came,
are done here: that library does neither.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.models.catalogue import File, Model
from ragbraid.models.pin import is_inside, write_pin
from ragbraid.models.reasons import masked, reason

_TRIES = 5
"""How often a download may fail in a row without one new byte."""
_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on the hub. `oid` is the SHA-256 of a large one, else the SHA-1 that git gives it."""

    path: str
    size: int
    oid: str


class _Failed(Exception):
    """The hub said no, and would again."""


class Hub:
    """The hub as the user has set it up, for one model. Raises `ModelError` in a sentence."""

    def __init__(self, model: Model) -> None:
        try:
            from huggingface_hub import constants, get_session, get_token
        except ImportError as error:
            raise MissingDependency(
                "Fetching models from the hub needs huggingface_hub, which isn't installed.",
                "Run `pip install 'ragbraid[local]'`.",
            ) from error
        self._model = model
        self._session: Any = get_session()
        self._timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
        self._blobs = Path(constants.HF_HUB_CACHE) / f"models--{model.hub.replace('/', '--')}" / "blobs"
        self._endpoint = constants.ENDPOINT.rstrip("/")
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "ragbraid"}
        if (token := get_token()) and not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN:
            self._headers["Authorization"] = f"Bearer {token}"

    def download(self, parts: Path, fresh: Path, on_progress: Callable[[int, int], None] | None) -> None:
        """Bring the model and its pin into `fresh`; what is fetched meanwhile stays in `parts` until all is.

        `OSError` is about the disk.
        """
        commit, files = self._listed()
        total = sum(each.size for each in files)
        parts.mkdir(exist_ok=True)
        self._reuse(files, parts)
        _demand_room(self._model, total - sum(_size(parts / each.oid) for each in files), parts)
        done = 0
        for each in files:
            before = done

            def told(have: int, before: int = before) -> None:
                if on_progress is not None:
                    on_progress(before + have, total)

            self._fetch(each, commit, parts / each.oid, told)
            done += each.size
        held = {each.path: File(each.size, _sha256(each, parts / each.oid)) for each in files}
        for each in files:
            (fresh / each.path).parent.mkdir(parents=True, exist_ok=True)
            again = sum(other.oid == each.oid for other in files) > 1
            (shutil.copyfile if again else os.replace)(parts / each.oid, fresh / each.path)
        if not self._model.files:  # else the catalogue says what they must be
            write_pin(replace(self._model, files=held, revision=commit), fresh)
        shutil.rmtree(parts, ignore_errors=True)

    def _listed(self) -> tuple[str, list[Remote]]:
        """The commit that the revision is now, and the model's files in it."""
        model = self._model
        url = f"{self._endpoint}/api/models/{quote(model.hub)}/revision/{quote(model.revision, safe='')}"
        try:
            response = self._session.get(
                url, params={"blobs": "true"}, headers=self._headers,
                timeout=self._timeout, follow_redirects=True,
            )  # fmt: skip
            self._demand(response.status_code)
            data = response.json()
            files = [_remote(each) for each in data["siblings"] if self._wants(each["rfilename"])]
            commit = str(data["sha"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._failed("its answer isn't the hub's form") from error
        except Exception as error:
            raise self._failed(error) from error
        missing = set(model.files) - {each.path for each in files}
        if missing or not files:
            wanted = ", ".join(sorted(missing)) or " or ".join(model.hub_files)
            raise self._failed(f"{model.hub} has no file {wanted}")
        return commit, files

    def _wants(self, path: str) -> bool:
        """Whether a file is one of the model's; `*` in a pattern stays within a folder."""
        if self._model.files:
            return path in self._model.files
        return is_inside(path) and any(
            path.count("/") == each.count("/") and fnmatchcase(path, each) for each in self._model.hub_files
        )

    def _reuse(self, files: list[Remote], parts: Path) -> None:
        """Take what the hub's own cache has already."""
        for each in files:
            blob, part = self._blobs / each.oid, parts / each.oid
            if _size(blob) == each.size > 0 and _size(part) != each.size:
                part.unlink(missing_ok=True)
                try:
                    os.link(blob.resolve(), part)
                except OSError:
                    shutil.copyfile(blob, part)

    def _fetch(self, remote: Remote, commit: str, part: Path, told: Callable[[int], None]) -> None:
        """Bring one file to its full size, going on from what is there."""
        url = f"{self._endpoint}/{self._model.hub}/resolve/{quote(commit, safe='')}/{quote(remote.path)}"
        failures = 0
        part.touch()
        while (have := _size(part)) != remote.size:
            try:
                with part.open("r+b") as file:
                    self._append(url, file, have if have < remote.size else 0, remote, told)
                if _size(part) != remote.size:
                    raise ConnectionError(f"{remote.path} came with {_size(part):,} bytes of {remote.size:,}")
            except _Disk as error:
                raise error.cause from error
            except Exception as error:
                failures = 1 if have < _size(part) < remote.size else failures + 1
                if isinstance(error, _Failed) or _is_offline(error) or failures >= _TRIES:
                    raise self._failed(error) from error
                time.sleep(_PAUSE)
        told(remote.size)

    def _append(
        self, url: str, file: BinaryIO, have: int, remote: Remote, told: Callable[[int], None]
    ) -> None:
        headers = self._headers | ({"Range": f"bytes={have}-"} if have else {})
        with self._session.stream(
            "GET", url, headers=headers, timeout=self._timeout, follow_redirects=True
        ) as response:
            if response.status_code == 416:
                with _disk():
                    file.truncate(0)
            self._demand(response.status_code)
            if not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
                have = 0
            with _disk():
                file.seek(have)
                file.truncate()
            # As they come: blocks of a given size would be gathered first, and lost when the line is cut.
            for block in response.iter_bytes():
                with _disk():
                    file.write(block)
                have += len(block)
                told(have)
                if have > remote.size:
                    return

    def _demand(self, status: int) -> None:
        """Raise for what isn't a file; the last of these may be better the next time."""
        hub = self._model.hub
        if status in (401, 403):
            raise _Failed(f"the hub doesn't let you read {hub}: agree to its terms there, and set HF_TOKEN")
        if status == 404:
            raise _Failed(f"the hub has no {hub} at revision {self._model.revision}, or a file of it is gone")
        if status >= 400:
            raise ConnectionError(f"the hub answered with the status {status}")

    def _failed(self, error: object) -> ModelError:
        if _is_offline(error):
            said, hint = "HF_HUB_OFFLINE is set", "Unset it, or take a bundle with `--from FOLDER`."
        else:
            said, hint = reason(error), "Run it again to go on from there, or use `--from FOLDER`."
        return ModelError(f"{self._model.name} can't be fetched from {masked(self._endpoint)}: {said}.", hint)


class _Disk(Exception):
    """Wraps an error of the disk, to tell it from the network's, which may be an `OSError`, too."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _Disk(error) from error


def _remote(entry: dict[str, Any]) -> Remote:
    large = entry.get("lfs")
    oid = str(large["sha256"] if large else entry["blobId"])
    if len(oid) not in (40, 64) or not set(oid) <= set("0123456789abcdef"):
        raise ValueError(oid)
    return Remote(str(entry["rfilename"]), int(large["size"] if large else entry["size"]), oid)


def _sha256(remote: Remote, part: Path) -> str:
    """The SHA-256 that the file must have; a small one is held to git's checksum here."""
    if len(remote.oid) == 64:
        return remote.oid
    data = part.read_bytes()
    if hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() != remote.oid:
        part.unlink()
        raise ModelError(
            f"{remote.path} isn't what the hub says that it is: its checksum differs.", "Fetch it again."
        )
    return hashlib.sha256(data).hexdigest()


def _is_offline(error: object) -> bool:
    return type(error).__name__ == "OfflineModeIsEnabled"


def _demand_room(model: Model, missing: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise ModelError(
            f"{model.name} needs {missing / 1e9:.1f} GB more in {folder.parent}, "
            f"and {free / 1e9:.1f} GB are free.",
            "Make room, or set RAGBRAID_MODELS to a folder on another disk.",
        )


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
