"""Requests for no more calls on a real Postgres: from all channels, each once, with a deadline."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from claims import NOW, a_campaign, claim, count, lead, leads, phone, with_places

from ccmiddleware.dialer import dnc
from ccmiddleware.dialer.attempts import Ended
from ccmiddleware.dialer.dnc_entries import Entry
from ccmiddleware.dialer.ending import end, wake
from ccmiddleware.ids import dial_id
from ccmiddleware.store.database import Database, Row

PAST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday."""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as pool:
        await with_places(pool)
        await pool.rows("INSERT INTO ccm.node (name) VALUES ('pbx1') RETURNING id")
        await pool.rows(
            "INSERT INTO ccm.agent (node_id, interface, name) SELECT id, 'PJSIP/1', 'Ann'"
            " FROM ccm.node RETURNING id"
        )
        yield pool


async def requests(database: Database) -> list[Row]:
    return await database.rows("SELECT * FROM report.opt_out ORDER BY id")


async def listed(database: Database) -> list[str]:
    rows = await database.rows(
        "SELECT number FROM ccm.dnc_entry WHERE removed_at IS NULL AND source = 'opt_out' "
        "ORDER BY number"
    )
    return [row["number"] for row in rows]


async def contact(database: Database, *addresses: tuple[str, str]) -> None:
    await database.rows(
        "WITH c AS (INSERT INTO ccm.contact (name, made_by) VALUES ('Eve', 'ann') RETURNING id) "
        "INSERT INTO ccm.contact_address (kind, address, contact_id, linked_how, linked_by) "
        "SELECT f.kind, f.address, c.id, 'cli', 'ann' FROM c, "
        "unnest($1::text[], $2::text[]) AS f (kind, address) RETURNING 1",
        [kind for kind, _ in addresses], [address for _, address in addresses],
    )  # fmt: skip


async def interaction(
    database: Database, uniqueid: str, number: str, *, channel: str = "voice",
    direction: str = "inbound", did: str = "",
) -> UUID:  # fmt: skip
    row, *_ = await database.rows(
        "INSERT INTO ccm.interaction (id, node_id, channel, direction, state, linkedid, uniqueid,"
        " caller_num, caller_name, did, started_at, inferred, version)"
        " SELECT $1, id, $2, $3, 'talking', $4, $4, $5, '', $6, $7, false, 1 FROM ccm.node"
        " RETURNING id",
        uuid4(), channel, direction, uniqueid, number, did, PAST,
    )  # fmt: skip
    found: UUID = row["id"]
    return found


async def dispose(database: Database, about: UUID | None, code: str) -> UUID:
    row, *_ = await database.rows(
        "INSERT INTO ccm.disposition (interaction_id, agent_id, code, given_by, source, given_at)"
        " SELECT $1, id, $2, 'bob', 'cli', $3 FROM ccm.agent RETURNING id",
        about, code, PAST,
    )  # fmt: skip
    found: UUID = row["id"]
    return found


async def a_code(database: Database) -> None:
    await database.execute("add_disposition_code", "never", "", "9", True)
    await database.execute("add_disposition_code", "sold", "", None, False)


async def test_a_key_in_a_campaigns_call_is_for_all_numbers_of_the_lead(
    database: Database,
) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, (phone(1), phone(2)))
    await leads(database, campaign, (phone(1), phone(3)))
    await contact(database, ("phone", phone(1)), ("phone", phone(4)), ("email", "eve@x.org"))
    (claimed, *_) = (await claim(database, campaign, 1)).claimed
    at = NOW + timedelta(seconds=30)
    ended = Ended(
        claimed.attempt, claimed.lead, claimed.number, at, "dropped", live=True, dropped=True,
        opted_out=True, answered_at=NOW,
    )  # fmt: skip
    for _ in range(2):  # told again after a crash
        await end(database, campaign, ended)
    (request,) = await requests(database)
    assert (request["channel"], request["asked"], request["lead_id"]) == ("keypad", phone(1), id_)
    assert request["numbers"] == [phone(1), phone(2), phone(4)]
    assert (request["received_at"], request["campaign"]) == (at, "spring")
    assert (request["deadline_on"], request["in_time"]) == (date(2026, 12, 14), True)
    assert await listed(database) == [phone(1), phone(2), phone(4)]
    assert (await lead(database, id_))["state"] == "done"


