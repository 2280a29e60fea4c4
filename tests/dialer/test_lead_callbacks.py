"""Promised callbacks on a real Postgres: made, claimed before all else and with an agent, kept."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from claims import (
    NOW,
    a_campaign,
    as_set,
    claim,
    claiming,
    count,
    lead,
    leads,
    phone,
    with_places,
)

from ccmiddleware.dialer import campaigns, dnc, lead_callbacks
from ccmiddleware.dialer.attempts import Claimed, Ended
from ccmiddleware.dialer.claiming import Claims
from ccmiddleware.dialer.dnc_entries import Entry
from ccmiddleware.dialer.ending import end, wake
from ccmiddleware.dialer.lead_callbacks import Wish
from ccmiddleware.dialer.open_attempts import open_attempts
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.values import InvalidCampaign
from ccmiddleware.store.database import Database, Row, queries

AT = NOW + timedelta(hours=2)
"""Noon in Miami."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ANN, BOB = "Local/ann@agent-request/n", "Local/bob@agent-request/n"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as pool:
        await with_places(pool)
        for name, interface in (("Ann", ANN), ("Bob", BOB), ("Eve", "PJSIP/9"), ("Eve", "PJSIP/8")):
            await pool.rows(
                "WITH n AS (INSERT INTO ccm.node (name) VALUES ('pbx1') "
                "ON CONFLICT (name) DO UPDATE SET name = 'pbx1' RETURNING id) "
                "INSERT INTO ccm.agent (node_id, interface, name) SELECT id, $2, $1 FROM n "
                "RETURNING id",
                name, interface,
            )  # fmt: skip
        yield pool


async def promise(database: Database, id_: int, at: datetime = AT, **wish: Any) -> dict[str, Any]:
    return await lead_callbacks.promise(database, id_, Wish(at, **wish), by="ann", now=NOW)


async def due(
    database: Database, campaign: Campaign, now: datetime = AT, free: Collection[str] = (ANN, BOB)
) -> Claims:
    claims = claiming(database)
    wanted = await claims.callbacks(campaign, free, now)
    return await claims.claim_callbacks(campaign, ["one"] * 5, wanted, now)


async def kept(database: Database, id_: UUID) -> Row:
    return (await database.fetch("show_lead_callback", str(id_)))[0]


async def over(
    database: Database, campaign: Campaign, claimed: Claimed, result: str, at: datetime, **more: Any
) -> None:
    ended = Ended(claimed.attempt, claimed.lead, claimed.number, at, result, **more)
    assert await end(database, campaign, ended)


async def bring(database: Database, action: str) -> Campaign:
    async with campaigns.editing(database, "spring", by="ann") as edit:
        await edit.bring(action, "ann")
    return await as_set(database, "spring")


async def test_a_promised_lead_is_called_at_its_time_and_by_nothing_else(
    database: Database,
) -> None:
    campaign = await a_campaign(database)
    first, other = await leads(database, campaign, phone(1), phone(2))
    made = await promise(database, first)
    assert (await lead(database, first))["state"] == "promised"
    assert [one.lead for one in (await claim(database, campaign)).claimed] == [other]
    assert (await due(database, campaign, AT - MINUTE)).claimed == []
    assert (await due(database, campaign, free=())).claimed == []
    wanted = await claiming(database).callbacks(campaign, (ANN,), AT)
    assert [(each.callback, agent) for each, agent in wanted] == [(made["id"], "")]
    assert await claiming(database).callbacks(campaign, (ANN,), AT, [made["id"]]) == []
    assert (await claiming(database).claim_callbacks(campaign, [], wanted, AT)).claimed == []
    (claimed,) = (await due(database, campaign)).claimed
    assert (claimed.lead, claimed.callback, claimed.agent) == (first, made["id"], "")
    assert (await due(database, campaign)).claimed == []
    (permit,) = await database.rows(
        "SELECT p.* FROM ccm.permit p WHERE attempt_id = $1", claimed.attempt
    )
    assert permit["agent_guaranteed"]  # though the campaign is predictive
    row = await kept(database, made["id"])
    assert (row["calls"], row["calling"], row["missed"], row["late_seconds"]) == (
        1, True, False, 0,
    )  # fmt: skip
    await over(database, campaign, claimed, "connected", AT + MINUTE, connected_at=AT)
    row = await kept(database, made["id"])
    assert (row["state"], row["closed_at"], row["reached_at"]) == ("reached", AT + MINUTE, AT)
    assert (await lead(database, first))["state"] == "done"


