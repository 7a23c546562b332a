"""A parsed filter as SQL, in any dialect: how tests are joined and denied."""

from __future__ import annotations

from typing import Any, ClassVar

from ragbraid.index.filter import And, Node, Not, Or, Test


class FilterCompiler:
    """Walks the tree once; `parameters` grow in the order of the SQL text.

    A dialect gives `test`, and what it calls true and false.
    """

    always: ClassVar[str] = "true"
    never: ClassVar[str] = "false"

    def __init__(self) -> None:
        self.parameters: list[Any] = []

    def compile(self, node: Node) -> tuple[str, bool]:
        """SQL that holds wherever the node does, and whether it holds nowhere else."""
        match node:
            case And(nodes):
                return self._joined(nodes, " AND ", self.always)
            case Or(nodes):
                return self._joined(nodes, " OR ", self.never)
            case Not(inner):
                mark = len(self.parameters)
                sql, exact = self.compile(inner)
                if exact:
                    return f"NOT {sql}", True
                del self.parameters[mark:]
                return self.always, False
        return self.test(node)

    def test(self, node: Test) -> tuple[str, bool]:
        """The same of a test of one field."""
        raise NotImplementedError

    def _joined(self, nodes: tuple[Node, ...], word: str, none: str) -> tuple[str, bool]:
        parts = [self.compile(each) for each in nodes]
        return f"({word.join(sql for sql, _ in parts) or none})", all(exact for _, exact in parts)
