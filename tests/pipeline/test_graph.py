"""The graph of a pipeline has every step and whatever it uses; each drawing shows them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from textwrap import dedent

import pytest

from ragbraid.pipeline.check import check
from ragbraid.pipeline.drawing.dot import dot
from ragbraid.pipeline.drawing.mermaid import mermaid
from ragbraid.pipeline.drawing.svg import svg
from ragbraid.pipeline.drawing.tree import tree
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.graph import FlowGraph, Graph, Link, Node
from ragbraid.pipeline.graphing import graph_of
from ragbraid.serial import to_json

EVERYTHING = """
    name: a "name" <b>
    description: All forms of steps.
    components:
      index: {type: faiss, path: .ragbraid/i, embedder: embedder}
      embedder: {type: testing/hash-embedder}
      generator: {type: openai, base_url: "http://localhost/v1", model: x, api_key: geheim}
    ingest:
      - {type: files, exclude: ["*.log"]}
      - {type: files}
      - {type: recursive-splitter, embedder: {type: testing/hash-embedder, dimensions: 16}}
      - index
    flows:
      again:
        inputs: {question: str, hits: hits, k: {type: int, default: 5}, unused: {type: int, default: 1}}
        steps:
          - {type: maxsim, embedder: {type: testing/hash-embedder}}
    search:
      - {type: dense, index: index, k: {value: 50}, candidates: 5}
      - {type: lexical, index: index}
      - {type: rrf, hits: [dense, lexical]}
      - {type: ./graph_parts.py:few, id: few}
      - when: few
        then: [{type: lexical, index: index, id: more}, {type: ./graph_parts.py:first, most: 3, hits: more}]
        else: {type: maxsim, embedder: embedder}
      - {when: few, then: {type: rrf, hits: [when], id: fused}, id: maybe}
      - {repeat: again, until: {type: ./graph_parts.py:few, id: enough}, at_most: 3}
    ask:
      - search
      - {type: quote, generator: generator, embedder: embedder}
"""
PARTS = """
from ragbraid.types import Hit


def first(hits: list[Hit], *, most: int = 5) -> list[Hit]:
    '''The first hits.'''
    return hits[:most]


def few(hits: list[Hit], *, limit: int = 3) -> bool:
    '''Whether there are few hits.'''
    return len(hits) < limit
"""
DRAWINGS = {"tree": tree, "mermaid": mermaid, "dot": dot, "svg": svg}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    folder = tmp_path_factory.mktemp("graph")
    parts = folder / "graph_parts.py"
    parts.write_text(PARTS, "utf-8")
    source = PipelineSource(f"ragbraid: 1\n{dedent(EVERYTHING).strip()}\n", "file.yaml", folder)
    found = check(source, allow=[str(parts)])
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return graph_of(found.pipeline)


def flow(graph: Graph, name: str) -> FlowGraph:
    return next(each for each in graph.flows if each.name == name)


def node(graph: Graph, key: str) -> Node:
    return next(each for _, nodes in graph.groups() for each in nodes if each.key == key)


def test_components_stand_in_file_order_those_written_in_place_last(graph: Graph) -> None:
    assert [(each.name, each.type) for each in graph.components] == [
        ("index", "faiss"),
        ("embedder", "testing/hash-embedder"),
        ("generator", "openai"),
        ("recursive-splitter.embedder", "testing/hash-embedder"),
    ]
    assert node(graph, "components/index").refers == (Link("embedder", "components/embedder"),)
    assert node(graph, "components/index").settings == {"path": ".ragbraid/i"}


def test_what_is_written_in_place_and_equal_to_a_component_is_that_component(graph: Graph) -> None:
    assert node(graph, "again/maxsim").refers == (Link("embedder", "components/embedder"),)


def test_ingest_is_the_loaders_the_steps_and_the_index(graph: Graph) -> None:
    steps = flow(graph, "ingest").steps
    assert [(each.name, each.form) for each in steps] == [
        ("files", "loader"), ("files", "loader"), ("recursive-splitter", "step"), ("index", "index"),
    ]  # fmt: skip
    assert [each.to for each in steps[2].reads] == ["ingest/files", "ingest/files-2"]
    assert steps[3].reads == (Link("chunks", "ingest/recursive-splitter"),)
    assert steps[3].refers == (Link("use", "components/index"),)


def test_a_step_says_what_it_reads_and_what_isnt_at_its_default(graph: Graph) -> None:
    dense = node(graph, "search/dense")
    assert dense.reads == (Link("question", "search/inputs.question"),)
    assert dense.settings == {"candidates": "5", "k": "50"}
    assert dense.gives == "hits"
    fused = node(graph, "search/rrf")
    assert fused.reads == (Link("hits", "search/dense"), Link("hits", "search/lexical"))
    assert (fused.settings, fused.refers) == ({}, ())


def test_a_flow_shows_the_inputs_that_are_read_by_it_or_by_what_it_calls(graph: Graph) -> None:
    assert [each.name for each in flow(graph, "again").inputs] == ["question", "hits", "k"]
    assert [each.name for each in flow(graph, "search").inputs] == ["question", "k"]
    assert [each.name for each in flow(graph, "ask").inputs] == ["question", "k"]
    assert node(graph, "ask/search").form == "flow"


def test_branches_and_loops_hold_their_steps(graph: Graph) -> None:
    branch = node(graph, "search/when")
    assert [(link.name, link.to.rpartition("/")[2]) for link in branch.reads] == [
        ("when", "few"), ("then", "first"), ("else", "maxsim"),
    ]  # fmt: skip
    assert {name: [each.name for each in block] for name, block in branch.blocks.items()} == {
        "then": ["more", "first"], "else": ["maxsim"],
    }  # fmt: skip
    without_else = node(graph, "search/maybe")
    assert list(without_else.blocks) == ["then"]
    assert without_else.reads[-1] == Link("else", "search/when")
    loop = node(graph, "search/repeat")
    assert (loop.form, loop.type, loop.settings) == ("loop", "again", {"at_most": "3"})
    assert loop.blocks["until"][0].reads == (Link("hits", "search/repeat"),)


def test_own_code_is_named_as_the_file_names_it(graph: Graph) -> None:
    first = node(graph, "search/when/then/first")
    assert (first.type, first.settings) == ("./graph_parts.py:first", {"most": "3"})


def test_every_key_is_one_nodes_and_every_link_leads_to_one(graph: Graph) -> None:
    nodes = [each for _, group in graph.groups() for each in group]
    keys = [each.key for each in nodes]
    assert len(set(keys)) == len(keys)
    for each in nodes:
        assert {link.to for link in (*each.reads, *each.refers)} <= set(keys)
    assert {each.output for each in graph.flows} <= set(keys)


def test_no_secret_is_told(graph: Graph) -> None:
    assert node(graph, "components/generator").settings["api_key"] == "***"
    told = [json.dumps(to_json(graph)), *(draw(graph) for draw in DRAWINGS.values())]
    assert not [each for each in told if "geheim" in each]


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_drawing_names_every_node(graph: Graph, drawing: str) -> None:
    text = DRAWINGS[drawing](graph)
    for key, name in graph.names().items():
        assert name in text, key


def test_the_tree_of_everything(graph: Graph) -> None:
    shown = tree(graph, 80).split("\n\n")[3]
    assert (
        shown
        == """\
