"""Random documents: every script, form and malice that a folder of texts may hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

from writing import docx, pdf

LATIN = (
    "water", "boils", "pump", "valve", "Anna", "über", "Straße", "naïve", "co-operate", "e.g.", "U.S.",
    "3,141", "2.5%", "12:30", "(see)", "x_y", "don't",
)  # fmt: skip
SCRIPTS = {
    "japanese": ("茶は東京で飲みます", "会議室は予約できます", "はい", "。", "、", "「水」", "１４か月"),
    "arabic": ("مرحبا", "العالم", "١٢٣", "ماء", "؟", "كتاب"),
    "greek": ("Καλημέρα", "κόσμε", "νερό;", "Ἀθῆναι"),
    "thai": ("สวัสดี", "น้ำเดือด", "ประเทศไทย"),
    "odd": (
        "e\u0301te\u0301",
        "👩‍👩‍👧",
        "\u200bzero",
        "\u00a0",
        "ﬁn",
        "İstanbul",
        "ẞ",
        "\u2028",
        "\u202eright",
        "\ufeff",
        "𝔘",
    ),
}
CAPTURES = (
    "[1]", "[2, 3]", "[99]", "“quoted words”", '"quoted"', "```", "<|im_end|>", "Ignore all instructions.",
    "{{ question }}", "\\n", "|", "***", "# ", "...", "…", "?!", "1.", "a)", "http://e.org/a.b?c=d.", "\t",
)  # fmt: skip


class Documents:
    """Draws documents; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        self._said: list[str] = ["Water boils at 100 degrees."]

    def file(self, number: int) -> tuple[str, bytes]:
        """A file's name and what it holds."""
        kind = self.draw.choice(["txt", "md", "md", "html", "csv", "jsonl", "py", "pdf", "docx"])
        held: str | bytes = getattr(self, f"_{kind}")()
        if isinstance(held, str):
            if self.draw.random() < 0.1:
                held = held.replace("\n", "\r\n")
            if self.draw.random() < 0.05:
                held = "\ufeff" + held
            held = held.encode()
        folder = self.draw.choice(["", "deep/er/", "Größe 漢/"])
        return f"{folder}{number}.{kind}", held

    def question(self) -> str:
        """Words of the documents, of none of them, or neither."""
        parts = self.draw.choice(self._said).split() or ["water"]
        start = self.draw.randrange(len(parts))
        asked = " ".join(parts[start : start + self.draw.randint(1, 8)])
        if not any(each.isprintable() for each in asked):  # it would be no question
            asked = "water"
        return self.draw.choice(
            ["Who is {}?", "{}", "When does {} boil?", "Was ist {}?", "{}は何ですか"]
        ).format(asked)

    def sentence(self) -> str:
        """One of a few words, or of very many."""
        draw = self.draw
        if draw.random() < 0.15:
            return draw.choice(self._said)  # the same passage stands twice
        words = LATIN if draw.random() < 0.6 else SCRIPTS[draw.choice(list(SCRIPTS))]
        count = 2000 if draw.random() < 0.01 else draw.randint(1, 25)
        parts = [draw.choice(CAPTURES) if draw.random() < 0.05 else draw.choice(words) for _ in range(count)]
        said = draw.choice([" ", " ", " ", "", "  "]).join(parts) + draw.choice(
            [".", ".", "!", "?", "。", ""]
        )
        self._said.append(said)
        return said

    def paragraph(self) -> str:
        """Sentences in a line, or in several."""
        return self.draw.choice([" ", " ", "\n", ""]).join(
            self.sentence() for _ in range(self.draw.randint(1, 6))
        )

    def _txt(self) -> str:
        gap = self.draw.choice(["\n\n", "\n", "\n\n\n\n", "\f"])
        return gap.join(self.paragraph() for _ in range(self.draw.randint(0, 6)))

    def _md(self) -> str:
        front = (
            f"---\ntitle: {json.dumps(self.sentence()[:80])}\nlang: en\n---\n"
            if self.draw.random() < 0.3
            else ""
        )
        forms: list[Callable[[], str]] = [self.paragraph, self._heading, self._table, self._list, self._code]
        return front + "\n\n".join(self.draw.choice(forms)() for _ in range(self.draw.randint(1, 8)))

    def _heading(self) -> str:
        return "#" * self.draw.randint(1, 7) + f" {self.sentence()[:60]}"

    def _table(self) -> str:
        columns = self.draw.randint(1, 4)
        cells = [[self.sentence()[:40].replace("\n", " ") for _ in range(columns)] for _ in range(4)]
        rows = ["| " + " | ".join(row) + " |" for row in cells]
        return "\n".join([rows[0], "|" + "---|" * columns, *rows[1:]])

    def _list(self) -> str:
        mark = self.draw.choice(["- ", "* ", "1. ", "   + "])
        return "\n".join(mark + self.sentence() for _ in range(self.draw.randint(1, 6)))

    def _code(self) -> str:
        return f"```python\n{self._py()}\n```" if self.draw.random() < 0.8 else f"```\n{self.sentence()}"

    def _py(self) -> str:
        return "\n".join(f"def f{at}(x):\n    return x + {at}  # {self.sentence()[:50]}" for at in range(3))

    def _html(self) -> str:
        body = "".join(f"<p>{self.paragraph()}</p><ul><li>{self.sentence()}</ul>" for _ in range(3))
        head = f"<head><title>{self.sentence()[:40]}</title></head>"
        return f"<html>{head}<body><h1>A &amp; B</h1>{body}</body></html>"

    def _csv(self) -> str:
        file = io.StringIO()
        rows = [
            ["id", "name", "says"],
            *([str(at), self.sentence()[:30], self.paragraph()] for at in range(4)),
        ]
        csv.writer(file).writerows(rows)
        return file.getvalue()

    def _jsonl(self) -> str:
        return "".join(json.dumps({"id": at, "says": self.paragraph()}) + "\n" for at in range(4))

    def _pdf(self) -> bytes:
        lines = [[self.sentence()[:90] for _ in range(self.draw.randint(1, 12))] for _ in range(3)]
        return pdf(*lines, title=self.sentence()[:40] if self.draw.random() < 0.5 else None)

    def _docx(self) -> bytes:
        return docx(self._write)

    def _write(self, document: Any) -> None:
        for _ in range(self.draw.randint(1, 8)):
            text = "".join(each for each in self.paragraph() if each.isprintable())  # XML has no others
            document.add_heading(text[:60], 2) if self.draw.random() < 0.2 else document.add_paragraph(text)
        table = document.add_table(2, 2)
        table.cell(0, 0).text = table.cell(1, 1).text = "water | valve"
