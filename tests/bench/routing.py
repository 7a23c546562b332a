"""Routers on the frozen questions of tests/data/routing, and what routing saves.

`python tests/bench/routing.py PEER=PYTHON …` measures routers: each PEER, such as semantic-router, in the
environment of a PYTHON of its own. `python tests/bench/routing.py saved` measures what routing saves.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from ragbraid import Pipeline
from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.generate.protocol import JsonSchema, Request
from ragbraid.route.judge import judge
from ragbraid.route.protocol import OTHERWISE
from ragbraid.route.routes_file import read_examples
from ragbraid.route.semantic_router import SemanticRouter
from ragbraid.types import Message

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "routing"


def speed() -> None:
    """A decision with 100 routes of 20 utterances, beyond the embedding."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(100, 384))
    rows = {}
    for route in range(100):
        for at in range(20):
            vector = centres[route] + rng.normal(size=384) * 1.5
            rows[f"utterance {at} of {route}"] = (vector / np.linalg.norm(vector)).astype(np.float32)

    class Known:
        identity, dimensions = "known", 384

        def embed(self, texts: Any, purpose: str = "query", *, context: Any = None) -> Any:
            return np.stack([rows[each] for each in texts])

    names = {f"r{route}": tuple(f"utterance {at} of {route}" for at in range(20)) for route in range(100)}
    embedder: Any = Known()
    router = SemanticRouter(names, embedder, cache=None).open()
    began = time.perf_counter()
    router.warm_up()
    fitted = time.perf_counter() - began
    asked = list(rows)[::7]
    took = []
    for text in asked:
        vector = rows[text][None]
        began = time.perf_counter()
        router.decide([text], vector)
        took.append(1000 * (time.perf_counter() - began))
    p95 = sorted(took)[int(0.95 * len(took))]
    print(
        f"100 routes x 20 utterances: decision p50 {median(took):.3f} ms, p95 {p95:.3f} ms; "
        f"fitted in {fitted:.2f} s"
    )


def quality(peers: dict[str, str]) -> None:
    """Accuracy and out-of-scope recall; the others at the threshold that is best on these very questions."""
    embedder = SentenceTransformer().open()
    utterances, asked = read_examples(DATA / "routes.yaml"), read_examples(DATA / "questions.yaml")
    texts = [text for each in asked.values() for text in each]
    right = [name for name, each in asked.items() for _ in each]
    vectors = embedder.embed(texts, "query")
    router = SemanticRouter(DATA / "routes.yaml", embedder, cache=None).open()
    report(
        "ragbraid, calibrated on its utterances alone",
        right,
        [e.route for e in router.decide(texts, vectors)],
    )
    examples = [text for each in utterances.values() for text in each]
    table = dict(zip(examples, embedder.embed(examples, "query").tolist(), strict=True))
    table |= dict(zip(texts, vectors.tolist(), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "given.json", Path(folder) / "found.json"
        source.write_text(
            json.dumps({"utterances": utterances, "questions": texts, "vectors": table}), "utf-8"
        )
        for peer, python in peers.items():
            script = str(ROOT / "tests" / "bench" / "peer_routers.py")
            subprocess.run([python, script, peer, str(source), str(target)], check=True, capture_output=True)
            for name, found in json.loads(target.read_text("utf-8")).items():
                scores = np.array([score for _, score in found])
                best = max(
                    (
                        [route if score >= least else OTHERWISE for route, score in found]
                        for least in np.unique(scores)
                    ),
                    key=lambda chosen: sum(one == other for one, other in zip(right, chosen, strict=True)),
                )
                report(name, right, best)


def report(name: str, right: list[str], taken: list[str]) -> None:
    found = judge(list(zip(right, taken, strict=True)))
    print(
        f"{name:<46} accuracy {found.accuracy:.3f}  in scope {found.in_scope:.3f}  "
        f"out-of-scope recall {found.refused:.3f}",
        flush=True,
    )


def saved(each: int = 8) -> None:
    """Always retrieve, let the model decide, or route: over docs/, half of the questions small talk."""
    talk = ("small-talk", "thanks", "capabilities")
    looked_up = ("handbook", "privacy", "refunds")
    utterances, questions = read_examples(DATA / "routes.yaml"), read_examples(DATA / "questions.yaml")
    asked = [(text, name in talk) for name in (*talk, *looked_up) for text in questions[name][:each]]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "saved.yaml"
        text = (ROOT / "pipelines" / "router.yaml").read_text("utf-8")
        file.write_text(text, "utf-8")
        (Path(folder) / "routes.yaml").write_text(
            json.dumps({name: utterances[name] for name in talk}), "utf-8"
        )
        ways = ", ".join(f"{name}: {{type: reply, text: Hello.}}" for name in talk)
        head, _, rest = text.partition("  # Where questions go.")
        _, _, tail = rest.partition("\ningest:")
        before, _, after = tail.partition("\nask:")
        flows = after.partition("\nflows:")[2]
        router = "  intents: {type: semantic-router, embedder: embedder, routes: routes.yaml}\n"
        ask = f"\nask: [{{route: intents, to: {{{ways}}}, otherwise: answered}}]\n"
        file.write_text(f"{head}{router}\ningest:{before}{ask}\nflows:{flows}", "utf-8")
        with Pipeline.load(file) as pipeline:
            pipeline.ingest([ROOT / "docs"])
            generator = pipeline.part("generator")
            pipeline.ask("hello")
            pipeline.run("answered", question="warm up")
            for way in ("always retrieve", "the model decides", "router"):
                took, calls, decided = [], [], []
                for question, is_talk in asked:
                    began, count = time.perf_counter(), 0
                    retrieves = True
                    if way == "the model decides":
                        retrieves, count = not said_talk(generator, question), 1
                    if way == "router":
                        answer = pipeline.ask(question)
                        retrieves = any("dense" in span.step for span in answer.trace)
                    elif retrieves:
                        answer = pipeline.run("answered", question=question)
                    took.append(time.perf_counter() - began)
                    if retrieves:
                        count += answer.usage.calls
                    calls.append(count)
                    decided.append(retrieves != is_talk)
                print(
                    f"{way:<20} p50 {1000 * median(took):6.0f} ms  mean {1000 * mean(took):6.0f} ms  "
                    f"calls of the model {sum(calls):3d} of {len(asked)}  "
                    f"right decisions {mean(decided):.2f}",
                    flush=True,
                )


def said_talk(generator: Any, question: str) -> bool:
    schema = JsonSchema({"enum": ["talk", "lookup"]})
    prompt = (
        Message(
            "system",
            "Say talk if the message is a greeting, thanks or a question about yourself, "
            "and lookup if documents have to be searched to answer it.",
        ),
        Message("user", question),
    )
    (found,) = generator.generate([Request(prompt, max_tokens=8, constraint=schema)])
    return "talk" in found.text


if __name__ == "__main__":
    named = [each.partition("=") for each in sys.argv[1:]]
    if not named or named[0][0] != "saved":
        speed()
        quality({peer: python for peer, _, python in named})
    if not named or named[0][0] == "saved":
        saved()
