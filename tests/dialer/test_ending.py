"""How attempts end on a real Postgres: once, with what becomes of the lead, opt-outs first."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from claims import DAY, NOW, a_campaign, claim, claiming, count, lead, leads, phone, with_places

from ccmiddleware.dialer.attempts import Claimed, Ended
from ccmiddleware.dialer.ending import dialed, end, left_open, reopen, wake
from ccmiddleware.store.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as pool:
        await with_places(pool)
        yield pool


def ended(claimed: Claimed, result: str, seconds: float = 25, **given: object) -> Ended:
    at = NOW + timedelta(seconds=seconds)
    return Ended(claimed.attempt, claimed.lead, claimed.number, at, result, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "cause", "retry", "following"),
    [
        ("busy", 17, "busy 10m x3", (timedelta(minutes=10), 1)),
        ("no_answer", 19, "no_answer 4h x5 next-number", (timedelta(hours=4), 2)),
        ("busy", 17, "no_answer 4h x5", None),
        ("failed", 1, "failed 1h x3", (timedelta(seconds=25), 2)),  # there is no such number
        ("connected", 16, "busy 10m x3", None),
        # 10:00 and 12 hours: Florida ends at 20:00, and begins again at 8:00.
        ("no_answer", None, "no_answer 12h x5", (timedelta(hours=22), 1)),
    ],
)
async def test_what_becomes_of_the_lead(
    database: Database, result: str, cause: int | None, retry: str,
    following: tuple[timedelta, int] | None,
) -> None:  # fmt: skip
    campaign = await a_campaign(database, "spring", f"retry={retry}")
    (id_,) = await leads(database, campaign, (phone(1), phone(2)))
    (claimed,) = (await claim(database, campaign)).claimed
    assert await end(database, campaign, ended(claimed, result, cause=cause))
    row = await lead(database, id_)
    assert row["last_result"] == result
    if following is None:
        assert row["state"] == "done"
    else:
        assert (row["state"], row["next_at"] - NOW, row["next_number"]) == ("waiting", *following)


async def test_attempts_count_until_there_were_enough(database: Database) -> None:
    campaign = await a_campaign(database, "spring", "retry=busy 10m x2", "number_cap=9 in 24h")
    (id_,) = await leads(database, campaign, phone(1), place="chicago")
    for number in range(2):
        now = NOW + number * timedelta(minutes=11)
        await wake(database, campaign.id, now)
        (claimed,) = (await claim(database, campaign, now=now)).claimed
        assert await end(database, campaign, ended(claimed, "busy", number * 660 + 3, cause=17))
    row = await lead(database, id_)
    assert (row["state"], row["attempts"], row["last_result"]) == ("done", 2, "busy")


async def test_who_wants_no_more_calls_is_listed_and_done(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, phone(1))
    (claimed,) = (await claim(database, campaign)).claimed
    answered = NOW + timedelta(seconds=9)
    over = ended(claimed, "dropped", live=True, dropped=True, opted_out=True, answered_at=answered)
    assert await end(database, campaign, over)
    (entry,) = await database.rows("SELECT * FROM ccm.dnc_entry")
    assert (entry["number"], entry["source"], entry["added_by"]) == (phone(1), "opt_out", "ccm")
    assert entry["campaign_id"] is None
    assert (await lead(database, id_))["state"] == "done"
    (attempt,) = await database.rows("SELECT * FROM ccm.attempt")
    assert (attempt["opted_out"], attempt["dropped"], attempt["answered_at"]) == (
        True, True, answered,
    )  # fmt: skip
    # Told again after a crash, nothing is there twice.
    assert not await end(database, campaign, over)
    assert await count(database, "dnc_entry") == 1


async def test_what_an_earlier_leader_left_open_is_found_and_ended_once(
    database: Database,
) -> None:
    campaign = await a_campaign(database)
    ids = await leads(database, campaign, phone(1), phone(2), place="chicago")
    first = await claiming(database, 1).claim(campaign, ["one"], NOW)
    second = await claiming(database, 2).claim(campaign, ["one"], NOW)
    (mine,) = first.claimed
    await dialed(database, [(mine.attempt, NOW + timedelta(seconds=1))])
    await dialed(database, [(mine.attempt, NOW + timedelta(seconds=9))])
    row, _ = await left_open(database, "pbx1")
    assert (row["id"], row["lead_id"]) == (mine.attempt, ids[0])
    assert row["dialed_at"] == NOW + timedelta(seconds=1)
    assert await left_open(database, "pbx2") == []
    lost = ended(mine, "unknown", 60, inferred=True, note="the daemon was killed")
    assert await end(database, campaign, lost)
    assert not await end(database, campaign, lost)
    assert [one["id"] for one in await left_open(database, "pbx1")] == [
        one.attempt for one in second.claimed
    ]
    # The call counts for caps, and the lead waits for as long as the rule of that result says.
    assert (await lead(database, ids[0]))["next_at"] == NOW + DAY


async def test_what_is_told_later_opens_only_what_was_concluded(database: Database) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, phone(1), phone(2), place="chicago")
    claims = await claiming(database).claim(campaign, ["one"] * 2, NOW)
    concluded, seen = claims.claimed
    await end(database, campaign, ended(concluded, "unknown", 60, inferred=True, note="gone"))
    await end(database, campaign, ended(seen, "busy", 60))
    await reopen(database, [concluded.attempt, seen.attempt])
    (row,) = await left_open(database, "pbx1")
    assert row["id"] == concluded.attempt
    assert (await lead(database, concluded.lead))["state"] == "claimed"
    later = ended(
        concluded, "dropped", 90, live=True, dropped=True, opted_out=True, answered_at=NOW
    )
    assert await end(database, campaign, later)
    rows = await database.rows("SELECT result, dropped FROM ccm.attempt ORDER BY id")
    assert [tuple(row) for row in rows] == [("dropped", True), ("busy", False)]
    assert await count(database, "dnc_entry") == 1
    # What really came of the call settles what becomes of the lead.
    after = await lead(database, concluded.lead)
    assert (after["state"], after["last_result"]) == ("done", "dropped")


async def test_a_lead_that_was_settled_or_called_again_stays_as_it_is(database: Database) -> None:
    campaign = await a_campaign(database)
    ids = await leads(database, campaign, phone(1), phone(2), place="chicago")
    claims = await claiming(database).claim(campaign, ["one"] * 2, NOW)
    for claimed in claims.claimed:
        await end(database, campaign, ended(claimed, "unknown", 60, inferred=True))
    await database.rows(
        "UPDATE ccm.lead SET state = 'ready', next_at = $2 WHERE id = $1 RETURNING id", ids[0], NOW
    )
    (again,) = (await claiming(database).claim(campaign, ["one"], NOW + DAY)).claimed
    assert again.lead == ids[0]
    await reopen(database, [claimed.attempt for claimed in claims.claimed])
    assert [(await lead(database, id_))["state"] for id_ in ids] == ["claimed", "claimed"]
    first = next(one for one in claims.claimed if one.lead == ids[0])
    assert await end(database, campaign, ended(first, "no_answer", 90))
    # Its second call goes on.
    assert (await lead(database, ids[0]))["state"] == "claimed"
    assert await end(database, campaign, ended(again, "busy", 90))
    assert (await lead(database, ids[0]))["state"] != "claimed"


async def test_only_what_waited_long_enough_is_woken(database: Database) -> None:
    campaign = await a_campaign(database)
    ids = await leads(database, campaign, phone(1), phone(2), place="chicago")
    await database.rows(
        "UPDATE ccm.lead SET state = 'waiting', "
        "next_at = $1::timestamptz + (id - $2) * interval '1 hour' RETURNING id",
        NOW, ids[0],
    )  # fmt: skip
    assert await wake(database, campaign.id, NOW) == 1
    assert await wake(database, campaign.id, NOW) == 0
    assert await wake(database, uuid4(), NOW + DAY) == 0
    states = [(await lead(database, id_))["state"] for id_ in ids]
    assert states == ["ready", "waiting"]