async def test_a_paused_campaign_keeps_its_promises_and_a_stopped_one_does_not(
    database: Database,
) -> None:
    campaign = await a_campaign(database)
    ids = await leads(database, campaign, phone(1), phone(2), phone(3))
    for id_ in ids[:2]:
        await promise(database, id_)
    paused = await bring(database, "pause")
    assert (await claim(database, paused)).claimed == []
    assert (await due(database, campaign)).claimed == []  # it was read before it was paused
    assert len((await due(database, paused, free=(ANN,))).claimed) == 1
    stopped = await bring(database, "stop")
    assert (await due(database, stopped)).claimed == []
    again = await bring(database, "start")
    assert len((await due(database, again)).claimed) == 1


async def test_a_personal_one_waits_for_its_agent_within_its_tolerance(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, phone(1))
    made = await promise(database, id_, agent="Ann", tolerance=20 * MINUTE)
    assert (made["agent"], made["late_from"]) == ("Ann", AT + 20 * MINUTE)
    assert (await due(database, campaign, free=(BOB,))).claimed == []
    assert (await due(database, campaign, AT + 20 * MINUTE, (BOB,))).claimed == []
    late = AT + 20 * MINUTE + timedelta(seconds=1)
    (claimed,) = (await due(database, campaign, late, (BOB,))).claimed
    assert claimed.agent == ""
    assert (await kept(database, made["id"]))["missed"]


async def test_a_personal_one_goes_to_its_agent(database: Database) -> None:
    campaign = await a_campaign(database, "spring", "callback_anybody=no")
    first, second = await leads(database, campaign, phone(1), phone(2))
    await promise(database, first)
    await promise(database, second, AT + MINUTE, agent=ANN)
    assert (await due(database, campaign, AT + HOUR, (ANN,))).claimed[0].lead == second
    both = (await due(database, campaign, AT + HOUR)).claimed
    assert [(one.lead, one.agent) for one in both] == [(first, "")]
    (third,) = await leads(database, campaign, phone(3))
    await promise(database, third, agent="Ann")
    assert (await due(database, campaign, AT + HOUR, (BOB,))).claimed == []
    (claimed,) = (await due(database, campaign, AT + HOUR)).claimed
    assert claimed.agent == ANN


async def test_nobody_answers_it_is_tried_again_and_then_as_any_lead(database: Database) -> None:
    campaign = await a_campaign(database, "spring", "retry=no_answer 4h x9", "number_cap=20 in 24h")
    (id_,) = await leads(database, campaign, phone(1), place="chicago")
    made = await promise(database, id_)
    now = AT
    for number in range(3):
        (claimed,) = (await due(database, campaign, now)).claimed
        await over(database, campaign, claimed, "no_answer", now + MINUTE, cause=19)
        row = await kept(database, made["id"])
        assert (row["state"], row["calls"], row["missed"]) == ("tried", number + 1, False)
        if number < 2:
            assert row["next_at"] == now + 15 * MINUTE
            assert (await lead(database, id_))["state"] == "promised"
            assert (await due(database, campaign, now + 14 * MINUTE)).claimed == []
        now += 15 * MINUTE
    assert row["closed_at"] is not None
    found = await lead(database, id_)
    assert (found["state"], found["attempts"]) == ("waiting", 3)
    assert found["next_at"] == now - 15 * MINUTE + 4 * HOUR
    await wake(database, campaign.id, found["next_at"])
    assert len((await claim(database, campaign, now=found["next_at"])).claimed) == 1


