"""What YAML's parser says about broken syntax → where the mistake is, and what it is in plain words."""

from __future__ import annotations

import re

import yaml

from ragbraid.pipeline.diagnostics import Place

MAX_DEPTH = 40
_PLAIN = {
    "exceeded maximum nesting depth": f"the file is nested more than {MAX_DEPTH} levels deep",
    "mapping values are not allowed in this context": "a colon can't stand here; put text with a colon in "
    "quotes, and keys of one mapping below each other",
    "block sequence entries are not allowed in this context": "a list's `-` begins a line of its own",
    "did not find expected key": "a key is expected here; look at the indentation, quotes and brackets",
    "did not find expected '-' indicator": "a list goes on with `-`, and this line doesn't begin with one",
    "found unknown escape character": "there is no such escape; a backslash is \\\\, or use single quotes",
    "found invalid Unicode character escape code": "this escape names no character",
    "found undefined tag handle": "tags (!…) aren't used in pipeline files",
    "found incompatible YAML document": "this version of YAML isn't known; leave the %YAML line out",
    "did not find expected <document start>": "something is left over here; look at the brackets before it",
}
_OPENED = {
    "while scanning a quoted scalar": "the quote that opens here isn't closed",
    "while parsing a flow sequence": "the list that opens here isn't closed, or a comma is missing in it",
    "while parsing a flow mapping": "the mapping that opens here isn't closed, or a comma is missing in it",
}
_VARIABLE = re.compile(r"\$\{[^{}]*\}?")


def explain(error: yaml.MarkedYAMLError, text: str, file: str) -> tuple[Place, str]:
    """The place and message of a syntax error. An opening without an end is shown where it opens."""
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or error.context)
    opened = _OPENED.get(str(error.context))
    variable = _VARIABLE.match(_rest(text, mark.line, mark.column - 1)) if mark and mark.column else None
    if opened and variable and mark is not None:
        at = Place(file, mark.line + 1, mark.column)
        return at, f"inside {{…}} and […] a value with {variable[0]} in it wants quotes, or a line of its own"
    if opened and ("end of stream" in problem or "expected ','" in problem):
        mark, message = error.context_mark or mark, opened
    elif problem == "found character that cannot start any token" and mark is not None:
        message = _character(_rest(text, mark.line, mark.column)[:1])
    else:
        message = _PLAIN.get(problem, f"this isn't YAML: {problem}")
    return (Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)), message


def _rest(text: str, line: int, column: int) -> str:
    """What stands in a line from a column on."""
    lines = text.splitlines()
    return lines[line][column:] if line < len(lines) else ""


def _character(found: str) -> str:
    if found == "\t":
        return "a tab can't indent; use spaces"
    return f"text can't begin with {found}; put it in quotes"
