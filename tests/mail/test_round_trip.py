"""What we send, read again by our own reading: nothing changes on the way, loops end at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail.written import written

from ccmiddleware.mail.agent_commands import Close, Found, Reply, Wait, parse
from ccmiddleware.mail.composing import Composed, File
from ccmiddleware.mail.letters import (
    Identity,
    Item,
    Posting,
    Template,
    acknowledgement,
    answer,
    receipt,
    relay,
)
from ccmiddleware.mail.loops import Ours, Traffic, judge, nature
from ccmiddleware.mail.message import Address, Limits, Message
from ccmiddleware.mail.reading import part_bytes, read
from ccmiddleware.mail.threading import Conversation, Here, Joins, Known, decide, wanted
from ccmiddleware.mail.tokens import (
    Key,
    Keys,
    Kind,
    ReplyTo,
    Use,
    message_id,
    read_address,
    reply_address,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
KEYS = Keys(Key(1, b"k" * 32))
TALK = UUID(int=7)
AGENT = Address("anna@agents.example.com", "Anna Agent")
SUPPORT = Address("support@example.com", "Müller & Söhne, Support")
IDENTITY = Identity("support", SUPPORT, "pbx.example.com", ZoneInfo("Europe/Berlin"), "Support")
OURS = Ours(frozenset({"support@example.com"}), "pbx.example.com")
CARLA = Address("carla@customer.example", "Carla Kunz")
ASKED = replace(written(), sender=CARLA, date=NOW)


def posting(kind: Kind) -> Posting:
    return Posting(message_id(KEYS, kind, TALK, UUID(int=9), "example.com"), NOW)


def item(days: int = 14) -> Item:
    expires = NOW + timedelta(days=days)
    address = reply_address(KEYS, "support@example.com", Use.AGENT, TALK, "anna", expires)
    return Item(4711, address, AGENT)


def received(composed: Composed) -> Message:
    found = read(composed.content, Limits())
    assert isinstance(found, Message), found
    return found


def test_an_answer_arrives_as_it_was_sent() -> None:
    content = bytes(range(256))
    files = (File("größe.bin", "application/octet-stream", content),)
    composed = answer(
        IDENTITY, posting(Kind.ANSWER), "Grüße,\nalles gut.", ASKED, to=(CARLA,), files=files
    )
    found = received(composed)
    assert found.sender == SUPPORT
    assert found.to == (CARLA,)
    assert found.subject == "Re: My invoice"
    assert found.message_id == composed.message_id
    assert found.in_reply_to == found.references == ("first@customer.example",)
    assert found.date == NOW
    assert found.text.startswith("Grüße,\nalles gut.")
    assert "Please help." in found.quoted
    assert [each.name for each in found.attachments] == ["größe.bin"]
    assert part_bytes(composed.content, found.attachments[0].part, Limits()) == content
    assert found.notes == ()
    assert nature(found).nature == "person"


def test_the_customers_reply_joins_by_our_message_id() -> None:
    composed = answer(IDENTITY, posting(Kind.ANSWER), "Hello.", ASKED, to=(CARLA,))
    reply = written(in_reply_to=(received(composed).message_id.upper(),))
    asked = wanted(reply, KEYS, NOW)
    known = Known({TALK: Conversation(TALK, frozenset({"carla@customer.example"}))})
    here = Here(frozenset({"support@example.com"}), frozenset(), NOW)
    assert decide(reply, asked, known, here) == Joins(TALK, "token in a Message-ID")


def automatic() -> list[Composed]:
    reply = written("anna@agents.example.com")
    template = Template("Got it.")
    return [
        acknowledgement(IDENTITY, posting(Kind.ACKNOWLEDGEMENT), template, ASKED, 4711),
        relay(IDENTITY, posting(Kind.RELAY), item(), ASKED),
        receipt(IDENTITY, posting(Kind.RECEIPT), item(), reply, ("Done.",), refused=False),
    ]


@pytest.mark.parametrize("number", range(3))
def test_what_comes_back_to_us_is_held_and_nobody_acknowledges_it(number: int) -> None:
    found = received(automatic()[number])
    assert judge(found, OURS, Traffic()).held == "it was sent by ourselves (X-CCM-Loop)"
    elsewhere = judge(found, Ours(frozenset({"a@b.example"}), "pbx.b.example"), Traffic())
    assert not elsewhere.acknowledge
    assert not elsewhere.held


REPLIES: list[tuple[str, Found]] = [
    ("Hello Ms Kunz.\n\n{quoted}", Reply("Hello Ms Kunz.")),
    ("#close\n\nHello.\n\n{quoted}", Reply("Hello.", Close())),
    ("#wait 2d\nHello.\n{quoted}", Reply("Hello.", Wait(timedelta(days=2)))),
]


@pytest.mark.parametrize(("body", "expected"), REPLIES)
@pytest.mark.parametrize("style", ["quoted", "original message"])
def test_the_agents_reply_is_read_and_the_customers_commands_are_not(
    body: str, expected: Found, style: str
) -> None:
    asked = replace(ASKED, text="#close\n#transfer sales\nPlease help.")
    relayed = received(relay(IDENTITY, posting(Kind.RELAY), item(), asked))
    if style == "quoted":
        lines = "\n".join(f"> {line}" for line in relayed.text.splitlines())
        quoted = f"On 2026-11-28 at 13:00, Carla Kunz (support) wrote:\n{lines}"
    else:
        quoted = (
            "-----Original Message-----\nFrom: Carla Kunz (support) <support@example.com>\n"
            f"Sent: Saturday, November 28, 2026 13:00\nTo: Anna Agent\n"
            f"Subject: {relayed.subject}\n\n{relayed.text}"
        )
    raw = (
        f"From: Anna Agent <anna@agents.example.com>\nTo: {relayed.reply_to[0].address}\n"
        f"Subject: Re: {relayed.subject}\nMessage-ID: <r@agents.example.com>\n"
        f"Date: Sat, 28 Nov 2026 13:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n\n"
        + body.replace("{quoted}", quoted)
    )
    reply = read(raw.encode(), Limits())
    assert isinstance(reply, Message)
    found = read_address(reply.to[0].address, KEYS, NOW, Use.AGENT, ["berta", "anna"])
    assert isinstance(found, ReplyTo)
    assert (found.item, found.agent) == (TALK, "anna")
    assert parse(reply.text, ["support", "sales"]) == expected


PRINTED = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=100
).map(lambda value: " ".join(value.split()))


def unquoted(name: str) -> str:
    """Single quotes around a name are taken for a slip of its client, and left out in reading."""
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] == "'" else name


@given(PRINTED, PRINTED)
def test_subjects_and_names_are_read_as_they_were_written(subject: str, name: str) -> None:
    asked = replace(ASKED, subject=subject)
    to = (Address("a@b.example", name),)
    found = received(answer(IDENTITY, posting(Kind.ANSWER), "x", asked, to=to))
    assert [each.address for each in found.to] == ["a@b.example"]
    assert found.to[0].name == unquoted(name)
    assert found.subject.startswith("Re:")
    assert found.subject.endswith(subject.rpartition(":")[2].strip())
