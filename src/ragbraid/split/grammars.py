"""The programming languages that are read: their grammars, and what defines something in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePath
from time import thread_time
from typing import Any

from ragbraid.errors import MissingDependency
from ragbraid.types import Document


@dataclass(frozen=True, slots=True)
class Grammar:
    """A language: its package, and the types of its syntax nodes that matter.

    `plain` define something whole, `scopes` something that holds definitions; `wrappers` stand around a
    definition and belong to it (decorators, `export`, templates); `open` nodes are looked through (header
    guards).
    """

    package: str
    function: str = "language"
    plain: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset({"ERROR"})
    joiner: str = "."


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_C = _set("ERROR preproc_ifdef preproc_if preproc_elif preproc_else linkage_specification declaration_list")
_SCRIPT = Grammar(
    "tree_sitter_javascript",
    plain=_set(
        "function_declaration generator_function_declaration method_definition lexical_declaration "
        "variable_declaration field_definition"
    ),
    scopes=_set("class_declaration"),
    wrappers=_set("export_statement"),
)
_TYPED = Grammar(
    "tree_sitter_typescript",
    "language_typescript",
    _SCRIPT.plain
    | _set(
        "interface_declaration enum_declaration type_alias_declaration function_signature "
        "public_field_definition abstract_method_signature"
    ),
    _SCRIPT.scopes | _set("abstract_class_declaration internal_module module"),
    _SCRIPT.wrappers | _set("ambient_declaration expression_statement"),
)

GRAMMARS: Mapping[str, Grammar] = {
    "python": Grammar(
        "tree_sitter_python",
        plain=_set("function_definition"),
        scopes=_set("class_definition"),
        wrappers=_set("decorated_definition"),
    ),
    "javascript": _SCRIPT,
    "typescript": _TYPED,
    "tsx": Grammar(_TYPED.package, "language_tsx", _TYPED.plain, _TYPED.scopes, _TYPED.wrappers),
    "go": Grammar(
        "tree_sitter_go", plain=_set("function_declaration method_declaration type_declaration")
    ),
    "rust": Grammar(
        "tree_sitter_rust",
        plain=_set("function_item struct_item enum_item union_item macro_definition type_item"),
        scopes=_set("impl_item trait_item mod_item"),
        joiner="::",
    ),
    "java": Grammar(
        "tree_sitter_java",
        plain=_set("method_declaration constructor_declaration compact_constructor_declaration"),
        scopes=_set(
            "class_declaration interface_declaration enum_declaration record_declaration "
            "annotation_type_declaration"
        ),
        open=_set("ERROR enum_body_declarations"),
    ),
    "c": Grammar(
        "tree_sitter_c",
        plain=_set("function_definition struct_specifier union_specifier enum_specifier"),
        wrappers=_set("type_definition declaration"),
        open=_C,
    ),
    "cpp": Grammar(
        "tree_sitter_cpp",
        plain=_set("function_definition enum_specifier union_specifier concept_definition"),
        scopes=_set("class_specifier struct_specifier namespace_definition"),
        wrappers=_set("type_definition declaration template_declaration field_declaration"),
        open=_C,
        joiner="::",
    ),
}  # fmt: skip

_SUFFIXES = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hh hpp hxx h++ cu ipp tpp",
}
_BY_SUFFIX = {f".{each}": name for name, suffixes in _SUFFIXES.items() for each in suffixes.split()}
_BY_TYPE = {
    "text/x-python": "python",
    "text/javascript": "javascript",
    "application/javascript": "javascript",
    "text/x-go": "go",
    "text/x-rust": "rust",
    "text/x-java": "java",
    "text/x-csrc": "c",
    "text/x-c++src": "cpp",
}
_IS_CPP = re.compile(r"^\s*(?:class\s+\w|namespace\b|template\s*<|using\s+\w|public:)", re.M)
_SAMPLE = 20_000
_SECONDS = 1.0
_SECONDS_A_BYTE = 1e-5
_STEP = 256
"""Bytes that the parser is given at once; the time is looked at between."""


def language_of(document: Document) -> str | None:
    """The language that a document is written in, by its type or its name; None where it isn't known."""
    named = _BY_TYPE.get(document.media_type) or _BY_SUFFIX.get(PurePath(document.source).suffix.lower())
    header = named == "c" and document.source.lower().endswith(".h")
    return "cpp" if header and _IS_CPP.search(document.text[:_SAMPLE]) else named


def parse(language: str, data: bytes) -> Any:
    """The root of the syntax tree; where something is wrong with the code, it has nodes of type ERROR.

    None where it takes many times as long as code does: what is far from code can take an hour. The time
    is the processor's, so that a busy machine finds the same.
    """
    grammar = _grammar(language)
    from tree_sitter import Parser

    end = thread_time() + _SECONDS + len(data) * _SECONDS_A_BYTE
    over = False

    def read(offset: int, _: object) -> bytes:
        nonlocal over
        over = over or thread_time() > end
        return b"" if over else data[offset : offset + _STEP]

    tree = Parser(grammar).parse(read)
    return None if over else tree.root_node


@cache
def _grammar(language: str) -> Any:
    grammar = GRAMMARS[language]
    try:
        from tree_sitter import Language

        module = import_module(grammar.package)
    except ImportError:
        package = grammar.package.replace("_", "-")
        raise MissingDependency(
            f"Splitting {language} by its definitions needs the packages tree-sitter and {package}.",
            "Install them with: pip install 'ragbraid[code]'.",
        ) from None
    return Language(getattr(module, grammar.function)())
