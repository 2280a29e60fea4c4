"""What agents say after calls of campaigns, and what becomes of the leads."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from claims import DAY, NOW, a_campaign, claim, lead, leads, phone, with_places

from ccmiddleware.dialer.attempts import Claimed, Ended
from ccmiddleware.dialer.budget import DayCount, periods
from ccmiddleware.dialer.dispositions import apply
from ccmiddleware.dialer.ending import end
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.ids import dial_id
from ccmiddleware.store.database import Database

CODES = (
    "disposition.sold=success", "disposition.later=again after 4h", "disposition.other=next number",
    "disposition.night=again after 12h", "disposition.stop=dnc", "disposition.promise=callback",
    "disposition.tape=machine", "retry=machine 1d x2",
)  # fmt: skip


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as pool:
        await with_places(pool)
        await pool.rows("INSERT INTO ccm.node (name) VALUES ('pbx1') RETURNING id")
        await pool.rows(
            "INSERT INTO ccm.agent (node_id, interface, name) "
            "SELECT id, 'PJSIP/1001', 'Bob' FROM ccm.node RETURNING id"
        )
        yield pool


async def talked(
    database: Database, campaign: Campaign, *, over: bool = True, result: str = "connected"
) -> Claimed:
    """A call of the next lead, with the interaction that came of it."""
    (claimed, *_) = (await claim(database, campaign, 1)).claimed
    call = dial_id(claimed.attempt, int(NOW.timestamp()))
    await database.rows(
        "INSERT INTO ccm.interaction (id, node_id, channel, direction, state, linkedid, uniqueid,"
        " caller_num, caller_name, did, started_at, inferred, version)"
        " SELECT $1, id, 'voice', 'outbound', 'talking', $2, $2, '', '', '', $3, false, 1"
        " FROM ccm.node RETURNING id",
        uuid4(), call, NOW,
    )  # fmt: skip
    if over:
        await ends(database, campaign, claimed, result)
    return claimed


async def ends(database: Database, campaign: Campaign, claimed: Claimed, result: str) -> None:
    at = NOW + timedelta(minutes=1)
    ended = Ended(claimed.attempt, claimed.lead, claimed.number, at, result, live=True,
                  answered_at=NOW)  # fmt: skip
    await end(database, campaign, ended)


async def says(database: Database, claimed: Claimed, code: str, minutes: float = 2) -> None:
    await database.rows(
        "INSERT INTO ccm.disposition (interaction_id, agent_id, code, given_by, source, given_at) "
        "SELECT i.id, a.id, $2, 'bob', 'cli', $3 FROM ccm.agent AS a, ccm.interaction AS i "
        "WHERE ccm.attempt_of(i.linkedid) = $1 RETURNING id",
        claimed.attempt, code, NOW + timedelta(minutes=minutes),
    )  # fmt: skip


LATER = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("code", "state", "after", "number"),
    [
        ("sold", "done", None, 1),
        ("later", "waiting", timedelta(hours=4, minutes=2), 1),
        # 10:02 and 12 hours in Miami: Florida calls from 8 to 20.
        ("night", "waiting", timedelta(hours=22), 1),
        ("other", "waiting", timedelta(minutes=5), 2),
        ("stop", "done", None, 1),
        ("tape", "waiting", timedelta(days=1), 1),
        ("promise", "done", None, 1),  # the time is agreed by `ccm callback add`
        ("whatever", "done", None, 1),  # nothing is set: as the result has it
    ],
)
async def test_what_a_code_means_for_the_lead(
    database: Database, code: str, state: str, after: timedelta | None, number: int
) -> None:
    campaign = await a_campaign(database, "spring", *CODES)
    await leads(database, campaign, (phone(1), phone(2)))
    claimed = await talked(database, campaign)
    await says(database, claimed, code)
    assert await apply(database, "pbx2", LATER) == 0
    assert await apply(database, "pbx1", LATER) == 1
    row = await lead(database, claimed.lead)
    assert (row["state"], row["next_number"]) == (state, number)
    if after is not None:
        assert row["next_at"] - NOW == after
    # Once: a lead that was called again since is left alone.
    assert await apply(database, "pbx1", LATER) == 0


async def test_a_code_waits_for_the_end_of_the_call(database: Database) -> None:
    campaign = await a_campaign(database, "spring", *CODES)
    await leads(database, campaign, phone(1))
    claimed = await talked(database, campaign, over=False)
    await says(database, claimed, "later", 0.5)
    assert await apply(database, "pbx1", LATER) == 0
    await ends(database, campaign, claimed, "connected")
    assert await apply(database, "pbx1", LATER) == 1
    assert (await lead(database, claimed.lead))["state"] == "waiting"


async def test_the_last_code_holds(database: Database) -> None:
    campaign = await a_campaign(database, "spring", *CODES)
    await leads(database, campaign, phone(1))
    claimed = await talked(database, campaign)
    await says(database, claimed, "later")
    await says(database, claimed, "sold", 3)
    assert await apply(database, "pbx1", LATER) == 2
    assert (await lead(database, claimed.lead))["state"] == "done"
    rows = await database.rows("SELECT effect FROM ccm.lead_disposition ORDER BY effect")
    assert [row["effect"] for row in rows] == ["again", "success"]


async def test_no_next_number_and_a_listed_number_are_the_end(database: Database) -> None:
    campaign = await a_campaign(database, "spring", *CODES[:-1], "retry=hung_up 1d x3")
    await leads(database, campaign, phone(1))
    claimed = await talked(database, campaign, result="hung_up")
    assert (await lead(database, claimed.lead))["state"] == "waiting"  # by the rule
    await says(database, claimed, "other")
    await apply(database, "pbx1", LATER)
    assert (await lead(database, claimed.lead))["state"] == "done"


async def test_a_lead_that_is_called_again_meanwhile_is_left_alone(database: Database) -> None:
    campaign = await a_campaign(database, "spring", *CODES)
    await leads(database, campaign, phone(1))
    claimed = await talked(database, campaign)
    await database.rows("UPDATE ccm.lead SET state = 'claimed' RETURNING id")
    await says(database, claimed, "later")
    assert await apply(database, "pbx1", LATER) == 1
    assert (await lead(database, claimed.lead))["state"] == "claimed"


async def test_what_was_said_long_ago_means_nothing(database: Database) -> None:
    campaign = await a_campaign(database, "spring", *CODES)
    await leads(database, campaign, phone(1))
    claimed = await talked(database, campaign)
    await says(database, claimed, "later")
    assert await apply(database, "pbx1", NOW + 8 * DAY) == 0


async def test_what_agents_hear_of_a_sample_counts_in_the_ledger(database: Database) -> None:
    campaign = await a_campaign(database, "spring", *CODES)
    await leads(database, campaign, *(phone(number) for number in range(9)))
    for number in range(9):
        claimed = await talked(database, campaign, over=False)
        heard = number < 4
        await end(database, campaign, Ended(
            claimed.attempt, claimed.lead, claimed.number, NOW + timedelta(minutes=1),
            "connected" if heard else "machine", live=heard, detected="machine",
            detection_ms=1000 + number, sampled=heard,
        ))  # fmt: skip
        if heard:
            # Three are machines; one is a person, who said so at the second try.
            await says(database, claimed, "tape")
            if number == 3:
                await says(database, claimed, "sold", 3)
    for at in (LATER, LATER + timedelta(minutes=1)):
        await apply(database, "pbx1", at)
    (day,) = await database.fetch("campaign_day_counts", campaign.id, "UTC", NOW - DAY)
    # What agents found to be machines are no answers; a quarter of the unheard five were persons.
    assert (day["attempts"], day["live"], day["drops"]) == (9, 1, 0)
    assert day["false_positives"] == 5 * 1 / 4
    (ledger,) = await database.rows("SELECT * FROM report.drop_ledger")
    assert (ledger["live"], ledger["drops"], ledger["machines_found"]) == (4, 0, 3)
    (counted,) = periods(
        builtin("uk-ofcom").terms, day["day"], day["day"], [DayCount(
            day["day"], day["live"], day["drops"], day["false_positives"])]
    )  # fmt: skip
    assert (ledger["period_live"], ledger["period_drops"]) == (counted.live, counted.drops)
    assert float(ledger["drop_rate"]) == pytest.approx(counted.share, abs=1e-4)
    assert ledger["over_limit"]
    (row,) = await database.rows("SELECT * FROM report.detection_day")
    assert (row["machine"], row["sampled"], row["heard"], row["false_positives"]) == (9, 4, 4, 1)
    assert row["estimated_false_positives"] == pytest.approx(1.25)
    assert (row["median_ms"], row["longest_ms"]) == (1004, 1008)
