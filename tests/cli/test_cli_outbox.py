"""`ccm outbox` on a real database: what was to be sent, and what people decide about it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from ccm_day import Ccm

from ccmiddleware.cli.commanding import user
from ccmiddleware.mail.delivery import Attempt, NoAnswer, Reply, Took, TookNot
from ccmiddleware.mail.filing import Filing
from ccmiddleware.mail.outbox import Outbox, put
from ccmiddleware.mail.threading import Opens
from ccmiddleware.store.database import Database

AT = datetime.now(UTC) - timedelta(hours=2)  # noqa: TID251 - listed among the last hours
ANN, BOB = "ann@x.example", "bob@y.example"
ANSWERS: dict[int, Attempt] = {
    1: Took({}),
    2: NoAnswer("connection lost \x1b[2J"),
    3: TookNot(Reply(550, "no such user"), {}),
    4: Took({BOB: Reply(450, "later")}),
}
"""What the server says to each message; a fifth one is not tried."""


class Server:
    def __init__(self) -> None:
        self.has: list[tuple[bytes, tuple[str, ...]]] = []
        self.answers = dict(ANSWERS)

    async def send(
        self, envelope_from: str, recipients: Any, content: bytes, about_to_speak: Any
    ) -> Attempt:
        await about_to_speak()
        self.has.append((content, tuple(recipients)))
        return self.answers.pop(int(content), Took({}))


async def certain() -> None: ...


def id_of(number: int) -> str:
    """Each begins in another way."""
    return str(UUID(int=number << 124 | number))


async def prepare(url: str) -> None:
    async def decide(*_: object) -> Opens:
        return Opens("")

    async with Database(url) as database:
        await database.execute("apply_nodes", [{"node": "pbx1"}])
        await database.execute("prepare_leadership", ["pbx1"])
        term = (await database.rows("SELECT term FROM ccm.leadership"))[0]["term"]
        await Filing(database, "pbx1", term, "help", decide, lambda: AT).open("support")
        (box,) = await database.rows("SELECT id FROM ccm.mailbox")
        outbox = Outbox("pbx1", term, database, Server(), certain=certain, clock=lambda: AT)
        for number in range(1, 6):
            async with database.transaction() as transaction:
                await put(
                    transaction, id=UUID(id_of(number)), mailbox=box["id"], conversation=None,
                    kind="answer" if number < 5 else "acknowledgement",
                    message_id=f"m_{number}@shop.example", envelope_from="help@shop.example",
                    recipients=[ANN, BOB], content=b"%d" % number, now=AT,
                )  # fmt: skip
            if number < 5:
                await outbox.send_next()


async def send(url: str) -> list[tuple[bytes, tuple[str, ...]]]:
    """What would be sent an hour ago, after the decisions of people, which are now."""
    server = Server()
    server.answers = {}
    async with Database(url) as database:
        term = (await database.rows("SELECT term FROM ccm.leadership"))[0]["term"]
        later = datetime.now(UTC) + timedelta(minutes=1)  # noqa: TID251
        outbox = Outbox("pbx1", term, database, server, certain=certain, clock=lambda: later)
        while await outbox.send_next():
            pass
    return sorted(server.has)


@pytest.fixture
def with_mail(on_database: Ccm, database_url: str) -> Ccm:
    asyncio.run(prepare(database_url))
    return on_database


def listed(ccm: Ccm, *arguments: str) -> dict[int, dict[str, Any]]:
    rows = json.loads(ccm.run("outbox", "list", *arguments, "--json").stdout)
    return {UUID(row["id"]).int & 0xF: row for row in rows}


def shown(ccm: Ccm, number: int) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(ccm.run("outbox", "show", id_of(number), "--json").stdout)
    return row


def test_nothing_yet(on_database: Ccm) -> None:
    assert "nothing of that kind is in the outbox" in on_database.run("outbox", "list").stderr
    for verb in ("show", "retry", "drop"):
        said = on_database.run("outbox", verb, "x", code=1).stderr
        assert "there is no message 'x' in the outbox" in said


def test_what_is_not_sent_is_listed(with_mail: Ccm) -> None:
    states = {number: row["state"] for number, row in listed(with_mail).items()}
    assert states == {2: "unknown", 3: "failed", 4: "queued", 5: "queued"}
    assert set(listed(with_mail, "--all")) == {1, 2, 3, 4, 5}
    assert set(listed(with_mail, "--state", "sent")) == {1}
    assert set(listed(with_mail, "--kind", "acknowledgement", "--mailbox", "help")) == {5}
    assert listed(with_mail, "--node", "pbx2") == {}
    assert listed(with_mail, "--until", "1d") == {}
    drawn = with_mail.run("outbox", "list").stdout
    assert f"{ANN}, {BOB}: 550 no such user" in drawn
    assert "\x1b" not in drawn


def test_a_message_is_shown_with_its_recipients(with_mail: Ccm) -> None:
    row = shown(with_mail, 4)
    states = {one["address"]: (one["state"], one["code"]) for one in row["recipients"]}
    assert states == {ANN: ("sent", None), BOB: ("pending", 450)}
    by_name = with_mail.run("outbox", "show", "<m_4@shop.example>", "--json")
    assert json.loads(by_name.stdout)["id"] == row["id"]
    assert BOB in with_mail.run("outbox", "show", id_of(4)).stdout
    assert with_mail.run("outbox", "show", id_of(4), "--raw").stdout_bytes == b"4"


@pytest.mark.parametrize("nothing", ["", "%", "_", "<>"])
def test_an_id_that_says_nothing_is_none(with_mail: Ccm, nothing: str) -> None:
    with_mail.run("outbox", "drop", nothing, code=1)


def test_what_is_unknown_or_failed_is_sent_again_by_a_word(
    with_mail: Ccm, database_url: str
) -> None:
    said = with_mail.run("outbox", "retry", id_of(2), id_of(3), "--dry-run")
    assert "nothing was changed" in said.stderr
    assert ANN in said.stdout
    assert {listed(with_mail)[number]["state"] for number in (2, 3)} == {"unknown", "failed"}

    with_mail.run("outbox", "retry", id_of(2), id_of(3))
    rows = listed(with_mail)
    assert {rows[number]["state"] for number in (2, 3)} == {"queued"}
    assert {rows[number]["attempts"] for number in (2, 3)} == {0}
    assert (rows[2]["decision"], rows[2]["decided_by"]) == ("retry", user())
    assert "retry, as" in with_mail.run("outbox", "show", id_of(2)).stderr
    assert asyncio.run(send(database_url)) == [
        (b"2", (ANN, BOB)),
        (b"3", (ANN, BOB)),
        (b"4", (BOB,)),
        (b"5", (ANN, BOB)),
    ]
    assert listed(with_mail) == {}
    assert listed(with_mail, "--all")[2]["decision"] == "retry"


def test_time_to_give_up_counts_from_the_decision(with_mail: Ccm, database_url: str) -> None:
    async def deferred() -> None:
        server = Server()
        server.answers = {3: TookNot(Reply(450, "later"), {})}
        async with Database(database_url) as database:
            await database.rows("UPDATE ccm.outbox SET put_at = put_at - interval '9 days'")
            await database.rows("UPDATE ccm.outbox SET state = 'unknown' WHERE state = 'queued'"
                                " AND decision IS NULL")  # fmt: skip
            later = datetime.now(UTC) + timedelta(minutes=1)  # noqa: TID251
            outbox = Outbox("pbx1", 0, database, server, certain=certain, clock=lambda: later)
            assert await outbox.send_next()

    with_mail.run("outbox", "retry", id_of(3))
    asyncio.run(deferred())
    assert listed(with_mail, "--since", "30d")[3]["state"] == "queued"


def test_what_waits_or_is_unknown_is_settled_by_hand(with_mail: Ccm, database_url: str) -> None:
    with_mail.run("outbox", "drop", id_of(2), id_of(5), "--dry-run")
    with_mail.run("outbox", "drop", id_of(2), id_of(5))
    rows = listed(with_mail)
    assert {rows[number]["state"] for number in (2, 5)} == {"failed"}
    assert rows[2]["reason"] == f"dropped by {user()}"
    assert {one["state"] for one in shown(with_mail, 5)["recipients"]} == {"given_up"}
    with_mail.run("outbox", "drop", id_of(4))  # Ann has it
    assert shown(with_mail, 4)["state"] == "sent"
    assert asyncio.run(send(database_url)) == []


def test_what_did_arrive_is_settled_as_sent(with_mail: Ccm) -> None:
    with_mail.run("outbox", "drop", id_of(2), "--sent")
    row = shown(with_mail, 2)
    assert (row["state"], row["decision"]) == ("sent", "sent")
    assert {one["state"] for one in row["recipients"]} == {"sent"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("retry", id_of(1)), "is sent; this is for what is unknown or failed"),
        (("retry", id_of(5)), "is queued; this is for what is unknown or failed"),
        (("drop", id_of(3)), "is failed; this is for what is queued or unknown"),
        (("drop", id_of(5), "--sent"), "is queued; this is for what is unknown"),
        (("retry", id_of(1), "--dry-run"), "is sent; this is for"),
    ],
)
def test_what_is_in_another_state_stays(
    with_mail: Ccm, arguments: tuple[str, ...], words: str
) -> None:
    before = listed(with_mail, "--all")
    assert words in with_mail.run("outbox", *arguments, code=1).stderr
    assert words in with_mail.run("outbox", arguments[0], id_of(2), *arguments[1:], code=1).stderr
    assert listed(with_mail, "--all") == before


def test_what_is_being_sent_is_left_alone(with_mail: Ccm, database_url: str) -> None:
    async def claim() -> None:
        async with Database(database_url) as database:
            await database.rows("UPDATE ccm.outbox SET state = 'speaking', term = 1"
                                " WHERE state = 'queued'")  # fmt: skip

    asyncio.run(claim())
    said = with_mail.run("outbox", "drop", id_of(5), code=1).stderr
    assert "is being sent at this moment" in said


def test_analysts_see_the_same(with_mail: Ccm) -> None:
    rows = json.loads(with_mail.run("report", "show", "outbox", "--format", "json").stdout)
    by_number = {UUID(row["id"]).int & 0xF: row for row in rows}
    assert {number: row["state"] for number, row in by_number.items()} == {
        1: "sent", 2: "unknown", 3: "failed", 4: "queued", 5: "queued",
    }  # fmt: skip
    assert (by_number[3]["recipients"], by_number[3]["refused"]) == (2, 2)
    assert (by_number[4]["sent"], by_number[4]["addresses"]) == (1, [ANN, BOB])
