"""What `ask --trace`, `--why` and `--record` and `replay` print, exactly, with a pipeline of known steps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says

from ragbraid.cli import explain
from ragbraid.types import Span

PIPELINE = """\
ragbraid: 1
components:
  model: {type: "./known.py:Model"}
search:
  - {type: "./known.py:find"}
  - {type: "./known.py:rank"}
ask:
  - search
  - {type: "./known.py:Say", generator: model}
"""
CODE = '''\
"""Steps that are known beforehand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragbraid.answer.weighed import Weighed
from ragbraid.context import Context
from ragbraid.errors import GenerationError
from ragbraid.generate.protocol import Completion, Generator, Request, Score
from ragbraid.types import Answer, Citation, Hit, Message

TEXTS = ("Parental leave is 14 months.", "Tell the office.", "Trains are booked in second class.")


def find(question: str, *, most: int = 3) -> list[Hit]:
    """Finds the same passages always."""
    hits = [Hit(f"id{n}", f"{n}.md", 0, len(text), text, 1 / n) for n, text in enumerate(TEXTS, 1)]
    return hits[:most]


def rank(hits: list[Hit], *, backwards: bool = False) -> list[Hit]:
    """Ranks them, or the other way round."""
    return hits[::-1] if backwards else hits


@dataclass(frozen=True, slots=True)
class Model:
    """Says the same always."""

    says: str = "14 months"

    context_window = 100
    scores_together = False

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        return 1

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        return [Completion(self.says) for _ in requests]

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        yield from (self.says, Completion(self.says))

    def score(
        self,
        prompt: tuple[Message, ...] | str,
        continuations: Sequence[str],
        *,
        then: str | None = None,
        context: Context | None = None,
    ) -> list[Score]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Say:
    """Asks the model."""

    generator: Generator
    instruction: str = "Answer briefly."

    def __call__(self, question: str, hits: list[Hit], context: Context) -> Answer:
        if "fail" in question:
            raise GenerationError("The generator fell silent.", "Try again.")
        context.note("passages", len(hits))
        prompt = (Message("system", self.instruction), Message("user", question))
        (completion,) = self.generator.generate([Request(prompt)])
        quote = Citation(hits[0].source, 0, hits[0].end, hits[0].text, "")
        return Answer(completion.text, confidence=0.9, citations=(quote,), hits=tuple(hits))

    def why(self, question: str, hits: list[Hit]) -> list[Weighed]:
        return [
            Weighed(
                hit.source, hit.start, hit.end, hit.text, {"overlap": 0.5, "rank": hit.score},
                hit.score / 2, hit is hits[0],
            )
            for hit in hits
        ]