search  question, k → hits
├─ dense         question → hits            index, candidates=5, k=50
├─ lexical       question, k → hits         index
├─ rrf           dense, lexical → hits
├─ few           rrf → bool                 ./graph_parts.py:few
├─ when          few → hits
│  ├─ then
│  │  ├─ more    question, k → hits         lexical, index
│  │  └─ first   more → hits                ./graph_parts.py:first, most=3
│  └─ else
│     └─ maxsim  question, rrf, k → hits    embedder
├─ maybe         few → hits                 branch
│  └─ then
│     └─ fused   when → hits                rrf
└─ repeat        question, maybe, k → hits  repeats again, at_most=3
   └─ until
      └─ enough  repeat → bool              ./graph_parts.py:few"""
    )


def test_mermaid_and_dot_draw_every_link(graph: Graph) -> None:
    nodes = [each for _, group in graph.groups() for each in group]
    reads, refers = sum(len(each.reads) for each in nodes), sum(len(each.refers) for each in nodes)
    assert mermaid(graph).count(" -->") == reads
    assert mermaid(graph).count(" -.- ") == refers
    assert dot(graph).count(" -> ") == reads + refers
    assert dot(graph).startswith('digraph "a \\"name\\" <b>" {\n')
    assert not re.search('"[^"]*<b>', mermaid(graph))


def test_the_svg_is_whole_and_its_boxes_dont_touch(graph: Graph) -> None:
    root = ET.fromstring(svg(graph))
    space = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{space}title") == 'a "name" <b>'
    framed = f"{space}rect[@class='frame']"
    frames = [each for each in root.iter(f"{space}g") if each.find(framed) is not None]
    assert len(frames) == 1 + len(graph.flows)
    for frame in frames:
        boxes = [_sides(each) for each in frame.iter(f"{space}rect") if each.get("class") != "frame"]
        outer = _sides(frame.find(framed))
        assert boxes
        for number, (left, top, right, bottom) in enumerate(boxes):
            assert right - left <= outer[2]
            assert bottom <= outer[3]
            for other in boxes[number + 1 :]:
                assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def _sides(rect: ET.Element | None) -> tuple[float, float, float, float]:
    assert rect is not None
    left, top = float(rect.get("x", 0)), float(rect.get("y", 0))
    return left, top, left + float(rect.get("width", 0)), top + float(rect.get("height", 0))
