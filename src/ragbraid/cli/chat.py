"""`ragbraid chat`: a conversation, question by question."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import ask, conversations, failures, interrupts, options, output, progress
from ragbraid.errors import InputError, RagbraidError

if TYPE_CHECKING:
    from ragbraid import Pipeline
    from ragbraid.types import Answer, Message

_PROMPT = "> "
_HELP = """\
/clear  forget the conversation so far
/help   say this
/quit   end, as Ctrl-D does; Ctrl-C ends an answer, and at the prompt the chat
Anything else is a question."""


def command(
    filter_text: options.FilterText = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    conversation: Annotated[
        str | None,
        typer.Option("--conversation", metavar="NAME", help="Go on with this conversation, or begin it."),
    ] = None,
    kept: Annotated[bool, typer.Option("--list", help="List the conversations that are kept.")] = False,
    delete: Annotated[
        str | None, typer.Option("--delete", metavar="NAME", help="Delete this conversation.")
    ] = None,
) -> None:
    """Ask question after question, with what was said before.

    The pipeline's flow `chat` answers where it has one, else `ask`. Piped in, each line is a question;
    with --json each answer is one line. With --conversation each turn is on disk, in .ragbraid beside the
    pipeline file, before the next is asked.

    For example: ragbraid chat --conversation trip
    """
    if sum((conversation is not None, kept, delete is not None)) > 1:
        raise InputError("--conversation, --list and --delete exclude each other.", "Take one of them.")
    request = {"filter": options.parse_filter(filter_text), "collection": collection}
    with options.load(pipeline, overrides, allow) as loaded:
        if kept or delete is not None:
            conversations.look_after(loaded.base, delete, as_json)
            return
        options.demand_stored(loaded, "ask", collection)
        chat = _Chat(loaded, request, as_json, conversations.opened(loaded.base, conversation))
        if sys.stdin.isatty():
            output.say(f"Ask what the documents of {loaded.name} say. /help lists the commands; /quit ends.")
            for line in _typed():
                if not chat.take(line):
                    break
        else:
            chat.take_all(_piped())


class _Chat:
    """A conversation so far, and how its answers are printed."""

    def __init__(
        self, pipeline: Pipeline, request: dict[str, Any], as_json: bool, kept: conversations.Conversation
    ) -> None:
        self._pipeline = pipeline
        self._flow = "chat" if "chat" in pipeline.flows else "ask"
        self._request = request
        self._as_json = as_json
        self._kept = kept
        self._history: list[Message] = kept.history()

    def take(self, line: str) -> bool:
        """Do what a typed line says; False where it ends the chat. Ctrl-C ends the answer alone."""
        if line.startswith("/") and " " not in line:
            return self._obey(line)
        try:
            self._answer(line)
        except KeyboardInterrupt:
            output.say("Stopped.")
            interrupts.listen()
        except RagbraidError as error:
            self._tell(error)
        return True

    def take_all(self, lines: Iterator[str]) -> None:
        """Answer every line. Raises `Exit` at the end where one couldn't be answered."""
        code, answered = 0, False
        for line in lines:
            if not self._as_json:
                output.show(f"{_PROMPT}{line}", bold=True)
            try:
                self._answer(line)
                answered = True
            except RagbraidError as error:
                self._tell(error)
                code = error.exit_code
            if not self._as_json:
                output.show()
        if code:
            raise typer.Exit(failures.DONE_IN_PART if answered else code)

    def _obey(self, order: str) -> bool:
        match order:
            case "/quit":
                return False
            case "/clear":
                self._history.clear()
                self._kept.delete()
                output.say("Forgotten.")
            case "/help":
                output.say(_HELP)
            case _:
                output.say(f"There is no command {order}; /help lists them.")
        return True

    def _answer(self, question: str) -> None:
        from ragbraid.types import Message

        request = {**self._request, "flow": self._flow, "history": self._history}
        answer: Answer
        if self._as_json:
            from ragbraid.serial import to_json

            *_, last = self._pipeline.stream(question, **request)
            if last.kind == "error":
                raise last.value
            answer = last.value
            output.print_json_line(to_json(answer))
        else:
            meanwhile = "Thinking …" if self._history else progress.loading(self._pipeline, self._flow)
            answer = ask.tell(self._pipeline, question, request, meanwhile)
        self._kept.add(question, answer.text)
        self._history += [Message("user", question), Message("assistant", answer.text)]

    def _tell(self, error: RagbraidError) -> None:
        if self._as_json:
            from ragbraid.serial import to_json

            output.print_json_line(to_json(error))
        else:
            output.say(str(error))


def _typed() -> Iterator[str]:
    """What is typed at the prompt, until Ctrl-D."""
    with suppress(ImportError):  # Windows' own prompt edits lines already
        import readline  # noqa: F401

    while True:
        try:
            with interrupts.prompting():
                line = _prompted().strip()
        except (EOFError, KeyboardInterrupt) as end:
            output.say("")
            if isinstance(end, KeyboardInterrupt):
                raise
            return
        if line:
            yield line


def _prompted() -> str:
    if sys.stdout.isatty():
        return input(_PROMPT)
    sys.stderr.write(_PROMPT)  # `input` would write it among the answers
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _piped() -> Iterator[str]:
    """The lines of standard input, as UTF-8."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
    return filter(None, (line.strip() for line in sys.stdin))