async def test_a_disposition_of_a_campaigns_call(database: Database) -> None:
    """By the campaign's own meaning of a code, or by the code's."""
    await a_code(database)
    campaign = await a_campaign(database, "spring", "disposition.goaway=dnc", "disposition.x=done")
    for number, (code, found) in enumerate((("goaway", 1), ("never", 2), ("x", 2), ("sold", 2))):
        await leads(database, campaign, (phone(number), phone(100 + number)))
        (claimed,) = (await claim(database, campaign)).claimed
        call = dial_id(claimed.attempt, 1764277200)
        await dispose(database, await interaction(database, call, "+12025550100"), code)
        assert len(await requests(database)) == found
    first, second = await requests(database)
    assert (first["channel"], first["numbers"]) == ("agent", [phone(0), phone(100)])
    assert (first["received_at"], first["deadline_on"]) == (PAST, date(2026, 3, 16))
    assert (first["noted_by"], first["in_time"]) == ("bob", False)  # it is November
    assert second["numbers"] == [phone(1), phone(101)]
    assert len(await listed(database)) == 4


@pytest.mark.parametrize(
    ("given", "asked", "numbers"),
    [
        ({"number": "+13052220001"}, "+13052220001", ["+13052220001", "+13052220002"]),
        ({"number": "3052220001"}, "3052220001", ["+13052220001", "+13052220002"]),
        ({"number": "100"}, "100", []),
        ({"number": ""}, "", []),
        (
            {"number": "100", "direction": "outbound", "did": "13052220001"},
            "13052220001", ["+13052220001", "+13052220002"],
        ),
        (
            {"number": "eve@x.org", "channel": "email"},
            "eve@x.org", ["+13059990001", "+13059990002"],
        ),
    ],
)  # fmt: skip
async def test_a_disposition_of_any_other_contact(
    database: Database, given: dict[str, Any], asked: str, numbers: list[str]
) -> None:
    await a_code(database)
    await database.rows("UPDATE ccm.contact_setting SET country_code = '1' RETURNING 1")
    await contact(
        database, ("phone", "+13059990001"), ("phone", "+13059990002"), ("email", "eve@x.org")
    )
    await leads(database, await a_campaign(database), (phone(1), phone(2)))
    await dispose(database, await interaction(database, "1764277200.1", **given), "never")
    (request,) = await requests(database)
    assert (request["asked"], request["numbers"]) == (asked, numbers)
    assert (request["honoured_at"] is not None) == bool(numbers)
    assert await listed(database) == numbers


async def test_a_keyed_in_code_counts_when_its_call_is_known_and_once(database: Database) -> None:
    await a_code(database)
    id_ = await dispose(database, None, "never")
    assert await requests(database) == []
    about = await interaction(database, "1764277200.1", "+13052220001")
    for _ in range(2):
        await database.rows(
            "UPDATE ccm.disposition SET interaction_id = $2 WHERE id = $1 RETURNING 1", id_, about
        )
    (request,) = await requests(database)
    assert request["interaction_id"] == about


async def test_a_caller_who_asks_by_key(database: Database) -> None:
    about = await interaction(database, "1764277200.7", "3052220001")
    await database.rows("UPDATE ccm.contact_setting SET country_code = '1' RETURNING 1")
    for key in (1, 2):  # read twice from queue_log
        await database.rows(
            "INSERT INTO ccm.queue_log_row (node_id, at, key, sequence, call, queue, agent, event,"
            " data) SELECT id, $1, $2, 1, '1764277200.7', 'NONE', 'NONE', 'CCMOPTOUT',"
            " '{3052220001}' FROM ccm.node RETURNING 1",
            PAST, UUID(int=key),
        )  # fmt: skip
    (request,) = await requests(database)
    assert (request["channel"], request["interaction_id"]) == ("call", about)
    assert (request["received_at"], request["numbers"]) == (PAST, ["+13052220001"])
    assert await listed(database) == ["+13052220001"]


