"""The dialer on a real Postgres: who is called, for which agents, and what is written down."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from claims import NOW, a_campaign, count, leads, phone
from dialing_desk import SETTINGS, Desk, dials

from ccmiddleware.dialer import campaigns
from ccmiddleware.dialer.lead_callbacks import Wish, promise
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import parse_changes
from ccmiddleware.ids import attempt_of
from ccmiddleware.pbx.events import Hangup, OriginateResponse
from ccmiddleware.pbx.link import ActionRefused


async def test_a_call_from_its_claim_to_its_end(desk: Desk) -> None:
    await dials(desk, 3)
    desk.idle(2)
    await desk.after(0)
    assert {fields["Channel"] for fields in desk.link.asked} == {
        f"PJSIP/{phone(number)[1:]}@one" for number in range(2)
    }
    first, second = desk.link.channels
    desk.channels |= {first, second}
    open_ = await desk.attempts()
    assert [attempt_of(first), attempt_of(second)] == [one["id"] for one in open_]
    assert {one["ended_at"] for one in open_} == {None}
    assert await count(desk.database, "permit") == 2
    # Both agents have a call on its way: no third.
    await desk.after(1)
    assert len(desk.link.asked) == 2
    assert [one["dialed_at"] for one in await desk.attempts()] == [NOW, NOW]
    desk.step(first, "answered")
    desk.step(first, "queued")
    desk.step(first, "connected", 0.4)
    desk.dialing.hear(
        OriginateResponse(at=desk.now, response="Failure", action_id=second, reason=5)
    )
    desk.dialing.hear(Hangup(at=desk.now, uniqueid=second, cause=17))
    desk.members["agent 0"] = ("talking", desk.now)
    # That the second one ended is told twice: by the hangup, and when it has settled.
    await desk.after(3)
    assert [one["result"] for one in await desk.attempts()] == [None, "busy", None]
    desk.step(first, "ended", detail="16|Up")
    await desk.after(1)
    assert (await desk.attempts())[0]["result"] == "connected"
    decisions = [(2, 2, "pacing"), (0, 0, "pacing"), (1, 1, "pacing"), (0, 0, "leads")]
    assert await desk.decisions() == decisions


async def test_nothing_is_begun_while_the_truth_is_not_known(desk: Desk) -> None:
    await dials(desk, 3)
    desk.idle(2)
    desk.whole = False
    await desk.after(0)
    desk.whole, desk.link.state.up = True, False
    await desk.after(1)
    assert (desk.link.asked, await desk.attempts()) == ([], [])


async def test_who_was_refused_is_told_so(desk: Desk) -> None:
    def refuse(fields: Mapping[str, Any]) -> None:
        raise ActionRefused("Originate", "Permission denied")

    await dials(desk, 1)
    desk.idle(1)
    desk.link.answer = refuse
    await desk.after(0)
    (attempt,) = await desk.attempts()
    assert (attempt["result"], attempt["note"]) == (
        "failed",
        "Asterisk refused Originate: Permission denied",
    )
    assert attempt["dialed_at"] is None
    assert desk.dialing.trunks.on("one") == 0


async def test_a_campaign_that_is_paused_begins_nothing_and_ends_its_calls(desk: Desk) -> None:
    await dials(desk, 5)
    desk.idle(2)
    await desk.after(0)
    desk.channels |= set(desk.link.channels)
    async with campaigns.editing(desk.database, "spring", by="ann") as edit:
        await edit.bring("pause", "ann")
    desk.idle(4)
    await desk.after(1)
    assert len(desk.link.asked) == 2
    for channel in desk.link.channels:
        desk.step(channel, "ended", detail="19|Ringing")
    await desk.after(1)
    assert [one["result"] for one in await desk.attempts()] == ["no_answer"] * 2
    await desk.after(1)
    assert desk.dialing.roster.known == {}


async def test_what_is_set_holds_at_once(desk: Desk) -> None:
    await dials(desk, 9)
    desk.idle(1)
    await desk.after(0)
    async with campaigns.editing(desk.database, "spring", by="ann") as edit:
        await edit.set(parse_changes(["mode=power", "ratio=4"]))
    await desk.after(1)
    assert len(desk.link.asked) == 4


async def test_what_is_in_the_way_of_a_start_stops_it_too(desk: Desk) -> None:
    await dials(desk, 3)
    async with campaigns.editing(desk.database, "spring", by="ann") as edit:
        await edit.set({"safe_harbour_message": None})
    desk.idle(2)
    await desk.after(0)
    assert desk.link.asked == []
    assert desk.dialing.state.troubles["spring"].startswith("message: ")


async def test_a_campaign_that_cannot_be_used_does_not_stop_others(desk: Desk) -> None:
    await dials(desk, 2)
    broken = await a_campaign(desk.database, "broken", *SETTINGS)
    await desk.database.rows(
        """UPDATE ccm.campaign SET settings = settings || '{"profile": "nobody"}' WHERE id = $1
        RETURNING id""",
        broken.id,
    )
    desk.idle(2)
    await desk.after(0)
    assert len(desk.link.asked) == 2
    state = desk.dialing.state
    assert (state.calls, list(state.troubles)) == ({"spring": 2}, ["broken"])


async def test_closed_places_and_no_leads_are_reasons(desk: Desk) -> None:
    await dials(desk, 1)
    desk.idle(3)
    await desk.after(0)
    await desk.after(1)
    desk.now = NOW + timedelta(hours=12)  # three in the morning
    made = await campaigns.find(desk.database, "spring")
    await leads(desk.database, Campaign(made["id"], "spring", 0, {}, None), phone(7))  # type: ignore[arg-type]
    desk.idle(3)
    await desk.after(0)
    assert [reason for _, _, reason in await desk.decisions()] == ["leads", "leads", "closed"]
    assert len(desk.link.asked) == 1


async def test_two_campaigns_do_not_call_for_the_same_agents(desk: Desk) -> None:
    for number, name in enumerate(("spring", "summer")):
        made = await a_campaign(desk.database, name, *SETTINGS, "mode=progressive")
        numbers = [phone(100 * number + each) for each in range(5)]
        await leads(desk.database, made, *numbers)
    desk.idle(4)
    await desk.after(0)
    assert len(desk.link.asked) == 4
    found = await desk.database.rows(
        "SELECT count(*) AS n FROM ccm.attempt GROUP BY campaign_id ORDER BY 1"
    )
    assert [one["n"] for one in found] == [2, 2]


async def test_agents_count_for_a_campaign_that_has_leads(desk: Desk) -> None:
    for name, numbers in (("spring", 3), ("summer", 9)):
        made = await a_campaign(desk.database, name, *SETTINGS, "mode=progressive")
        await leads(desk.database, made, *(phone(100 * numbers + each) for each in range(numbers)))
    desk.idle(4)
    await desk.after(0)
    desk.idle(8)
    await desk.after(1)
    assert len(desk.link.asked) == 3 + 4  # spring has no more leads, and still half of the agents
    await desk.after(1)
    assert len(desk.link.asked) == 3 + 8


async def test_a_campaign_that_pauses_keeps_its_promises(desk: Desk) -> None:
    await dials(desk, 3)
    desk.idle(0)
    await desk.after(0)
    (lead, *_) = await desk.database.rows("SELECT id FROM ccm.lead ORDER BY id")
    wish = Wish(at=NOW + timedelta(minutes=1))
    await promise(desk.database, lead["id"], wish, by="ann", now=NOW)
    async with campaigns.editing(desk.database, "spring", by="ann") as edit:
        await edit.bring("pause", "ann")
    desk.idle(2)
    await desk.after(1)
    assert desk.link.asked == []
    await desk.after(60)
    (call,) = desk.link.channels
    desk.channels.add(call)
    await desk.after(1)
    for kind in ("answered", "queued", "connected"):
        desk.step(call, kind)
    desk.step(call, "ended", 30, detail="16|Up")
    await desk.after(31)
    (attempt,) = await desk.attempts()
    assert (attempt["lead_id"], attempt["result"]) == (lead["id"], "connected")
    (kept,) = await desk.database.rows("SELECT state FROM ccm.lead_callback")
    assert kept["state"] == "reached"
    await desk.after(1)
    assert len(desk.link.asked) == 1


async def test_agents_are_kept_for_callers_who_wait(desk: Desk) -> None:
    await dials(desk, 9)
    desk.queues = ["sales", "help"]
    await desk.database.rows(
        """
        WITH q AS (
            INSERT INTO ccm.queue (node_id, name) SELECT id, 'help' FROM ccm.node RETURNING id)
        INSERT INTO ccm.queue_visit
            (interaction_id, ordinal, version, queue_id, position, joined_at, inferred)
        SELECT ccm.uuid7(), 1, 1, q.id, n, $1, false FROM q, generate_series(1, 2) AS n
        RETURNING ordinal
        """,
        NOW - timedelta(seconds=5),
    )
    desk.idle(4)  # Erlang C wants three of them for so many calls
    await desk.after(0)
    assert len(desk.link.asked) == 1
    desk.idle(3)
    await desk.after(1)
    assert len(desk.link.asked) == 1
    assert (await desk.decisions())[-1] == (0, 0, "inbound")
    await desk.database.rows(
        "UPDATE ccm.queue_visit SET left_at = $1, outcome = 'abandoned' RETURNING ordinal", desk.now
    )
    desk.channels |= set(desk.link.channels)
    await desk.after(1)
    assert len(desk.link.asked) == 1  # others may call as these did
    desk.idle(4)
    await desk.after(660)
    assert len(desk.link.asked) >= 4


async def test_learned_things_survive(desk: Desk) -> None:
    await dials(desk, 40, "predictive")
    desk.idle(40)
    await desk.after(0)
    for channel in desk.link.channels:
        desk.step(channel, "answered")
        desk.step(channel, "connected", 0.4)
        desk.step(channel, "ended", 5, detail="16|Up")
    await desk.after(1)
    await desk.after(40)
    assert await count(desk.database, "campaign_pacing") == 1
    later = Desk(desk.database, term=2)
    later.now = desk.now + timedelta(seconds=60)
    later.idle(1)
    await later.after(0)
    (one,) = later.dialing.roster.known.values()
    wanted = one.pace.pacer.decide(later.now.timestamp())
    assert wanted.answers == pytest.approx(40, abs=0.1)
