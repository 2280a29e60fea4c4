"""Asterisk has the numbers of contacts with open emails: a real Postgres, a scripted Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pbx.ami_peer import Peer, linked, until
from queues.test_queue_keeper import NODE, TERM, AstDb, _no_doubt, astdb, database, peer

from ccmiddleware.contacts import phones as phones_module
from ccmiddleware.contacts.phones import ContactPhones, texts
from ccmiddleware.store.database import Database

__all__ = ["astdb", "database", "peer"]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones_module, "PACE_SECONDS", 0.05)
    monkeypatch.setattr(phones_module, "REST", 1)


@asynccontextmanager
async def keeping(peer: Peer, database: Database, term: int = TERM) -> AsyncIterator[None]:
    async with linked(peer) as run:
        await run.up()
        async with asyncio.TaskGroup() as group:
            keeper = ContactPhones(NODE, term, database, run.link, _no_doubt)
            task = group.create_task(keeper.run(), name="contacts")
            yield
            task.cancel()


async def made(database: Database, number: int, *addresses: str) -> None:
    """A contact with those addresses and numbers, as `ccm contact add` makes one."""
    for sql in (
        "INSERT INTO ccm.contact (id, name, made_by) VALUES (ccm.uuid7_bound(to_timestamp($1)),"
        " 'c', 'me')",
        "INSERT INTO ccm.contact_change (contact_id, changed_by, how, what)"
        " VALUES (ccm.uuid7_bound(to_timestamp($1)), 'me', 'cli', 'name')",
    ):
        await database.rows(sql, number)
    for one in addresses:
        await database.rows(
            "INSERT INTO ccm.contact_address VALUES ($1, $2, ccm.uuid7_bound(to_timestamp($3)),"
            " 'cli', 'me')",
            "email" if "@" in one else "phone",
            one,
            number,
        )


async def opened(database: Database, *participants: str) -> Any:
    row = await database.rows(
        "INSERT INTO ccm.conversation (node_id, queue_id, subject, opened_at, changed_at)"
        " SELECT node_id, id, '', now(), clock_timestamp() FROM ccm.queue LIMIT 1 RETURNING id"
    )
    for one in participants:
        sql = "INSERT INTO ccm.conversation_participant VALUES ($1, $2, now())"
        await database.rows(sql, row[0]["id"], one)
    return row[0]["id"]


async def closed(database: Database, id_: Any) -> None:
    await database.rows(
        "UPDATE ccm.conversation SET state = 'closed', closed_at = now() WHERE id = $1", id_
    )


def kept(astdb: AstDb) -> dict[str, str]:
    return {
        key.removeprefix("ccm-contact/"): text
        for key, text in astdb.content.items()
        if key.startswith("ccm-contact/") and not key.endswith("/generation")
    }


def test_what_phones_show() -> None:
    assert texts([("1", 1), ("2", 2), ("+3", 11)]) == {
        "1": "1 open email",
        "2": "2 open emails",
        "+3": "11 open emails",
    }


async def test_who_uses_no_contacts_is_left_alone(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    await opened(database, "ann@x.example")
    async with keeping(peer, database):
        await asyncio.sleep(0.3)
    assert peer.asked("DBGetTree") == []
    assert astdb.writes == []


async def test_numbers_come_and_go_with_the_conversations(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    await made(database, 1, "ann@x.example", "a@home.example", "+4930", "1001")
    await made(database, 2, "bob@x.example", "7")
    first = await opened(database, "ann@x.example", "a@home.example", "eve@x.example")
    async with keeping(peer, database):
        await until(lambda: kept(astdb) == {"+4930": "1 open email", "1001": "1 open email"})
        await database.rows("UPDATE ccm.contact_setting SET country_code = '49'")
        await until(lambda: {"004930", "030"} < set(kept(astdb)))
        before = len(astdb.writes)
        await opened(database, "bob@x.example")
        await until(lambda: kept(astdb).get("7") == "1 open email")
        # Only what differs is written.
        assert {one["Key"] for one in astdb.writes[before:]} <= {"7", "generation"}
        await opened(database, "a@home.example")
        await closed(database, first)
        await opened(database, "ann@x.example")
        await until(lambda: kept(astdb)["+4930"] == "2 open emails")
        await database.rows("UPDATE ccm.contact_setting SET show_on_phone = false")
        await until(lambda: kept(astdb) == {})


async def test_what_changed_while_nobody_kept_it_is_set_right(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    await made(database, 1, "ann@x.example", "+4930")
    matter = await opened(database, "ann@x.example")
    async with keeping(peer, database):
        await until(lambda: kept(astdb) == {"+4930": "1 open email"})
    await closed(database, matter)
    assert kept(astdb) == {"+4930": "1 open email"}
    async with keeping(peer, database):
        await until(lambda: kept(astdb) == {})


async def test_of_too_many_those_that_changed_last_are_kept(
    peer: Peer, astdb: AstDb, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phones_module, "MOST_KEYS", 2)
    for number in (1, 2, 3):
        await made(database, number, f"{number}@x.example", str(number))
        await opened(database, f"{number}@x.example")
    async with keeping(peer, database):
        await until(lambda: set(kept(astdb)) == {"2", "3"})


async def test_who_leads_no_more_writes_nothing(
    peer: Peer, astdb: AstDb, database: Database
) -> None:
    await made(database, 1, "ann@x.example", "+4930")
    await opened(database, "ann@x.example")
    async with keeping(peer, database, TERM - 1):
        await asyncio.sleep(0.3)
    assert astdb.writes == []


async def test_a_refusal_ends_nothing(peer: Peer, astdb: AstDb, database: Database) -> None:
    await made(database, 1, "ann@x.example", "+4930")
    await opened(database, "ann@x.example")
    astdb.refuse = "Permission denied"
    async with keeping(peer, database):
        await until(lambda: len(peer.asked("DBGetTree")) > 1)
        astdb.refuse = ""
        await until(lambda: kept(astdb) == {"+4930": "1 open email"})
