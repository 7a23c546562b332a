"""Random pipeline files: right ones, of every form that a flow can have."""

from __future__ import annotations

from random import Random
from typing import Any

FORMS = ("plain", "plain", "when", "cases", "flow", "repeat", "map", "only", "agent")
WORDS = ("fail1", "fail2", "fail3", "pump", "valve", "rotor", "seal", "check")
_PASSED = {"inputs": {"question": "str", "k": {"type": "int", "default": 10}, "hits": "hits"}}


class Graphs:
    """Draws a file. `slow` has its steps wait, so that there is something to cancel.

    `forms` says which forms of a step it has drawn.
    """

    def __init__(self, seed: int, *, slow: bool = False) -> None:
        self._draw = Random(seed)
        self._slow = slow
        self._number = 0
        self.forms: set[str] = set()
        self._flows: dict[str, Any] = {}

    def file(self) -> dict[str, Any]:
        search = self._searching()
        ask: list[Any] = ["search"] if self._chance(0.7) else self._searching()
        if self._chance(0.2):
            ask = [self._step("Reword", **self._failing()), *ask]
        ask.append(self._answer())
        if self._chance(0.4):
            ask.append(self._step(self._draw.choice(["Shout", "Whisper", "Shout"])))
        if self._chance(0.2):
            ask.append(self._step("Shout"))
        return {"search": search, "ask": ask, "flows": self._flows}

    def questions(self, count: int) -> list[str]:
        return [" ".join(self._draw.choices(WORDS, k=self._draw.randint(1, 7))) for _ in range(count)]

    def _answer(self) -> dict[str, Any]:
        if self._slow:
            return self._step("SaySlowly", pause=0.005)
        return self._step(self._draw.choice(["Say", "Say", "SayAtOnce"]), **self._failing())

    def _searching(self) -> list[Any]:
        finders = [
            self._step(self._draw.choice(["Find", "BlockingFind", "BatchFind"]), **self._varied())
            for _ in range(self._draw.randint(1, 3))
        ]
        steps: list[Any] = list(finders)
        if len(finders) > 1:
            waits = [self._waiting(each["id"]) for each in finders if self._slow]
            steps += waits
            named = [each["id"] for each in waits or finders]
            steps.append(self._step("Fuse") | {"hits": named})
        return [*steps, *self._rest(2)]

    def _waiting(self, hits: str) -> dict[str, Any]:
        return self._step("Wait", seconds=self._draw.uniform(0.0, 0.05)) | {"hits": hits}

    def _rest(self, depth: int) -> list[Any]:
        steps: list[Any] = []
        for _ in range(self._draw.randint(1, 3)):
            form = self._draw.choice(FORMS if depth else FORMS[:1])
            self.forms.add(form)
            steps += getattr(self, f"_{form}")(depth)
        return steps

    def _plain(self, depth: int) -> list[Any]:
        kind = self._draw.choice(["Rank", "AsyncRank", "BatchRank", "drop"])
        if self._slow and self._chance(0.5):
            return [self._step(self._draw.choice(["Wait", "AsyncWait"]), seconds=self._draw.uniform(0, 0.05))]
        return [self._step(kind, most=self._draw.randint(1, 6)) if kind == "drop" else
                self._step(kind, **self._varied())]  # fmt: skip

    def _when(self, depth: int) -> list[Any]:
        condition = self._step("is_long", words=self._draw.randint(2, 5))
        branch: dict[str, Any] = {
            "when": condition["id"],
            "id": self._name("w"),
            "then": self._rest(depth - 1),
        }
        if self._chance(0.5):
            branch["else"] = self._rest(depth - 1)
        return [condition, branch]

    def _cases(self, depth: int) -> list[Any]:
        size = self._step("size", words=self._draw.randint(2, 5))
        names = self._draw.sample(["short", "fair", "long"], k=self._draw.randint(1, 3))
        cases = {each: self._rest(depth - 1) for each in names}
        branch = {"when": size["id"], "id": self._name("c"), "cases": cases}
        return [size, branch | ({"else": self._rest(depth - 1)} if self._chance(0.5) else {})]

    def _flow(self, depth: int) -> list[Any]:
        name = self._draw.choice(list(self._flows)) if self._flows and self._chance(0.4) else ""
        if not name:
            steps = self._rest(depth - 1)
            name = self._name("flow")
            self._flows[name] = {**_PASSED, "steps": steps}
        return [{"use": name, "id": self._name("call")}]

    def _repeat(self, depth: int) -> list[Any]:
        name = self._name("round")
        self._flows[name] = {**_PASSED, "steps": [self._step("Trim"), *self._rest(depth - 1)]}
        until = self._step("few", most=self._draw.randint(0, 4))
        return [
            {"repeat": name, "id": self._name("loop"), "until": until, "at_most": self._draw.randint(1, 4)}
        ]

    def _map(self, depth: int) -> list[Any]:
        name = self._name("each")
        self._flows[name] = {**_PASSED, "steps": self._rest(depth - 1)}
        words = self._step("words", **self._failing())
        mapped = {
            "map": name,
            "id": self._name("map"),
            "over": words["id"],
            "at_most": self._draw.randint(1, 9),
        }
        if self._chance(0.5):
            mapped["on_error"] = self._draw.choice(["fail", "skip"])
        return [words, mapped, self._step("Fuse") | {"hits": mapped["id"]}]

    def _only(self, depth: int) -> list[Any]:
        words = self._draw.sample(WORDS, k=2)
        return [{"only": {"topic": words}, "id": self._name("only"), "then": self._rest(depth - 1)}]

    def _agent(self, depth: int) -> list[Any]:
        tools = []
        for _ in range(self._draw.randint(1, 2)):
            name = self._name("tool")
            self._flows[name] = {**_PASSED, "steps": self._rest(depth - 1)}
            tools.append({"use": name, "id": self._name("use")})
        finder = self._step(self._draw.choice(["Find", "BlockingFind", "BatchFind"]), **self._varied())
        agent = {
            "agent": {"type": "run_parts:Chooser", **self._varied()},
            "id": self._name("agent"),
            "tools": [*tools, finder],
            "at_most": self._draw.randint(1, 3),
            "deadline": 600,
        }
        return [agent]

    def _step(self, kind: str, **settings: Any) -> dict[str, Any]:
        return {"type": f"run_parts:{kind}", "id": self._name(kind.lower()), **settings}

    def _varied(self) -> dict[str, Any]:
        return {"seed": self._draw.randint(0, 9), **self._failing()}

    def _failing(self) -> dict[str, Any]:
        return {"fails": self._draw.choice(["fail1", "fail2", "fail3"])} if self._chance(0.25) else {}

    def _chance(self, share: float) -> bool:
        return self._draw.random() < share

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}{self._number}"
