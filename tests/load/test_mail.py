from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import writing
from compound import msg
from reading import documents, in_order, load

from ragbraid.load.files import Files
from ragbraid.types import SourceRef


def message(body: str = "The body, café.", subject: str = "Größe") -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "Ann <ann@example.org>", "bob@example.org"
    mail["Date"] = "Wed, 31 Jan 2024 10:00:00 +0100"
    mail.set_content(body)
    return mail


def test_who_wrote_what_to_whom_and_when(tmp_path: Path) -> None:
    mail = message()
    mail.add_alternative("<p>The body, caf&eacute;.</p>", subtype="html")
    document = load(tmp_path, "a.eml", mail.as_bytes())
    assert in_order(
        document.text, "Subject: Größe", "From: Ann <ann@example.org>", "Date: Wed", "The body, café."
    )
    assert document.metadata == {
        "title": "Größe",
        "author": "Ann <ann@example.org>",
        "to": "bob@example.org",
        "created": "2024-01-31T09:00:00Z",
    }


def test_a_body_of_html_alone(tmp_path: Path) -> None:
    mail = message()
    mail.set_content("<style>p {}</style><p>Only &lt;this&gt;</p>", subtype="html", charset="utf-16")
    text = load(tmp_path, "a.eml", mail.as_bytes()).text
    assert text.endswith("Only <this>")


def test_what_is_attached_is_read_as_the_file_it_is(tmp_path: Path) -> None:
    mail = message()
    for name, data in (("../r.pdf", writing.pdf(["Attached words"])), ("bad.docx", b"x"), ("a.zip", b"PK")):
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    inner = message("Inner words")
    inner.add_attachment("plain words", filename="r.txt")
    mail.add_attachment(inner)
    outer, pdf, nested, text = documents(tmp_path, "m.eml", mail.as_bytes())
    assert [pdf.source, nested.source, text.source] == [
        "m.eml#attachment=r.pdf",
        "m.eml#attachment=message.eml",
        "m.eml#attachment=message.eml#attachment=r.txt",
    ]
    assert "Attached words" in pdf.text
    assert "Inner words" in nested.text
    assert pdf.metadata["attached_to"] == "m.eml"
    assert [each.partition(" wasn't read")[0] for each in outer.warnings] == [
        "its attachment 'bad.docx'",
        "its attachment 'a.zip'",
    ]


def test_broken_headers_and_charsets_are_no_obstacle(tmp_path: Path) -> None:
    head = b"Subject: =?utf-8?q?Gr=C3\nDate: nonsense\nTo: <((((\nContent-Type: text/plain; charset=none\n\n"
    assert "hällo" in load(tmp_path, "a.eml", head + b"h\xe4llo").text


def test_an_outlook_message(tmp_path: Path) -> None:
    head = (
        "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nDate: Wed, 31 Jan 2024 10:00:00 +0100\r\n\r\n"
    )
    tags = {"001A": "IPM.Note", "0037": "Größe", "1000": "First line\r\nsecond <x>", "007D": head}
    (tmp_path / "a.msg").write_bytes(msg(tags))
    (document,) = Files().load(SourceRef("a.msg", str(tmp_path / "a.msg")))
    assert in_order(document.text, "Größe", "First line\nsecond <x>")
    assert document.metadata["title"] == "Größe"
    assert document.metadata["created"] == "2024-01-31T09:00:00Z"


def test_an_invitation_without_a_name_is_read(tmp_path: Path) -> None:
    mail = message()
    mail.add_attachment("BEGIN:VCALENDAR\nSUMMARY:Picnic\n", subtype="calendar")
    _, invitation = documents(tmp_path, "m.eml", mail.as_bytes())
    assert invitation.source == "m.eml#attachment=part.ics"
    assert "Picnic" in invitation.text
