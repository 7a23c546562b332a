"""Reads the one kind of pickle that LangChain's FAISS store writes (protocol 4 or 5), without unpickling.

A pickle is a program. This follows the few instructions that build texts, numbers, lists, sets, mappings
and LangChain's own document classes, the latter as plain mappings of their fields; nothing is imported or
called. Any other instruction, and any other class, is refused by its name.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any

from ragbraid.errors import InputError

_HOMES = ("langchain", "langchain_core", "langchain_community", "langchain_classic")
_CLASSES = ("Document", "InMemoryDocstore")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_NOTHING = {"PROTO", "FRAME", "STOP"}
_MARK = object()


class Made:
    """An object of one of the classes that are known; `fields` is its state."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, Any] = {}


class _Known:
    """One of the classes that are known."""

    def __init__(self, name: str) -> None:
        self.name = name


def read(data: bytes, name: str) -> Any:
    """What a pickle builds. `name` is what messages call it.

    Raises `InputError` for what isn't whole, and for whatever isn't of the layout that is known.
    """
    machine = _Machine(name)
    try:
        for opcode, argument, _ in pickletools.genops(data):
            machine.do(opcode.name, argument)
        return machine.stack.pop()
    except InputError:
        raise
    except Exception as error:  # whatever a broken or hostile file makes of the steps below
        raise _refused(name, "it is damaged") from error


class _Machine:
    """The stack and memo of a pickle."""

    def __init__(self, name: str) -> None:
        self.stack: list[Any] = []
        self._memo: list[Any] = []
        self._name = name
        self._rest: dict[str, Callable[[Any], None]] = {
            "MARK": lambda _: self.stack.append(_MARK),
            "EMPTY_LIST": lambda _: self.stack.append([]),
            "EMPTY_DICT": lambda _: self.stack.append({}),
            "EMPTY_SET": lambda _: self.stack.append(set()),
            "EMPTY_TUPLE": lambda _: self.stack.append(()),
            "TUPLE": lambda _: self.stack.append(tuple(self._since_mark())),
            "TUPLE1": lambda _: self._tuple(1),
            "TUPLE2": lambda _: self._tuple(2),
            "TUPLE3": lambda _: self._tuple(3),
            "APPEND": lambda _: self._append([self.stack.pop()]),
            "APPENDS": lambda _: self._append(self._since_mark()),
            "ADDITEMS": lambda _: self._add(self._since_mark()),
            "SETITEM": lambda _: self._set([self.stack.pop(-2), self.stack.pop()]),
            "SETITEMS": lambda _: self._set(self._since_mark()),
            "MEMOIZE": lambda _: self._memo.append(self.stack[-1]),
            "BINGET": self._get,
            "LONG_BINGET": self._get,
            "STACK_GLOBAL": lambda _: self._class(self.stack.pop(-2), self.stack.pop()),
            "NEWOBJ": lambda _: self._new(),
            "BUILD": lambda _: self._build(),
        }

    def do(self, name: str, argument: Any) -> None:
        """One instruction."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in self._rest:
            self._rest[name](argument)
        elif name not in _NOTHING:
            raise _refused(self._name, f"it has the instruction {name}, which no docstore needs")

    def _since_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise _refused(self._name, "it is damaged")
        found = self.stack[at + 1 :]
        del self.stack[at:]
        return found

    def _tuple(self, length: int) -> None:
        found = tuple(self.stack[-length:])
        if len(found) < length:
            raise _refused(self._name, "it is damaged")
        self.stack[-length:] = [found]

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _add(self, values: list[Any]) -> None:
        self._top(set).update(self._hashed(values))

    def _set(self, pairs: list[Any]) -> None:
        self._top(dict).update(zip(self._hashed(pairs[::2]), pairs[1::2], strict=True))

    def _hashed(self, values: list[Any]) -> list[Any]:
        """Values that are hashed at once. A tuple needn't be: forty of two, each in the next, are 2**40."""
        if not all(isinstance(each, str | int | float | None) for each in values):
            raise _refused(self._name, "it has a key or a set's member that is neither text nor a number")
        return values

    def _top(self, kind: type) -> Any:
        held = self.stack[-1]
        if type(held) is not kind:
            raise _refused(self._name, "it is damaged")
        return held

    def _get(self, at: Any) -> None:
        self.stack.append(self._memo[at])

    def _class(self, module: Any, name: Any) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise _refused(self._name, "it is damaged")
        if name not in _CLASSES or module.partition(".")[0] not in _HOMES:
            raise _refused(
                self._name, f"it has an object of {module}.{name}, and only LangChain's documents are read"
            )
        self.stack.append(_Known(name))

    def _new(self) -> None:
        arguments, known = self.stack.pop(), self.stack.pop()
        if arguments != () or not isinstance(known, _Known):
            raise _refused(self._name, "it makes an object in a way of its own")
        self.stack.append(Made(known.name))

    def _build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, Made) or type(state) is not dict:
            raise _refused(self._name, "it gives an object no state of fields")
        # Pydantic's objects have theirs under `__dict__`.
        made.fields = state.get("__dict__", state)


def _refused(name: str, why: str) -> InputError:
    return InputError(
        f"{name} isn't read: {why}. Nothing of it was run.",
        "Load the store where you trust it, and add its documents to a RagbraidVectorStore.",
    )
