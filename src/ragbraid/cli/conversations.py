"""Conversations that `ragbraid chat` keeps: going on with one, listing and deleting them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ragbraid.cli import output
from ragbraid.errors import InputError
from ragbraid.text.counted import counted

if TYPE_CHECKING:
    from ragbraid.conversation.store import Conversations
    from ragbraid.types import Message

_OWNER = ""
"""Whoever may read the folder: the command line has one user."""
_LAST = 1000
"""Turns that are read of a conversation; a pipeline's `memory` keeps fewer."""


class Conversation:
    """One that is kept by its name; without a name nothing is read or written."""

    def __init__(self, store: Conversations | None, name: str) -> None:
        self._store = store
        self._name = name

    def history(self) -> list[Message]:
        """What was said before, oldest first."""
        return [] if self._store is None else self._store.history(_OWNER, self._name, _LAST)

    def add(self, question: str, answer: str) -> None:
        """Keep a turn: it is on disk when this returns."""
        if self._store is not None:
            self._store.add(_OWNER, self._name, question, answer)

    def delete(self) -> None:
        """Forget all of it."""
        if self._store is not None:
            self._store.delete(_OWNER, self._name)


def opened(base: Path, name: str | None) -> Conversation:
    """The conversation of that name, there or to be. Raises `InputError` for what can't be a name."""
    if name is None:
        return Conversation(None, "")
    from ragbraid.conversation.store import demand_name

    demand_name(name)
    return Conversation(_store(base), name)


def look_after(base: Path, delete: str | None, as_json: bool) -> None:
    """Delete the conversation of that name, or list all. Raises `InputError` where there is none of it."""
    store = _store(base)
    if delete is not None:
        if not store.delete(_OWNER, delete):
            raise InputError(f"There is no conversation {delete!r}.", "`ragbraid chat --list` lists them.")
        if as_json:
            output.print_json({"deleted": delete})
        else:
            output.say(f"Deleted {delete}.")
        return
    found = store.kept(_OWNER)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(found))
        return
    for each in found:
        when = datetime.fromtimestamp(each.changed, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
        output.show(f"{when}  {each.name}  ({counted(each.turns, 'turn')})")
    if not found:
        output.say("No conversation is kept; --conversation NAME begins one.")


def _store(base: Path) -> Conversations:
    from ragbraid.conversation.store import FILE, Conversations

    return Conversations(base / FILE)
