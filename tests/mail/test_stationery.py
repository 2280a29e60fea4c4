"""What a mailbox writes with, from the files that its settings name."""

from pathlib import Path

import pytest

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import ConfigError
from ccmiddleware.mail import stationery
from ccmiddleware.mail.letters import Template
from ccmiddleware.mail.message import Address


def settings(**given: object) -> MailboxSettings:
    return MailboxSettings.model_validate(
        {
            "queue": "support", "address": "help@shop.example", "host": "x", "user": "u",
            "secret": "s", **given,
        }
    )  # fmt: skip


def written(directory: Path, text: str) -> Path:
    path = directory / "file"
    path.write_text(text)
    return path


def test_who_writes(tmp_path: Path):
    signature = written(tmp_path, "\ufeff-- \r\nThe shop\r\n")
    made = stationery.identity(settings(name="Help Desk", signature_file=signature), "mark")
    assert made.address == Address("help@shop.example", "Help Desk")
    assert (made.queue, made.mark, made.signature) == ("support", "mark", "-- \nThe shop\n")
    assert stationery.identity(settings(), "mark").signature == ""


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("Thanks, {name}.\n", Template("Thanks, {name}.\n")),
        ("Subject: Got it [#{number}]\n\nThanks\n", Template("\nThanks\n", "Got it [#{number}]")),
        ("SUBJECT:Re: {subject}\nThanks", Template("Thanks", "Re: {subject}")),
    ],
)
def test_templates(tmp_path: Path, text: str, template: Template):
    found = stationery.acknowledgement(settings(acknowledge=written(tmp_path, text)))
    assert found == template


def test_nothing_is_acknowledged_without_one():
    assert stationery.acknowledgement(settings()) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "text: it is empty"),
        (b"Subject:\n\nText", "subject: it is empty"),
        (b"Hello {nmae}", "'{nmae}' is no placeholder"),
        (b"Subject: {x}\n\nText", "subject: '{x}' is no placeholder"),
        (b"\xff", "codec can't decode"),
        (b"x" * 70_000, "more than 65536 characters"),
    ],
)
def test_what_is_wrong_is_told_with_its_file(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "template"
    path.write_bytes(content)
    (said,) = stationery.problems(settings(acknowledge=path))
    assert said.startswith(f"acknowledge {path}")
    assert words in said


def test_all_that_is_wrong_is_told(tmp_path: Path):
    gone = tmp_path / "gone"
    said = list(stationery.problems(settings(acknowledge=gone, signature_file=gone)))
    assert len(said) == 2
    with pytest.raises(ConfigError, match="No such file"):
        stationery.identity(settings(signature_file=gone), "")