'''
ALLOW = ("--allow", "known.py")
ANSWER = """\
14 months

Sources
[1] 1.md, characters 0–28
    Parental leave is 14 months.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    (tmp_path / "known.py").write_text(CODE, "utf-8")
    return tmp_path


@pytest.fixture
def recorded(folder: Path) -> Path:
    done = ragbraid("ask", "How long?", "--record", "kept.json", *ALLOW, cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, "")
    return folder


def test_why_shows_what_was_weighed(folder: Path) -> None:
    done = ragbraid("ask", "How long?", "--why", *ALLOW, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{ANSWER}\n"
        "Confidence 0.90\n\n"
        "Weighed (chance of holding the answer; * quoted)\n"
        "   chance  overlap     rank\n"
        "*   0.500    0.500    1.000\n"
        "    1.md, 0–28: Parental leave is 14 months.\n"
        "    0.250    0.500    0.500\n"
        "    2.md, 0–16: Tell the office.\n"
        "    0.167    0.500    0.333\n"
        "    3.md, 0–34: Trains are booked in second class.\n"
    )
    done = ragbraid("ask", "How long?", "--why", "--json", *ALLOW, cwd=folder)
    answer = json.loads(done.stdout)
    assert [each["chosen"] for each in answer["why"]] == [True, False, False]


def test_a_pipeline_that_weighs_nothing_says_so(folder: Path) -> None:
    (folder / "known.py").write_text(CODE.replace("def why", "def because"), "utf-8")
    done = ragbraid("ask", "How long?", "--why", *ALLOW, cwd=folder)
    assert done.returncode == 0
    assert done.stdout == f"{ANSWER}\nThe answer step of this pipeline doesn't say what it weighed.\n"


def test_trace_goes_to_standard_error(folder: Path) -> None:
    done = ragbraid("ask", "How long?", "--trace", *ALLOW, cwd=folder)
    assert (done.returncode, done.stdout) == (0, ANSWER)
    assert [line.split()[0] for line in done.stderr.splitlines() if line] == [
        "step", "search.find", "search.rank", "Say", "passages:", "generate", "whole"
    ]  # fmt: skip
    assert max(map(len, done.stderr.splitlines())) <= 80
    assert "\x1b" not in done.stderr
    done = ragbraid("ask", "fail", "--trace", *ALLOW, cwd=folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert "search.rank" in done.stderr
    assert done.stderr.endswith("The generator fell silent. Try again.\n")


SPANS = (
    Span("search.dense/embed", 1.0, 38.0),
    Span("search.lexical/search_text", 0.6, 9.0),
    Span("search.dense", 0.5, 50.0),
    Span("search.lexical", 0.4, 9.5),
    Span("quote", 51.0, 149.0, {"short": "No short answer: the model is\nsilent\x1b[31m. " * 3}),
    Span("quote/generate", 80.0, 120.0),
    Span("gone/generate", 199.0, 1.0),
)


def test_the_timeline(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    explain.say_trace(SPANS)
    assert (
        capsys.readouterr().err
        == """
step                 start        took
search.lexical      0.4 ms      9.5 ms  ==
  search_text       0.6 ms      9.0 ms  ==
search.dense        0.5 ms     50.0 ms  ==========
  embed             1.0 ms     38.0 ms  ========
quote              51.0 ms    149.0 ms            ==============================
    short: No short answer: the model is�silent�[31m. No short answer: the mode…
  generate         80.0 ms    120.0 ms                  ========================
gone/generate     199.0 ms      1.0 ms                                         =
whole                         200.0 ms
"""
    )
    monkeypatch.setenv("COLUMNS", "40")
    explain.say_trace(SPANS)
    narrow = capsys.readouterr().err.splitlines()
    assert max(map(len, narrow)) <= 40
    assert [each.split()[0] for each in narrow[2:5]] == ["search.lexical", "search_text", "search.dense"]
    explain.say_trace([Span("a-flow-of-a-long-name.lexical", 0.4, 9.5)])
    assert "\n…-of-a-long-name.lexical  " in capsys.readouterr().err


def test_a_replay_of_the_same_is_equal(recorded: Path) -> None:
    done = ragbraid("replay", "kept.json", *ALLOW, cwd=recorded)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Equal: every step gives what it gave.\n", "")
    done = ragbraid("replay", "kept.json", "--json", *ALLOW, cwd=recorded)
    assert json.loads(done.stdout) == {
        "schema": 1, "equal": True, "cause": None, "differences": [], "changes": []
    }  # fmt: skip


CHANGED = {
    "search.find.most=1": """\
It differs. The likely cause, where it begins: retrieval, search.find.

Changed since the recording
  search.find.most: none → 1

Retrieval, search.find
  search.find.most: none → 1
  lost, was rank 2, score 0.5: 2.md, characters 0–16
  lost, was rank 3, score 0.3333: 3.md, characters 0–34

Ranking, search.rank
  lost, was rank 2, score 0.5: 2.md, characters 0–16
  lost, was rank 3, score 0.3333: 3.md, characters 0–34
""",
    "search.rank.backwards=true": """\
It differs. The likely cause, where it begins: ranking, search.rank.

Changed since the recording
  search.rank.backwards: none → True

Ranking, search.rank
  search.rank.backwards: none → True
  rank 1 → 3, score 1: 1.md, characters 0–28
  rank 3 → 1, score 0.3333: 3.md, characters 0–34

Answer, Say
  citations: ['1.md, characters 0–28'] → ['3.md, characters 0–34']
""",
    "ask.Say.instruction=Answer.": """\
It differs. The likely cause, where it begins: prompt, Say.

Changed since the recording
  Say.instruction: Answer briefly. → Answer.

Prompt, Say
  Say.instruction: Answer briefly. → Answer.
  --- recorded
  +++ now
  @@ -1,4 +1,4 @@
   [system]
  -Answer briefly.
  +Answer.
   [user]
   How long?
""",
    "components.model.says=two weeks": """\
It differs. The likely cause, where it begins: model, Say.

Changed since the recording
  Say.generator.says: 14 months → two weeks

Model, Say
  Say.generator.says: 14 months → two weeks
  completion: 14 months → two weeks

Answer, Say
  text: 14 months → two weeks
""",
}


@pytest.mark.parametrize("setting", CHANGED)
def test_a_replay_names_where_it_begins(recorded: Path, setting: str) -> None:
    done = ragbraid("replay", "kept.json", "--set", setting, *ALLOW, cwd=recorded)
    assert (done.returncode, done.stderr) == (4, "")
    assert done.stdout == CHANGED[setting]
    done = ragbraid("replay", "kept.json", "--set", setting, "--json", *ALLOW, cwd=recorded)
    found = json.loads(done.stdout)
    assert (done.returncode, found["equal"]) == (4, False)
    assert f"{found['cause']['stage']}, {found['cause']['step']}." in CHANGED[setting]


def test_a_replay_takes_the_overrides_and_the_file_of_then(folder: Path) -> None:
    (folder / "ragbraid.yaml").rename(folder / "other.yaml")
    asked = ("-p", "other.yaml", "--set", "search.find.most=1")
    done = ragbraid("ask", "How long?", "--record", "kept.json", *asked, *ALLOW, cwd=folder)
    assert done.returncode == 0
    assert ragbraid("replay", "kept.json", *ALLOW, cwd=folder).returncode == 0
    more = ("--set", "search.find.most=2")
    assert "new, rank 2" in ragbraid("replay", "kept.json", *more, *ALLOW, cwd=folder).stdout
    (folder / "other.yaml").unlink()
    says(ragbraid("replay", "kept.json", *ALLOW, cwd=folder), 2, "other.yaml", "-p")


def test_a_failed_question_is_recorded_and_replayed(folder: Path) -> None:
    silent = "The generator fell silent. Try again."
    says(ragbraid("ask", "fail", "--record", "kept.json", *ALLOW, cwd=folder), 3, silent)
    assert ragbraid("replay", "kept.json", *ALLOW, cwd=folder).returncode == 0
    (folder / "known.py").write_text(CODE.replace('if "fail"', 'if "never"'), "utf-8")
    done = ragbraid("replay", "kept.json", *ALLOW, cwd=folder)
    assert done.returncode == 4
    assert done.stdout.startswith("It differs. The likely cause, where it begins: answer, Say.\n")
    code = r"  Say: known.py \(\w{8}\):Say → known.py \(\w{8}\):Say\n"
    assert re.search(code, done.stdout)
    assert done.stdout.endswith("  error: The generator fell silent. → none\n")


def test_wrong_files_are_met_with_a_sentence(recorded: Path) -> None:
    again = ("ask", "How long?", "--record", "kept.json", *ALLOW)
    says(ragbraid(*again, cwd=recorded), 2, "kept.json exists", "--force")
    assert ragbraid(*again, "--force", cwd=recorded).returncode == 0
    says(ragbraid("ask", "x", "--record", "no/kept.json", *ALLOW, cwd=recorded), 2, "no folder")
    says(ragbraid("replay", "none.json", cwd=recorded), 2, "no recording", "--record")
    says(ragbraid("replay", "known.py", cwd=recorded), 2, "isn't JSON")
    says(ragbraid("replay", "kept.json", cwd=recorded), 2, "--allow")
    newer = json.loads((recorded / "kept.json").read_text("utf-8")) | {"ragbraid_recording": 2}
    (recorded / "newer.json").write_text(json.dumps(newer), "utf-8")
    says(ragbraid("replay", "newer.json", cwd=recorded), 2, "format 2", "newer ragbraid")


def test_a_replay_without_colour_has_none(recorded: Path) -> None:
    env = environment(NO_COLOR="1")
    done = ragbraid("replay", "kept.json", "--set", "search.find.most=1", *ALLOW, cwd=recorded, env=env)
    assert "\x1b" not in done.stdout