async def test_a_promise_made_while_the_lead_is_called_holds_when_the_call_ends(
    database: Database,
) -> None:
    """What the agent writes down while he talks."""
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, (phone(1), phone(2)))
    (claimed,) = (await claim(database, campaign)).claimed
    made = await promise(database, id_, agent="Ann")
    assert made["number"] == phone(1)
    assert (await lead(database, id_))["state"] == "claimed"
    assert (await due(database, campaign)).claimed == []
    await over(database, campaign, claimed, "connected", NOW + MINUTE, connected_at=NOW)
    assert (await lead(database, id_))["state"] == "promised"
    (again,) = (await due(database, campaign, free=(ANN,))).claimed
    # And once more: the first promise is kept, another one follows.
    next_ = await lead_callbacks.promise(database, id_, Wish(AT + HOUR), by="ann", now=AT + MINUTE)
    await over(database, campaign, again, "connected", AT + 2 * MINUTE, connected_at=AT)
    assert (await kept(database, made["id"]))["state"] == "reached"
    assert (await kept(database, next_["id"]))["state"] == "promised"
    assert (await lead(database, id_))["state"] == "promised"
    assert len((await due(database, campaign, AT + HOUR)).claimed) == 1


async def test_the_list_and_caps_hold_for_promises_too(database: Database) -> None:
    campaign = await a_campaign(database, "spring", "number_cap=1 in 6h")
    capped, listed, with_another = await leads(
        database, campaign, phone(1), phone(2), (phone(3), phone(4))
    )
    claims = await claim(database, campaign)
    for claimed in claims.claimed:
        await over(database, campaign, claimed, "no_answer", NOW + MINUTE)
    made = [await promise(database, id_) for id_ in (capped, listed, with_another)]
    async with dnc.changing(database, by="ann") as change:
        await change.add([Entry(phone(2)), Entry(phone(3))], "opt_out", None)
    claims = await due(database, campaign, free=(ANN, BOB, "x"))
    assert claims.refused == Counter(called_lately=1, dnc=2)
    first, second, third = [await kept(database, one["id"]) for one in made]
    assert (first["state"], first["next_at"]) == ("promised", NOW + 6 * HOUR)
    assert (await lead(database, capped))["state"] == "promised"
    assert (second["state"], third["state"]) == ("lapsed", "lapsed")
    assert (await lead(database, listed))["last_result"] == "dnc"
    row = await lead(database, with_another)
    assert (row["state"], row["next_number"]) == ("waiting", 2)
    with pytest.raises(InvalidCampaign, match="do-not-call"):
        await promise(database, listed)


async def test_the_window_holds_for_promises_that_are_late(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, phone(1))
    evening = datetime(2026, 12, 1, 0, 59, tzinfo=UTC)  # 19:59 in Miami
    made = await promise(database, id_, evening)
    claims = await due(database, campaign, evening + 2 * MINUTE)
    assert claims.claimed == []
    morning = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
    assert len((await due(database, campaign, morning)).claimed) == 1
    assert (await kept(database, made["id"]))["missed"]


async def test_whoever_leads_next_knows_that_a_call_keeps_a_promise(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, phone(1))
    made = await promise(database, id_)
    (claimed,) = (await due(database, campaign)).claimed
    (open_,) = await open_attempts(database, "pbx1", [])
    assert (open_.claimed.attempt, open_.claimed.callback) == (claimed.attempt, made["id"])
    await over(database, campaign, open_.claimed, "unknown", AT + MINUTE, inferred=True)
    assert (await kept(database, made["id"]))["state"] == "tried"


async def test_a_promise_is_moved_and_cancelled(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, phone(1))
    made = await promise(database, id_, agent="Ann", note="wants the blue one")
    with pytest.raises(InvalidCampaign, match="callback move"):
        await promise(database, id_)
    with pytest.raises(InvalidCampaign, match="08:00 EST"):
        await lead_callbacks.move(database, made["id"], Wish(NOW + 12 * HOUR), by="bob", now=NOW)
    await lead_callbacks.move(
        database, made["id"], Wish(AT + HOUR, agent=""), by="bob", now=NOW + MINUTE
    )
    row = await kept(database, made["id"])
    assert (row["promised_at"], row["late_from"]) == (AT + HOUR, AT + HOUR + 15 * MINUTE)
    assert (row["first_promised"], row["moves"], row["agent"]) == (AT, 1, None)
    assert row["note"] == "wants the blue one"
    assert (await due(database, campaign)).claimed == []
    assert not await lead_callbacks.cancel(database, made["id"], by="bob", now=NOW)
    assert (await kept(database, made["id"]))["state"] == "cancelled"
    assert (await lead(database, id_))["state"] == "new"
    for change in (
        lead_callbacks.cancel(database, made["id"], by="bob", now=NOW),
        lead_callbacks.move(database, made["id"], Wish(AT), by="bob", now=NOW),
    ):
        with pytest.raises(InvalidCampaign, match="it is cancelled"):
            await change
    assert len((await claim(database, campaign)).claimed) == 1


