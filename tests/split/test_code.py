from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ragbraid.split import code as module
from ragbraid.split.code import Code
from ragbraid.testing.splitter import demand_exact, random_text
from ragbraid.types import Chunk, Document
from soaking import count

FILES: dict[str, tuple[str, list[str]]] = {
    "herd.py": (
        "import os\n\n# About count.\n@cache\ndef count(x):\n    return x\n\n\nclass Herd(Base):\n"
        "    size = 1\n\n    async def graze(self):\n        pass\n\n    class Goat:\n"
        "        def eat(self): return 'é'\n",
        ["", "count", "Herd", "Herd.graze", "Herd.Goat"],
    ),
    "herd.js": (
        "import x from 'y';\n/** About count. */\nexport const count = (a) => { return a; };\n"
        "export default class Herd extends B {\n  size = 1;\n  get goat() { return 1 }\n"
        "  static async graze() { eat(); }\n}\nfunction* each() {}\nmodule.exports = {a, b};\n",
        ["", "count", "Herd", "Herd.goat", "Herd.graze", "each", ""],
    ),
    "herd.ts": (
        "namespace N {\n  export interface Goat { x: number }\n  export enum Kind { A }\n}\n"
        "abstract class Herd<T> {\n  size: number;\n  abstract graze(): void;\n"
        "  eat(): number { return 1 }\n}\n"
        "type Age = string;\n",
        ["N", "N.Goat", "N.Kind", "Herd", "Herd.graze", "Herd.eat", "Age"],
    ),
    "herd.tsx": (
        "function Herd(props: P) {\n  return <div>{props.goats}</div>;\n}\n",
        ["Herd"],
    ),
    "herd.go": (
        'package herd\n\nimport "fmt"\n\n// Count counts.\nfunc Count() int { return 1 }\n\n'
        "func (h *Herd[T]) Graze(x int) error {\n\treturn nil\n}\n\ntype Herd struct {\n\tsize int\n}\n",
        ["", "Count", "Herd.Graze", "Herd"],
    ),
    "herd.rs": (
        "use x;\n\n/// A herd.\n#[derive(Debug)]\npub struct Herd { size: i32 }\n\nimpl Herd {\n"
        "    /// Grazes.\n    pub fn graze(&self) { eat(); }\n    fn rest(&self) {}\n}\n\n"
        "impl fmt::Display for Herd {\n    fn fmt(&self) { write(); }\n    fn more(&self) { write(); }\n}\n",
        ["", "Herd", "Herd", "Herd::graze", "Herd::rest", "<Herd as fmt::Display>",
         "<Herd as fmt::Display>::fmt", "<Herd as fmt::Display>::more"],
    ),
    "Herd.java": (
        "package a;\nimport b;\n\n/** A herd. */\n@Ann\npublic class Herd<T> {\n    int size;\n\n"
        "    Herd() { size = 1; }\n\n    /** Grazes. */\n    @Override\n"
        "    public int graze() { return 1; }\n\n"
        "    enum Kind { X, Y; }\n}\n\ninterface Goat { void eat(); }\n",
        ["", "Herd", "Herd.Herd", "Herd.graze", "Herd.Kind", "Goat"],
    ),
    "herd.c": (
        "#include <x.h>\n\n/* Counts. */\nstatic int *count(int x) { return 0; }\n\n"
        "typedef struct { int x; } Goat;\n\nstruct Herd { int size; };\nint declared(void);\n",
        ["", "count", "Goat", "Herd", ""],
    ),
    "herd.h": (
        "#ifndef HERD_H\n#define HERD_H\n\nenum Kind { A, B };\n\n"
        "static int one(void) { return 1; }\n\n#endif\n",
        ["", "Kind", "one", ""],
    ),
    "herd.cpp": (
        "namespace n {\ntemplate <class T>\nclass Herd : Base {\npublic:\n  Herd();\n  ~Herd() {}\n"
        "  bool operator==(const Herd& o) { return true; }\n};\n}\n\n"
        "int& n::Herd<int>::graze(int x) { return x; }\n"
        'extern "C" {\nvoid eat() {}\n}\n',
        ["n", "n::Herd", "n::Herd::~Herd", "n::Herd::operator==", "n::Herd<int>::graze", "", "eat"],
    ),
}  # fmt: skip


def chunks(text: str, source: str, **settings: Any) -> list[Chunk]:
    document = Document(source, text)
    found = Code(**settings).open()([document])
    demand_exact(document, found)
    return found


