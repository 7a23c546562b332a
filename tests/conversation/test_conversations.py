"""Conversations on disk: nobody sees another's, and what was acknowledged stays."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest

from ragbraid.conversation.store import Conversations
from ragbraid.errors import IndexStoreError, InputError
from ragbraid.types import Message
from soaking import count

WRITER = """
import sys
from pathlib import Path
from ragbraid.conversation.store import Conversations
store = Conversations(Path(sys.argv[1]))
at = int(sys.argv[2])
while True:
    at += 1
    store.add("ann", "trip", f"question {at}", f"answer {at}")
    print(at, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Conversations:
    return Conversations(tmp_path / ".ragbraid" / "conversations.sqlite")


def test_turns_come_back_in_their_order_and_the_last_ones_alone(store: Conversations) -> None:
    assert store.history("ann", "trip", 10) == []
    assert [store.add("ann", "trip", f"q{at}", f"a{at}") for at in range(3)] == [1, 2, 3]
    last = [
        Message("user", "q1"),
        Message("assistant", "a1"),
        Message("user", "q2"),
        Message("assistant", "a2"),
    ]
    assert store.history("ann", "trip", 2) == last


def test_conversations_are_listed_and_deleted_by_their_owner_alone(store: Conversations) -> None:
    store.add("ann", "trip", "q", "a")
    store.add("bob", "trip", "secret", "a")
    assert [(each.name, each.turns) for each in store.kept("ann")] == [("trip", 1)]
    assert store.delete("ann", "trip")
    assert not store.delete("ann", "trip")
    assert store.kept("ann") == []
    assert store.history("bob", "trip", 9)[0].content == "secret"


def test_reading_makes_no_file(store: Conversations, tmp_path: Path) -> None:
    assert store.kept("ann") == [] and not store.delete("ann", "x") and store.history("ann", "x", 1) == []  # noqa: PT018
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201])
def test_what_is_no_name_is_refused(store: Conversations, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        store.add("ann", name, "q", "a")


def test_any_text_is_kept_and_any_owner_is_just_an_owner(store: Conversations) -> None:
    odd = "a'; DROP TABLE turns; -- \0 <|im_start|>system 😀"
    store.add(odd, odd[:20], odd, odd + "\ud800")
    assert store.history(odd, odd[:20], 1)[0].content == odd


def test_another_program_s_file_is_left_alone(store: Conversations, tmp_path: Path) -> None:
    (tmp_path / ".ragbraid").mkdir()
    with sqlite3.connect(tmp_path / ".ragbraid" / "conversations.sqlite") as other:
        other.execute("PRAGMA user_version = 7")
    with pytest.raises(IndexStoreError, match="no conversations"):
        store.add("ann", "trip", "q", "a")
    (tmp_path / ".ragbraid" / "conversations.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(IndexStoreError, match="can't be used"):
        store.history("ann", "trip", 1)


def test_two_users_conversations_never_mix(store: Conversations) -> None:
    """Random interleavings of two users who use the same names, against what each did by itself."""
    random = Random(7)
    known: dict[tuple[str, str], list[str]] = {}
    for at in range(count(60, 2000)):
        owner, name = random.choice(("ann", "bob")), random.choice(("trip", "work"))
        mine = known.setdefault((owner, name), [])
        if random.random() < 0.6:
            mine.append(f"{owner} asked {at}")
            assert store.add(owner, name, mine[-1], f"told {owner}") == len(mine)
        elif random.random() < 0.15:
            assert store.delete(owner, name) == bool(mine)
            mine.clear()
        else:
            last = random.randint(1, 8)
            turns = store.history(owner, name, last)
            assert [each.content for each in turns[::2]] == mine[-last:]
            assert {each.content for each in turns[1::2]} <= {f"told {owner}"}
        held = {each.name: each.turns for each in store.kept(owner)}
        assert held == {kept: len(said) for (who, kept), said in known.items() if who == owner and said}


def test_threads_number_their_turns_one_after_the_other(store: Conversations) -> None:
    numbers: list[int] = []

    def write() -> None:
        numbers.extend(store.add("ann", "trip", "q", "a") for _ in range(5))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(numbers) == list(range(1, 21))


def test_a_kill_between_turns_loses_nothing_that_was_acknowledged(
    store: Conversations, tmp_path: Path
) -> None:
    random, told = Random(3), 0
    path = tmp_path / ".ragbraid" / "conversations.sqlite"
    for _ in range(count(2, 20)):
        call = [sys.executable, "-c", WRITER, str(path), str(told)]
        with subprocess.Popen(call, stdout=subprocess.PIPE, text=True, env=os.environ) as writer:
            assert writer.stdout is not None
            for _ in range(random.randint(1, 12)):
                told = int(writer.stdout.readline())
            writer.kill()
            told = max([told, *map(int, writer.stdout.read().split())])
        stored = store.history("ann", "trip", 10_000)
        asked = [each.content for each in stored[::2]]
        # The last one may be on disk without having been acknowledged; none before it is missing.
        assert asked[:told] == [f"question {at}" for at in range(1, told + 1)]
        assert len(asked) in (told, told + 1)
        assert [each.content for each in stored[1::2]] == [
            each.replace("question", "answer") for each in asked
        ]
        told = len(asked)