async def test_a_call_goes_on_whose_promise_is_cancelled(database: Database) -> None:
    campaign = await a_campaign(database)
    ids = await leads(database, campaign, phone(1), phone(2))
    made = [await promise(database, id_) for id_ in ids]
    claims = (await due(database, campaign)).claimed
    for one in made:
        assert await lead_callbacks.cancel(database, one["id"], by="bob", now=AT)
    await over(database, campaign, claims[0], "connected", AT + MINUTE, connected_at=AT)
    await over(database, campaign, claims[1], "busy", AT + MINUTE)
    assert [(await kept(database, one["id"]))["state"] for one in made] == ["reached", "cancelled"]
    assert [(await lead(database, id_))["state"] for id_ in ids] == ["done", "waiting"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"agent": "Zoe"}, "there is no agent 'Zoe'"),
        ({"agent": "Eve"}, "say which of PJSIP/8, PJSIP/9"),
        ({"number": phone(9)}, r"no number \+13052220009; it has \+13052220001"),
        ({"at": NOW - HOUR}, "is over"),
        ({"at": NOW + timedelta(days=30)}, "its stop_date"),
    ],
)
async def test_what_can_not_be_promised(
    database: Database, wish: dict[str, Any], words: str
) -> None:
    campaign = await a_campaign(database, "spring", "stop_date=2026-12-24")
    (id_,) = await leads(database, campaign, phone(1))
    with pytest.raises(InvalidCampaign, match=words):
        await promise(database, id_, **wish)
    assert await count(database, "lead_callback") == 0
    assert (await lead(database, id_))["state"] == "new"


async def test_nobody_promises_for_a_campaign_that_does_not_call(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, phone(1))
    await bring(database, "stop")
    with pytest.raises(InvalidCampaign, match="spring is stopped"):
        await promise(database, id_)
    with pytest.raises(InvalidCampaign, match="there is no lead"):
        await promise(database, 10**9)


async def test_a_dry_run_promises_nothing(database: Database) -> None:
    campaign = await a_campaign(database)
    (id_,) = await leads(database, campaign, phone(1))
    planned = await lead_callbacks.promise(database, id_, Wish(AT), by="ann", now=NOW, dry_run=True)
    assert planned["there"] == "2026-11-30 12:00 EST"
    assert await count(database, "lead_callback") == 0


async def test_many_claimers_keep_each_promise_once(database_url: str) -> None:
    async with Database(database_url, pool_size=10) as database:
        await with_places(database, ["miami"])
        campaign = await a_campaign(database)
        ids = await leads(database, campaign, *(phone(number) for number in range(60)))
        for id_ in ids:
            await promise(database, id_)
        found: list[int] = []

        async def one(term: int) -> None:
            for _ in range(20):
                agents = [f"a{number}" for number in range(5)]
                claiming_ = claiming(database, term)
                wanted = await claiming_.callbacks(campaign, agents, AT)
                claims = await claiming_.claim_callbacks(campaign, ["one"] * 7, wanted, AT)
                found.extend(claimed.lead for claimed in claims.claimed)

        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(one(number))
        assert sorted(found) == ids
        assert await count(database, "attempt") == len(ids)


async def test_what_is_asked_twice_a_second_reads_no_whole_table(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "SET enable_seqscan = off; SET plan_cache_mode = force_custom_plan"
        )
        id_ = UUID(int=1)
        for name, *arguments in (
            ("places_with_callbacks", id_, NOW),
            ("callbacks_to_claim", id_, NOW, [1], [ANN], True, 10),
            ("open_promise", 1),
            ("numbers_to_promise", 1, NOW),
        ):
            rows = await connection.fetch(f"EXPLAIN {queries()[name].sql}", *arguments)
            plan = "\n".join(row[0] for row in rows)
            assert re.findall(r"Seq Scan on (?:lead|lead_number|lead_callback)\b", plan) == [], plan
        plan = "\n".join(
            row[0]
            for row in await connection.fetch(
                f"EXPLAIN {queries()['callbacks_to_claim'].sql}", id_, NOW, [1], [ANN], True, 10
            )
        )
        assert "lead_callback_due" in plan
    finally:
        await connection.close()