@pytest.mark.parametrize("source", FILES)
def test_chunks_are_called_by_what_they_define(source: str) -> None:
    text, wanted = FILES[source]
    found = [each.metadata.get("symbol", "") for each in chunks(text, source, max_tokens=14)]
    assert [name for at, name in enumerate(found) if not at or found[at - 1] != name] == [
        name for at, name in enumerate(wanted) if not at or wanted[at - 1] != name
    ]


@pytest.mark.parametrize(
    ("source", "lead"),
    [
        ("herd.py", "# About count.\n@cache\ndef count"),
        ("herd.js", "/** About count. */\nexport const"),
        ("herd.go", "// Count counts.\nfunc"),
        ("herd.rs", "/// A herd.\n#[derive(Debug)]\npub struct"),
        ("Herd.java", "/** Grazes. */\n    @Override\n    public int"),
        ("herd.c", "/* Counts. */\nstatic"),
    ],
)
def test_comments_and_decorators_belong_to_what_is_below_them(source: str, lead: str) -> None:
    found = chunks(FILES[source][0], source, max_tokens=24)
    assert any(each.text.startswith(lead) for each in found)


def test_a_class_that_fits_is_one_chunk() -> None:
    text, _ = FILES["herd.py"]
    found = chunks(text, "herd.py", max_tokens=120)
    assert [each.metadata.get("symbol") for each in found] == [None, "count", "Herd"]
    assert found[-1].text.startswith("class Herd")
    assert found[-1].text.endswith("'é'")


def test_closing_brackets_make_no_chunk() -> None:
    for source, (text, _) in FILES.items():
        assert all(any(sign.isalnum() for sign in each.text) for each in chunks(text, source, max_tokens=24))


def test_a_comment_apart_or_on_the_line_before_is_not_the_definitions() -> None:
    found = chunks("x = 1  # of x\ndef f(): pass\n\n# apart\n\ndef g(): pass\n", "a.py")
    assert [each.text for each in found] == ["x = 1  # of x", "def f(): pass", "# apart", "def g(): pass"]


def test_a_long_function_is_cut_before_statements() -> None:
    body = "".join(f"    if x == {i}:\n        # of {i}\n        y = call(x, {i})\n" for i in range(30))
    found = chunks(f"def f(x):\n{body}    return y\n", "a.py", max_tokens=40)
    assert len(found) > 5
    assert {each.metadata["symbol"] for each in found} == {"f"}
    assert all(each.text.startswith(("def f", "if x ==")) for each in found[:-1])


def test_context_is_the_file_and_the_symbol() -> None:
    text, _ = FILES["herd.py"]
    found = chunks(text, "src/herd.py", max_tokens=40, context=True)
    assert [each.context for each in found][:3] == [
        "src/herd.py",
        "src/herd.py > count",
        "src/herd.py > Herd",
    ]


def test_an_error_costs_no_text_and_few_names() -> None:
    found = chunks(
        "def f():\n    x = )\n\n\ndef g():\n    return 1\n\n\nclass A:\n    pass\n", "a.py", max_tokens=12
    )
    assert {"g", "A"} <= {each.metadata.get("symbol") for each in found}


def test_what_is_no_code_is_cut_as_text() -> None:
    assert [each.text for each in chunks("def f(): pass\n\ndef g(): pass", "a.txt")] == [
        "def f(): pass\n\ndef g(): pass"
    ]


def test_a_type_says_what_a_name_does_not() -> None:
    document = Document("clip", "def f(): pass\ndef g(): pass", media_type="text/x-python")
    assert [each.metadata["symbol"] for each in Code().open()([document])] == ["f", "g"]


def test_this_projects_own_code_keeps_its_definitions_whole() -> None:
    text = Path(module.__file__).read_text("utf-8")
    found = chunks(text, "code.py", max_tokens=900)
    named = [each for each in found if each.metadata.get("symbol", "").startswith("CodeRuntime")]
    assert [each.text.split("\n")[0] for each in named] == ["class CodeRuntime(FittedRuntime):"]
    assert all(before.end <= after.start for before, after in pairwise(found))


@pytest.mark.parametrize("source", FILES)
def test_any_text_is_cut_as_any_language(source: str) -> None:
    splitter = Code(max_tokens=30).open()
    for seed in range(count(8, 1000)):
        document = Document(source, random_text(seed) + FILES[source][0][: seed * 37])
        demand_exact(document, splitter([document]))


def test_what_no_parser_gets_through_is_cut_as_text() -> None:
    begun = time.process_time()
    assert len(chunks("|-|\n" * 3_000, "a.py")) > 10
    assert time.process_time() - begun < 20
