"""Callbacks that an agent promised himself, on a real Postgres: his line first, then the call."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from claims import NOW, a_campaign, leads, phone
from dialing_desk import SETTINGS, Desk, dials
from test_previewing import AGENTS, Floor

from ccmiddleware.dialer.lead_callbacks import Wish, promise
from ccmiddleware.pbx.events import Hangup, OriginateResponse

ANN, BOB = AGENTS
SOON = timedelta(minutes=1)


class Promises(Floor):
    """The same floor, of two agents who are known."""

    async def begin(self, numbers: int = 1, mode: str = "progressive") -> int:
        """A campaign with so many leads; the first one is promised a call by Ann, at SOON."""
        await dials(self.desk, numbers, mode)
        self.desk.members = {}
        await self.desk.after(0)
        for name, interface in zip(("Ann", "Bob"), AGENTS, strict=True):
            await self.desk.database.rows(
                "INSERT INTO ccm.agent (node_id, interface, name) SELECT id, $2, $1 FROM ccm.node"
                " RETURNING id",
                name, interface,
            )  # fmt: skip
        (lead, *_) = await self.desk.database.rows("SELECT id FROM ccm.lead ORDER BY id")
        await promise(self.desk.database, lead["id"], Wish(NOW + SOON, "Ann"), by="ann", now=NOW)
        return int(lead["id"])

    def here(self, *agents: str) -> None:
        self.desk.members = dict.fromkeys(agents, ("idle", self.desk.now))

    async def promises(self) -> list[tuple[str, str]]:
        found = await self.desk.database.rows("SELECT state, reason FROM ccm.lead_callback")
        return [(one["state"], one["reason"]) for one in found]


@pytest.fixture
async def floor(desk: Desk) -> Promises:
    return Promises(desk)


def called(order: Any) -> str:
    return "+" + str(order["Channel"]).removeprefix("PJSIP/").removesuffix("@one")


async def test_its_agent_is_there_before_it_is_called(floor: Promises) -> None:
    lead = await floor.begin(3)
    floor.here(BOB)
    await floor.desk.after(60)
    # Ann is not there: Bob is called somebody else for, and not her lead.
    assert (floor.offers, list(map(called, floor.calls))) == ([], [phone(1)])
    floor.here(BOB, ANN)
    await floor.desk.after(1)
    (offer,) = floor.offers
    assert offer["Channel"] == ANN
    assert "CCM_PREVIEW_PROMISE=1" in offer["Variable"]
    # Nothing else is for her from now on, though her queue does not know of it yet.
    await floor.desk.after(1)
    await floor.desk.after(1)
    assert (len(floor.offers), len(floor.calls)) == (1, 1)
    assert [one["number"] for one in await floor.desk.attempts()] == [phone(1)]
    floor.desk.members[ANN] = ("busy", floor.desk.now)
    await floor.press(offer, "dial")
    await floor.press(offer, "dial")
    (_, call) = floor.calls
    assert called(call) == phone(0)
    for one in (
        f"CCM_PREVIEW_OFFER={offer['ChannelId']}",
        f"CCM_DIAL_AGENT={ANN}",
        f"CCM_DIAL_AGENT_CHANNEL=Channel/{offer['ChannelId']}",
    ):
        assert one in call["Variable"]
    (_, attempt) = await floor.desk.attempts()
    assert (attempt["lead_id"], attempt["callback_id"] is not None) == (lead, True)
    guaranteed = await floor.desk.database.rows(
        "SELECT agent_guaranteed FROM ccm.permit WHERE attempt_id = $1", attempt["id"]
    )
    assert guaranteed[0]["agent_guaranteed"]
    # It rings, and Ann is on the line: Bob is not kept for it.
    await floor.desk.after(1)
    one = next(iter(floor.desk.dialing.roster.known.values()))
    assert one.pace.free == [BOB]
    channel = str(call["ChannelId"])
    for kind in ("answered", "connected"):
        floor.desk.step(channel, kind)
    floor.desk.step(channel, "ended", 30, detail="16|Up")
    floor.hang_up(str(offer["ChannelId"]))
    await floor.desk.after(31)
    assert [state for state, _ in await floor.promises()] == ["reached"]
    assert floor.ended == []
    assert (1, 0, "promises") in await floor.desk.decisions()


async def test_no_call_that_rings_loses_its_agent_to_a_promise(floor: Promises) -> None:
    await floor.begin(2)
    floor.here(ANN)
    await floor.desk.after(59)
    (call,) = floor.calls
    floor.desk.channels.add(str(call["ChannelId"]))
    await floor.desk.after(2)
    assert floor.offers == []
    floor.desk.step(str(call["ChannelId"]), "ended", detail="19|Down")
    floor.hang_up(str(call["ChannelId"]))
    await floor.desk.after(1)
    await floor.desk.after(1)
    (offer,) = floor.offers
    assert (offer["Channel"], len(floor.calls)) == (ANN, 1)


@pytest.mark.parametrize("how", ["not answered", "hung up", "another daemon"])
async def test_a_line_that_does_not_open_costs_the_promise_nothing(
    floor: Promises, how: str
) -> None:
    await floor.begin()
    floor.here(ANN)
    await floor.desk.after(60)
    (offer,) = floor.offers
    channel = str(offer["ChannelId"])
    floor.desk.channels.discard(channel)
    match how:
        case "not answered":
            floor.desk.dialing.hear(
                OriginateResponse(at=floor.desk.now, response="Failure", action_id=channel)
            )
        case "hung up":
            floor.desk.dialing.hear(Hangup(at=floor.desk.now, uniqueid=channel, cause=16))
        case "another daemon":
            later = Promises(Desk(floor.desk.database, term=2))
            later.desk.now = floor.desk.now
            await later.press(offer, "dial")
            assert (later.calls, await later.desk.attempts()) == ([], [])
            floor = later
            floor.here(ANN)
    assert await floor.promises() == [("promised", "")]
    await floor.desk.after(20)
    assert len(floor.offers) == 1
    await floor.desk.after(11)
    assert floor.offers[-1]["Channel"] == ANN
    assert len(floor.offers) == 1 + (how != "another daemon")
    assert await floor.desk.attempts() == []


async def test_a_promise_whose_agent_stays_away_is_kept_by_anybody(floor: Promises) -> None:
    lead = await floor.begin()
    floor.here(BOB)
    await floor.desk.after(60 + 14 * 60)
    assert (floor.offers, floor.calls) == ([], [])
    await floor.desk.after(2 * 60)
    (call,) = floor.calls
    assert (floor.offers, called(call)) == ([], phone(0))
    assert not any(one.startswith("CCM_PREVIEW") for one in call["Variable"])
    (attempt,) = await floor.desk.attempts()
    assert attempt["lead_id"] == lead


async def test_what_may_not_be_called_any_more_is_not_called(floor: Promises) -> None:
    await floor.begin()
    floor.here(ANN)
    await floor.desk.after(60)
    (offer,) = floor.offers
    await floor.desk.database.rows(
        "INSERT INTO ccm.dnc_entry (number, source, added_by, added_version)"
        " VALUES ($1, 'manual', 'ann', 0) RETURNING number",
        phone(0),
    )
    await floor.press(offer, "dial")
    assert (floor.calls, await floor.desk.attempts()) == ([], [])
    assert [state for state, _ in await floor.promises()] == ["lapsed"]
    floor.hang_up(str(offer["ChannelId"]))
    await floor.desk.after(5)
    assert len(floor.offers) == 1


async def test_who_gives_up_is_told_again_later(floor: Promises) -> None:
    await floor.begin()
    floor.here(ANN)
    await floor.desk.after(60)
    (offer,) = floor.offers
    await floor.press(offer, "dial")
    floor.hang_up(str(offer["ChannelId"]))
    await asyncio.wait_for(floor.desk.dialing.previews.carry_out(), 10)
    channel = str(floor.calls[0]["ChannelId"])
    assert floor.ended == [f"Channel/{channel}"]
    floor.desk.step(channel, "ended", detail="0|Ringing")
    await floor.desk.after(1)
    assert [state for state, _ in await floor.promises()] == ["tried"]
    await floor.desk.after(14 * 60)
    assert len(floor.offers) == 1
    await floor.desk.after(2 * 60)
    assert len(floor.offers) == 2


async def test_an_agent_counts_for_the_campaign_that_waits_for_him(floor: Promises) -> None:
    """Else he might count for another one as long as that has leads."""
    await floor.begin()
    other = await a_campaign(floor.desk.database, "autumn", *SETTINGS, "mode=power", "weight=1000")
    await leads(floor.desk.database, other, *(phone(number) for number in range(500, 520)))
    floor.here(ANN, BOB)
    await floor.desk.after(1)
    assert len(floor.calls) >= 2
    for call in floor.calls:
        floor.desk.step(str(call["ChannelId"]), "ended", detail="19|Down")
    await floor.desk.after(61)
    assert [offer["Channel"] for offer in floor.offers] == [ANN]
