"""API keys: a file of their hashes, each with what its holder may do.

A key is 256 random bits, so that a plain SHA-256 of it gives nothing away: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragbraid.errors import FilterError, InputError
from ragbraid.index.filter import parse_filter
from ragbraid.index.metadata import encode
from ragbraid.pipeline.requests import Caller
from ragbraid.replacing import replacing
from ragbraid.serve.clients import Client

VARIABLE = "RAGBRAID_API_KEY"
"""A variable that holds one key, which may do everything."""
_PREFIX = "rb-"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Entry(BaseModel):
    """A key as its file has it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=rf"^{_NAME.pattern}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    flows: list[str] | None = None
    filter: dict[str, Any] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    per_minute: Annotated[int, Field(ge=1)] | None = None
    concurrency: Annotated[int, Field(ge=1)] | None = None
    expires: date | None = None

    def client(self) -> Client:
        """Who holds it."""
        flows = None if self.flows is None else frozenset(self.flows)
        expires = None if self.expires is None else datetime.combine(self.expires, time(), UTC)
        caller = Caller(self.filter, self.metadata)
        return Client(self.name, flows, caller, self.per_minute, self.concurrency, expires)


class Keys:
    """The keys that hold at this moment, by their hashes."""

    def __init__(self, path: Path | None, environment: Mapping[str, str]) -> None:
        self._path = path
        self._own = {digest(key): Client("environment") for key in [environment.get(VARIABLE, "")] if key}
        self._stamp: object = None
        self._held: dict[str, Client] = {}
        self.reload()

    @property
    def wanted(self) -> bool:
        """Whether a request needs one."""
        return self._path is not None or bool(self._own)

    def find(self, key: str) -> Client | None:
        """The holder of a key; None where it is none, or its time is over."""
        client = self._held.get(digest(key)) or self._own.get(digest(key))
        ended = client is not None and client.expires is not None and client.expires <= datetime.now(UTC)
        return None if ended else client

    def reload(self) -> None:
        """Read the file anew if it changed. Raises `InputError`; then what was read before holds on."""
        if self._path is None or (stamp := _stamp(self._path)) == self._stamp:
            return
        self._held = {each.sha256: each.client() for each in read(self._path)}
        self._stamp = stamp


def digest(key: str) -> str:
    """The hash that stands for a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> list[Entry]:
    """The entries of a file. Raises `InputError`, without a word of what is in it."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
        given = list((found or {}).get("keys", []))
    except OSError as error:
        raise _unreadable(path, error) from None
    except (yaml.YAMLError, ValueError, AttributeError, TypeError, RecursionError):
        raise InputError(f"{path} is no file of keys.", "`ragbraid new key NAME` makes one.") from None
    return _checked(given, path)


def add(path: Path, name: str, **rights: Any) -> str:
    """Write a new key's hash into the file, and return the key, which is kept nowhere else.

    Raises `InputError` for a name that is taken or can't be one, and for rights that are none.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} can't name a key.", "Use small letters, digits, - and _.")
    entries = read(path) if path.exists() else []
    if any(each.name == name for each in entries):
        raise InputError(f"{path} has a key {name!r} already.", "Take its entry out to replace it.")
    key = _PREFIX + secrets.token_urlsafe(32)
    given = {each: value for each, value in rights.items() if value not in (None, {}, [])}
    entries += _checked([{"name": name, "sha256": digest(key), **given}], path)
    told = [each.model_dump(exclude_none=True, exclude_defaults=True) for each in entries]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as beside:
        beside.touch(mode=0o600)
        beside.write_text(yaml.safe_dump({"keys": told}, allow_unicode=True, sort_keys=False), "utf-8")
    return key


def _checked(given: list[Any], path: Path) -> list[Entry]:
    try:
        entries = [Entry.model_validate(each) for each in given]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {where}: {first['msg']}.", "`ragbraid new key` writes it.") from None
    names = [each.name for each in entries]
    if len({*names}) < len(names):
        raise InputError(f"{path} has two keys of one name.", "Give each its own.")
    for each in entries:
        try:
            parse_filter(each.filter or {})
        except FilterError as error:
            raise InputError(f"{path}: the filter of {each.name!r} is wrong: {error}") from None
        encode(each.metadata, f"the key {each.name!r}")
    return entries


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} can't be read: {error.strerror}.", "Name another file with --keys.")


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return status.st_mtime_ns, status.st_size, status.st_ino
