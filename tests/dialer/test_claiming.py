"""Claims on a real Postgres: once, lawfully, with a permit for each."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from claims import (
    DAY,
    NOW,
    UK,
    US,
    a_campaign,
    as_set,
    claim,
    claiming,
    count,
    end,
    lead,
    leads,
    phone,
    with_places,
)

from ccmiddleware.dialer import campaigns
from ccmiddleware.dialer.attempts import Claimed, Ended
from ccmiddleware.dialer.chances import LEARNED_FROM, Chances
from ccmiddleware.dialer.claiming import AtHand, Claims
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import parse_changes
from ccmiddleware.store.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as pool:
        await with_places(pool)
        yield pool


# -- one claimer ----------------------------------------------------------------------------------


async def test_a_claim_is_an_attempt_with_its_permit(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, phone(1))
    claims = await claim(database, campaign)
    (claimed,) = claims.claimed
    assert (claimed.lead, claimed.number, claimed.caller_id) == (id_, phone(1), "+12025550100")
    (attempt,) = await database.rows("SELECT * FROM ccm.attempt")
    assert (attempt["id"], attempt["ordinal"], attempt["term"]) == (claimed.attempt, 1, 1)
    assert (attempt["claimed_at"], attempt["ended_at"]) == (NOW, None)
    (permit,) = await database.rows("SELECT * FROM ccm.permit")
    assert permit["attempt_id"] == claimed.attempt
    assert permit["profile"] == US.label
    assert permit["open_until"] == datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
    assert permit["evidence"] == "area code 305"
    assert permit["consent"] == "by web form"
    assert [(cap["calls"], cap["hours"]) for cap in permit["caps"]] == [(3, 24)]
    assert permit["calls_before"] == [0]
    assert (permit["seller_name"], permit["purpose"]) == ("Acme", "winter offer")
    assert not permit["agent_guaranteed"]
    assert (await lead(database, id_))["state"] == "claimed"
    again = await claim(database, campaign)
    assert again.claimed == []


async def test_a_permit_is_never_changed(database: Database) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, phone(1))
    await claim(database, campaign)
    for sql in ("UPDATE ccm.permit SET consent = 'none'", "DELETE FROM ccm.permit"):
        with pytest.raises(Exception, match=r"permission|never|append|refuse|not changed"):
            await database.rows(sql)


@pytest.mark.parametrize("action", ["pause", "stop"])
async def test_a_campaign_that_does_not_run_claims_nothing(database: Database, action: str) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, phone(1))
    async with campaigns.editing(database, "spring", by="ann") as edit:
        await edit.bring(action, "ann")
    now = await as_set(database, "spring")
    assert (await claim(database, now)).claimed == []
    assert (await claim(database, campaign)).claimed == []
    assert await count(database, "attempt") == 0


async def test_a_campaign_that_was_edited_meanwhile_claims_nothing(database: Database) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, phone(1))
    async with campaigns.editing(database, "spring", by="ann") as edit:
        await edit.set(parse_changes(["hours=mon-fri 18:00-19:00"]))
    assert (await claim(database, campaign)).claimed == []
    assert (await claim(database, await as_set(database, "spring"))).claimed == []


async def test_only_places_whose_window_is_open(database: Database) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, phone(1), place="honolulu")
    here = await leads(database, campaign, phone(2), phone(3), place="chicago")
    at_hand = await claiming(database).at_hand(campaign, NOW)
    assert (at_hand.places, at_hand.open_places) == (2, 1)
    assert [one.id for one in at_hand.leads] == here
    claims = await claim(database, campaign)
    assert sorted(one.lead for one in claims.claimed) == here
    assert await claiming(database).at_hand(campaign, NOW) == AtHand(1, 0)


async def test_priority_first_then_who_waits_longest(database: Database) -> None:
    campaign = await a_campaign(database)
    low = await leads(database, campaign, phone(1), phone(2))
    high = await leads(database, campaign, phone(3), place="chicago", priority=5)
    claims = await claim(database, campaign, 2)
    assert [one.lead for one in claims.claimed] == [*high, low[0]]


async def test_the_most_probable_of_those_at_hand(database: Database) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, *(phone(one) for one in range(3)))
    chicago = await leads(database, campaign, "+13122220001", "+13122220002", place="chicago")
    chances = Chances()
    rated = claiming(database, chances=chances)
    known = await rated.at_hand(campaign, NOW)
    assert known.chances is None
    for _ in range(LEARNED_FROM):
        for one in (known.leads[0], known.leads[-1]):
            claimed = Claimed(UUID(int=1), one.id, one.number, "", "one", signs=one.signs)
            answers = one.number.startswith("+1312")
            chances.learn(claimed, Ended(UUID(int=1), one.id, "", NOW, "connected", live=answers))
    later = NOW + timedelta(seconds=10)
    at_hand = await rated.at_hand(campaign, later)
    assert at_hand.chances == sorted(at_hand.chances or (), reverse=True)
    claims = await rated.claim(campaign, ["one"] * 2, later)
    assert {one.lead for one in claims.claimed} == set(chicago)
    rows = await database.rows("SELECT chance FROM ccm.attempt")
    assert all(row["chance"] > 0.9 for row in rows)


async def test_what_was_looked_up_is_looked_at_again(database: Database) -> None:
    """Between two lookups a lead is put onto the list, and another was called by somebody else."""
    campaign = await a_campaign(database)
    made = await leads(database, campaign, *(phone(one) for one in range(4)))
    mine = claiming(database)
    assert len((await mine.at_hand(campaign, NOW)).leads) == 4
    await forbid(database, phone(0))
    other = await claiming(database, 2).claim(campaign, ["one"], NOW)
    assert [one.lead for one in other.claimed] == [made[1]]
    claims = await mine.claim(campaign, ["one"] * 4, NOW)
    assert [one.lead for one in claims.claimed] == made[2:]


# -- who must not be called -----------------------------------------------------------------------


async def forbid(database: Database, number: str, *, prefix: bool = False, **given: Any) -> None:
    await database.rows(
        """
        WITH v AS (UPDATE ccm.dnc_list SET version = version + 1 RETURNING version)
        INSERT INTO ccm.dnc_entry
            (number, prefix, campaign_id, source, added_by, added_version, expires_at)
        SELECT $1, $2, $3, 'internal', 'ann', v.version, $4 FROM v RETURNING id
        """,
        number, prefix, given.get("campaign"), given.get("expires"),
    )  # fmt: skip


async def test_listed_numbers_are_not_called(database: Database) -> None:
    campaign = await a_campaign(database)
    other = await a_campaign(database, "summer")
    ids = await leads(database, campaign, *(phone(one) for one in range(1, 7)))
    await forbid(database, phone(1))
    await forbid(database, phone(2), campaign=campaign.id)
    await forbid(database, phone(3), campaign=other.id)
    await forbid(database, phone(4), expires=NOW - DAY)
    await forbid(database, phone(5), expires=NOW + DAY)
    await forbid(database, "+13052220006", prefix=True)
    await forbid(database, "+130522", prefix=False)
    claims = await claim(database, campaign)
    assert {one.number for one in claims.claimed} == {phone(3), phone(4)}
    assert claims.refused == Counter(dnc=4)
    for id_ in (ids[0], ids[1], ids[4], ids[5]):
        row = await lead(database, id_)
        assert (row["state"], row["last_result"]) == ("done", "dnc")
    versions = {row["dnc_version"] for row in await database.rows("SELECT * FROM ccm.permit")}
    assert versions == {7}


async def test_a_prefix_forbids_what_begins_with_it(database: Database) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, phone(1), "+13059990001")
    await forbid(database, "+1305222", prefix=True)
    assert [one.number for one in (await claim(database, campaign)).claimed] == ["+13059990001"]


async def test_a_lead_goes_on_with_a_number_that_is_not_listed(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, (phone(1), phone(2), phone(3)))
    await forbid(database, phone(1))
    await forbid(database, phone(2))
    claims = await claim(database, campaign)
    assert [one.number for one in claims.claimed] == [phone(3)]
    assert claims.refused == Counter(dnc=1)
    assert (await lead(database, id_))["next_number"] == 3


async def test_an_entry_that_is_being_added_is_waited_for(
    database: Database, database_url: str
) -> None:
    campaign = await a_campaign(database)
    await leads(database, campaign, phone(1))
    adding = await asyncpg.connect(database_url)
    try:
        transaction = adding.transaction()
        await transaction.start()
        await adding.execute("UPDATE ccm.dnc_list SET version = version + 1")
        await adding.execute(
            "INSERT INTO ccm.dnc_entry (number, source, added_by, added_version) "
            "VALUES ($1, 'opt_out', 'ccm', 1)",
            phone(1),
        )
        claims = asyncio.ensure_future(claim(database, campaign))  # noqa: TID251
        done, _ = await asyncio.wait([claims], timeout=0.5)
        assert not done
        await transaction.commit()
        assert (await claims).claimed == []
    finally:
        await adding.close()


# -- how often ------------------------------------------------------------------------------------


async def again(database: Database, campaign: Campaign, now: datetime) -> Claims:
    """Whatever waited may be called again, by its campaign."""
    await database.rows("UPDATE ccm.lead SET state = 'ready', next_at = $1 RETURNING id", now)
    return await claim(database, campaign, now=now)


async def test_a_cap_counts_over_campaigns_and_numbers(database: Database) -> None:
    """Florida: three calls in 24 hours, to any number of the party, whoever called."""
    spring, summer = await a_campaign(database), await a_campaign(database, "summer")
    (id_,) = await leads(database, spring, (phone(1), phone(2)))
    (other,) = await leads(database, summer, phone(2))
    hour = timedelta(hours=1)
    for number in range(3):
        campaign = (spring, summer, spring)[number]
        now = NOW + number * hour
        (claimed,) = (await again(database, campaign, now)).claimed
        assert await end(database, claimed, "no_answer", now)
    (before,) = await database.rows(
        "SELECT calls_before FROM ccm.permit ORDER BY granted_at DESC LIMIT 1"
    )
    assert before["calls_before"] == [2]
    for campaign, refused in ((spring, id_), (summer, other)):
        claims = await again(database, campaign, NOW + 4 * hour)
        assert claims.claimed == []
        assert claims.refused == Counter(called_lately=1)
        row = await lead(database, refused)
        assert (row["state"], row["next_at"]) == ("waiting", NOW + DAY)
    at = NOW + DAY
    assert (await again(database, spring, at - timedelta(seconds=1))).claimed == []
    (claimed,) = (await again(database, spring, at)).claimed
    assert claimed.lead == id_


async def test_a_dropped_party_is_left_alone_where_the_law_says_so(database: Database) -> None:
    spring = await a_campaign(database)
    campaign = Campaign(spring.id, "spring", spring.revision, spring.settings, UK)
    (id_,) = await leads(database, campaign, "+442079460001", place="london")
    (claimed,) = (await claim(database, campaign)).claimed
    answered = (NOW + timedelta(seconds=9)).isoformat()
    ended = NOW + timedelta(seconds=30)
    assert await end(
        database, claimed, "dropped", ended, live=True, dropped=True, answered_at=answered
    )
    (row,) = await database.rows("SELECT * FROM ccm.attempt")
    assert (row["live"], row["dropped"], row["result"]) == (True, True, "dropped")
    later = ended + timedelta(hours=71)
    assert (await again(database, campaign, later)).claimed == []
    assert (await lead(database, id_))["next_at"] == ended + timedelta(hours=72)
    # With an agent who waits for it, it can't be dropped again.
    sure = Campaign(
        campaign.id, "spring", campaign.revision, {**campaign.settings, "mode": "progressive"}, UK
    )
    assert len((await again(database, sure, later)).claimed) == 1


# -- how attempts end -----------------------------------------------------------------------------


async def test_an_attempt_ends_once_and_tells_when_the_lead_is_next(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, (phone(1), phone(2)))
    (claimed,) = (await claim(database, campaign)).claimed
    ended = NOW + timedelta(seconds=25)
    next_ = {"at": (NOW + timedelta(hours=4)).isoformat(), "number": phone(2)}
    assert await end(database, claimed, "no_answer", ended, next_, cause=19)
    assert not await end(database, claimed, "busy", ended + DAY, cause=17)
    (row,) = await database.rows("SELECT * FROM ccm.attempt")
    assert (row["result"], row["cause"], row["ended_at"]) == ("no_answer", 19, ended)
    row = await lead(database, id_)
    assert (row["state"], row["next_number"], row["last_result"]) == ("waiting", 2, "no_answer")
    assert row["next_at"] == NOW + timedelta(hours=4)
    assert (await claim(database, campaign, now=NOW + timedelta(hours=5))).claimed == []
    await database.execute("wake_leads", campaign.id, NOW + timedelta(hours=3), 100)
    assert (await lead(database, id_))["state"] == "waiting"
    await database.execute("wake_leads", campaign.id, NOW + timedelta(hours=4), 100)
    (second,) = (await claim(database, campaign, now=NOW + timedelta(hours=4))).claimed
    assert (second.number, second.lead) == (phone(2), id_)
    assert await end(database, second, "connected", NOW + timedelta(hours=5))
    assert (await lead(database, id_))["state"] == "done"
    assert not await end(database, Claimed(uuid4(), 0, "", "", ""), "busy", NOW)


# -- many claimers --------------------------------------------------------------------------------


async def test_twenty_claimers_keep_caps_and_claim_nothing_twice(database_url: str) -> None:
    """Twenty campaigns with the same 40 parties, all at once: three calls to each, and no more."""
    async with Database(database_url, pool_size=20) as database:
        await with_places(database)
        made = [await a_campaign(database, f"c{number}") for number in range(20)]
        parties = [phone(number) for number in range(40)]
        for number, campaign in enumerate(made):
            turned = parties[number:] + parties[:number]
            await leads(database, campaign, *turned)
        found: list[Claimed] = []

        async def one(number: int) -> None:
            claimer = claiming(database, number)
            for _ in range(30):
                claims = await claimer.claim(made[number], ["one"] * 7, NOW)
                found.extend(claims.claimed)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(one(number))
        assert Counter(claimed.number for claimed in found) == dict.fromkeys(parties, 3)
        assert max(Counter(claimed.lead for claimed in found).values()) == 1
        assert await count(database, "attempt") == 120
        without = "permit p RIGHT JOIN ccm.attempt a ON a.id = p.attempt_id WHERE p IS NULL"
        assert await count(database, without) == 0
        before = await database.rows(
            "SELECT a.number, array_agg(p.calls_before ->> 0 ORDER BY p.calls_before ->> 0) AS n "
            "FROM ccm.permit p JOIN ccm.attempt a ON a.id = p.attempt_id GROUP BY a.number"
        )
        assert {tuple(row["n"]) for row in before} == {("0", "1", "2")}


async def test_twenty_claimers_of_one_campaign_share_its_leads(database_url: str) -> None:
    async with Database(database_url, pool_size=20) as database:
        await with_places(database, ["miami"])
        campaign = await a_campaign(database)
        ids = await leads(database, campaign, *(phone(number) for number in range(300)))
        found: list[int] = []

        async def one(term: int) -> None:
            # Whoever finds that others hold what it looked at comes again.
            while len(found) < len(ids) and not (found and await count(database, "attempt") > 300):
                claims = await claiming(database, term).claim(campaign, ["one"] * 5, NOW)
                found.extend(claimed.lead for claimed in claims.claimed)

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(one(number))
        assert sorted(found) == ids