async def test_facts_do_not_wait_for_a_long_import(database: Database, database_url: str) -> None:
    """A request that comes meanwhile is honoured when the import ends, or while leads are woken."""
    await a_code(database)
    campaign = await a_campaign(database)
    importing = await asyncpg.connect(database_url)
    try:
        transaction = importing.transaction()
        await transaction.start()
        await importing.execute("UPDATE ccm.dnc_list SET version = version + 1")
        about = await interaction(database, "1764277200.1", "+13052220001")
        await dispose(database, about, "never")
        assert (await requests(database))[0]["honoured_at"] is None
        await transaction.commit()
    finally:
        await importing.close()
    await wake(database, campaign.id, NOW)
    assert (await requests(database))[0]["dnc_version"] == 2
    assert await listed(database) == ["+13052220001"]
    await database.rows("UPDATE ccm.opt_out SET honoured_at = NULL, dnc_version = NULL RETURNING 1")
    async with dnc.changing(database, by="ann") as change:
        await change.add([Entry(phone(9))], "internal", None)
    assert (await requests(database))[0]["dnc_version"] == 4


async def test_nobody_is_called_who_has_just_asked_for_no_calls(database: Database) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, phone(1), phone(2))
    await database.execute(
        "note_opt_out", "x", "call", phone(1), [phone(1)], None, None, NOW, "ccm", ""
    )
    assert [one.number for one in (await claim(database, campaign)).claimed] == [phone(2)]


async def test_an_entry_that_would_expire_becomes_one_for_ever(database: Database) -> None:
    async with dnc.changing(database, by="ann") as change:
        await change.add([Entry("+13052220001", expires_at=NOW)], "opt_out", None)
    await a_code(database)
    await dispose(database, await interaction(database, "1.1", "+13052220001"), "never")
    rows = await database.rows("SELECT expires_at, removed_at FROM ccm.dnc_entry ORDER BY id")
    assert [(row["expires_at"], row["removed_at"] is None) for row in rows] == [
        (NOW, False), (None, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "deadline"),
    [(10, date(2026, 3, 16)), (0, date(2026, 3, 2)), (5, date(2026, 3, 9)), (1, date(2026, 3, 3))],
)
async def test_the_deadline_is_that_of_the_strictest_profile(
    database: Database, days: int, deadline: date
) -> None:
    await a_code(database)
    spring, summer = await a_campaign(database), await a_campaign(database, "summer")
    await a_campaign(database, "other")
    for campaign, allowed in ((spring, days), (summer, 12)):
        await leads(database, campaign, phone(1))
        await database.execute("set_honour_days", campaign.id, allowed)
    await database.rows("UPDATE ccm.campaign SET honour_days = 0 WHERE name = 'other' RETURNING 1")
    await dispose(database, await interaction(database, "1.1", phone(1)), "never")
    (request,) = await requests(database)
    assert (request["honour_days"], request["deadline_on"]) == (days, deadline)


@pytest.mark.parametrize(
    ("day", "days", "last"),
    [
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 1, date(2026, 11, 30)),
        (date(2026, 11, 29), 10, date(2026, 12, 11)),
        (date(2026, 11, 30), 0, date(2026, 11, 30)),
        (date(2026, 12, 24), 30, date(2027, 2, 4)),
    ],
)
async def test_business_days(database: Database, day: date, days: int, last: date) -> None:
    (row,) = await database.rows("SELECT ccm.business_days_after($1, $2)", day, days)
    assert row[0] == last


@pytest.mark.parametrize(
    ("country", "national", "asked", "number"),
    [
        ("", "0", "+49301234567", "+49301234567"),
        ("", "0", "0049301234567", "+49301234567"),
        ("", "0", "0301234567", None),
        ("49", "0", "0301234567", "+49301234567"),
        ("49", "0", "30 12", None),
        ("1", "0", "3052220001", "+13052220001"),
        ("1", "0", "1-305-222-0001", "+13052220001"),
        ("1", "0", "1052220001", None),
        ("39", "", "0612345678", None),
        ("1", "0", "anonymous", None),
    ],
)
async def test_numbers_as_asterisk_has_them(
    database: Database, country: str, national: str, asked: str, number: str | None
) -> None:
    await database.rows(
        "UPDATE ccm.contact_setting SET country_code = $1, national_prefix = $2 RETURNING 1",
        country, national,
    )  # fmt: skip
    (row,) = await database.rows("SELECT ccm.e164_of($1)", asked)
    assert row[0] == number
    assert await count(database, "opt_out") == 0
