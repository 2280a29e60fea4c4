"""`ccm email` on a real database: messages that were taken in, and those that are held."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from ccm_day import Ccm

from ccmiddleware.mail.filing import Arrived, Filing
from ccmiddleware.mail.keys import signing_keys
from ccmiddleware.mail.mailboxes import rules_for
from ccmiddleware.mail.message import Limits
from ccmiddleware.mail.reading import read
from ccmiddleware.mail.settling import Settling
from ccmiddleware.store.database import Database

AT = datetime.now(UTC)  # noqa: TID251 - listed among the last hours
MAILBOX = """
[mailbox.help]
queue = "support"
address = "help@shop.example"
host = "localhost"
user = "help"
secret = "s"
"""


def mail(number: int, subject: str, more: str = "", sender: str = "Ann <ann@x.example>") -> bytes:
    return (
        f"From: {sender}\r\nTo: help@shop.example\r\nSubject: {subject}\r\n"
        f"Message-ID: <{number}@x.example>\r\n{more}\r\nText of {number}\x1b[2J\r\n> old\r\n"
    ).encode()


MAILS = (
    mail(1, "Question"),
    mail(2, "Re: Question", "References: <1@x.example>\r\n"),
    mail(3, "Cheap \x1b[31mpills", "X-Spam-Flag: YES\r\n"),
    mail(4, "Away", "Auto-Submitted: auto-replied\r\n"),
    b"Subject: nobody\r\n\r\nNo sender\r\n",
)


async def take(url: str, ccm: Ccm) -> None:
    from ccmiddleware.config import load

    settings = load(ccm.config, {})
    async with Database(url) as database:
        await database.execute("apply_nodes", [{"node": "pbx1"}])
        await database.execute("prepare_leadership", ["pbx1"])
        everywhere = {"pbx1": settings.mailboxes_of("pbx1")}
        keys = await signing_keys(database, lambda: AT)
        rules = rules_for(settings.mailbox["help"], everywhere, keys)
        term = (await database.rows("SELECT term FROM ccm.leadership"))[0]["term"]
        decide = Settling(rules, lambda: AT).decide
        filing = Filing(database, "pbx1", term, "help", decide, lambda: AT, ours=rules.ours)
        await filing.open("support")
        await filing.begin_folder(7)
        for uid, raw in enumerate(MAILS, 1):
            await filing.take(Arrived(7, uid, raw, AT), read(raw, Limits()))


@pytest.fixture
def with_mail(on_database: Ccm, database_url: str) -> Ccm:
    on_database.write(on_database.config.read_text() + MAILBOX)
    asyncio.run(take(database_url, on_database))
    return on_database


def listed(ccm: Ccm, *arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(ccm.run("email", *arguments, "--json").stdout)
    return rows


def held(ccm: Ccm, *arguments: str) -> dict[str, dict[str, Any]]:
    rows = listed(ccm, "quarantine", "list", *arguments)
    return {row["kind"]: row for row in rows}


def test_none_yet(on_database: Ccm) -> None:
    assert "no email fits" in on_database.run("email", "messages").stderr
    assert "nothing is held" in on_database.run("email", "quarantine", "list").stderr
    assert "there is no email" in on_database.run("email", "show", "x", code=1).stderr
    for verb in ("show", "release", "drop"):
        said = on_database.run("email", "quarantine", verb, "x", code=1).stderr
        assert "no message 'x' in quarantine" in said


def test_emails_are_listed_and_shown(with_mail: Ccm) -> None:
    rows = {row["subject"]: row for row in listed(with_mail, "messages", "--queue", "support")}
    assert set(rows) == {"Question", "Re: Question"}
    assert rows["Question"]["conversation_id"] == rows["Re: Question"]["conversation_id"]
    assert listed(with_mail, "messages", "--from", "bob@x.example") == []
    assert len(listed(with_mail, "messages", "--from", "ANN@x.example", "--open")) == 2
    assert "Re: Question" in with_mail.run("email", "messages").stdout
    shown = with_mail.run("email", "show", rows["Re: Question"]["id"]).stdout
    assert "Ann <ann@x.example>" in shown
    assert "Text of 2" in shown
    assert "old" not in shown
    assert "\x1b" not in shown
    assert "open; reference" in shown
    raw = with_mail.run("email", "show", rows["Question"]["id"], "--raw").stdout_bytes
    assert raw == MAILS[0]


def test_several_of_one_beginning_are_told(with_mail: Ccm) -> None:
    id_ = listed(with_mail, "messages")[0]["id"]
    assert "several emails begin" in with_mail.run("email", "show", id_[:8], code=1).stderr


def test_what_is_held_is_listed_shown_and_released_once(with_mail: Ccm) -> None:
    assert set(held(with_mail)) == {"spam", "loop", "unreadable"}
    assert set(held(with_mail, "--kind", "spam", "--mailbox", "help")) == {"spam"}
    spam = held(with_mail)["spam"]
    assert "\x1b" not in with_mail.run("email", "quarantine", "list").stdout
    raw = with_mail.run("email", "quarantine", "show", spam["id"], "--raw").stdout_bytes
    assert raw == MAILS[2]
    assert "X-Spam-Flag" in with_mail.run("email", "quarantine", "show", spam["id"]).stdout
    said = with_mail.run("email", "quarantine", "release", spam["id"]).stderr
    assert spam["id"] in said
    assert len(listed(with_mail, "messages")) == 3
    again = with_mail.run("email", "quarantine", "release", spam["id"], code=1).stderr
    assert "is released already, by " in again
    assert "spam" not in held(with_mail)
    assert held(with_mail, "--all")["spam"]["state"] == "released"


def test_what_can_not_be_read_is_released_as_an_email_that_says_so(with_mail: Ccm) -> None:
    id_ = held(with_mail)["unreadable"]["id"]
    with_mail.run("email", "quarantine", "release", id_)
    shown = with_mail.run("email", "show", id_).stdout
    assert "not read: " in shown
    assert "nobody" in shown
    assert with_mail.run("email", "show", id_, "--raw").stdout_bytes == MAILS[4]


def test_what_is_dropped_is_kept(with_mail: Ccm) -> None:
    rows = held(with_mail)
    with_mail.run("email", "quarantine", "drop", rows["loop"]["id"], rows["spam"]["id"])
    assert set(held(with_mail)) == {"unreadable"}
    assert {row["state"] for row in held(with_mail, "--all").values()} == {"held", "dropped"}
    said = with_mail.run("email", "quarantine", "drop", rows["spam"]["id"], code=1).stderr
    assert "is dropped already, by " in said
    shown = with_mail.run("email", "quarantine", "show", rows["spam"]["id"], "--json")
    assert json.loads(shown.stdout)["state"] == "dropped"


@pytest.mark.parametrize("nothing", ["", "%", "_"])
def test_an_id_that_says_nothing_is_none(with_mail: Ccm, nothing: str) -> None:
    """Not even where there is only one that it could mean."""
    rows = held(with_mail)
    with_mail.run("email", "quarantine", "drop", rows["loop"]["id"], rows["spam"]["id"])
    assert set(held(with_mail)) == {"unreadable"}
    for verb in ("show", "release"):
        with_mail.run("email", "quarantine", verb, nothing, code=1)
    assert "there is no email" in with_mail.run("email", "show", nothing, code=1).stderr
    assert set(held(with_mail)) == {"unreadable"}


def test_nothing_is_dropped_where_one_of_several_is_not_there(with_mail: Ccm) -> None:
    id_ = held(with_mail)["spam"]["id"]
    with_mail.run("email", "quarantine", "drop", id_, "nowhere", code=1)
    assert "spam" in held(with_mail)
