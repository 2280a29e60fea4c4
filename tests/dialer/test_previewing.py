"""Preview on a real Postgres, with a stand-in for the link: what is offered, and what is done."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from claims import NOW, count, phone
from dialing_desk import Desk, dials

from ccmiddleware.facts import QueueLogRow
from ccmiddleware.ids import attempt_of, offer_of
from ccmiddleware.pbx.events import Hangup, UserEvent

AGENTS = ("Local/2001@agent-request/n", "Local/2002@agent-request/n")


class Floor:
    """Agents with open lines, and what they are offered."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.ended: list[str] = []
        desk.members = dict.fromkeys(AGENTS, ("idle", NOW))
        desk.dialing.previews._channel_of = self.name_of
        desk.link.send = self.send  # type: ignore[method-assign]

    def name_of(self, uniqueid: str) -> str | None:
        return f"Channel/{uniqueid}" if uniqueid in self.desk.channels else None

    async def send(self, action: str, fields: Mapping[str, Any]) -> None:
        if action == "Hangup":
            self.ended.append(fields["Channel"])
            return
        self.desk.link.asked.append(fields)
        self.desk.channels.add(str(fields["ChannelId"]))

    @property
    def offers(self) -> list[Mapping[str, Any]]:
        return [one for one in self.desk.link.asked if offer_of(str(one["ChannelId"]))]

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        return [one for one in self.desk.link.asked if attempt_of(str(one["ChannelId"]))]

    async def press(self, offer: Mapping[str, Any], step: str) -> None:
        """The agent of that offer presses a key; what follows is done."""
        self.tell(offer, step)
        await asyncio.wait_for(self.desk.dialing.previews.carry_out(), 10)

    def tell(self, offer: Mapping[str, Any], step: str) -> None:
        given = dict(one.split("=", 1) for one in offer["Variable"])
        self.desk.dialing.hear(
            UserEvent(
                at=self.desk.now, name="CcmPreviewStep", attempt=offer["ChannelId"], step=step,
                milliseconds=str(int(self.desk.now.timestamp() * 1000)),
                detail=given["CCM_PREVIEW_LEAD"],
            )
        )  # fmt: skip

    def hang_up(self, channel: str) -> None:
        self.desk.channels.discard(channel)
        self.desk.dialing.hear(Hangup(at=self.desk.now, uniqueid=channel, cause=16))

    async def leads(self) -> list[tuple[str, Any]]:
        rows = await self.desk.database.rows("SELECT state, next_at FROM ccm.lead ORDER BY id")
        return [(one["state"], one["next_at"]) for one in rows]


@pytest.fixture
async def floor(desk: Desk) -> Floor:
    return Floor(desk)


async def test_each_free_agent_is_offered_a_lead_of_his_own(floor: Floor) -> None:
    await dials(floor.desk, 3, "preview")
    await floor.desk.after(0)
    await floor.desk.after(1)
    assert [one["Channel"] for one in floor.offers] == list(AGENTS)
    assert [one["CallerID"] for one in floor.offers] == [f"<{phone(0)}>", f"<{phone(1)}>"]
    assert (floor.calls, await count(floor.desk.database, "attempt")) == ([], 0)
    assert [state for state, _ in await floor.leads()] == ["new"] * 3
    assert await floor.desk.decisions() == [(2, 0, "offers"), (0, 0, "offers")]


async def test_at_the_key_that_lead_is_claimed_and_dialled_for_that_agent(floor: Floor) -> None:
    await dials(floor.desk, 2, "preview")
    await floor.desk.after(0)
    second = floor.offers[1]
    await floor.press(second, "dial")
    (call,) = floor.calls
    assert call["Channel"] == f"PJSIP/{phone(1)[1:]}@one"
    for one in (
        f"CCM_PREVIEW_OFFER={second['ChannelId']}",
        f"CCM_DIAL_AGENT={AGENTS[1]}",
        f"CCM_DIAL_AGENT_CHANNEL=Channel/{second['ChannelId']}",
        f"GROUP(ccm-preview)={second['ChannelId']}",
    ):
        assert one in call["Variable"]
    (attempt,) = await floor.desk.attempts()
    assert (attempt["number"], attempt["mode"]) == (phone(1), "preview")
    (permit,) = await floor.desk.database.rows("SELECT * FROM ccm.permit")
    assert permit["agent_guaranteed"]
    # Told once more, it is not dialled once more.
    await floor.press(second, "dial")
    assert len(floor.calls) == 1
    # The agent has met the party: when the talk is over nobody is hung up on.
    channel = str(call["ChannelId"])
    floor.desk.step(channel, "answered")
    floor.desk.step(channel, "connected", 0.1)
    floor.hang_up(str(second["ChannelId"]))
    await floor.desk.dialing.previews.carry_out()
    assert floor.ended == []


async def test_who_gives_up_ends_the_call_that_rings(floor: Floor) -> None:
    await dials(floor.desk, 1, "preview")
    await floor.desk.after(0)
    (offer,) = floor.offers
    await floor.press(offer, "dial")
    floor.hang_up(str(offer["ChannelId"]))
    await floor.desk.dialing.previews.carry_out()
    channel = str(floor.calls[0]["ChannelId"])
    assert floor.ended == [f"Channel/{channel}"]
    floor.desk.step(channel, "ended", detail="0|Ringing")
    await floor.desk.after(1)
    assert (await floor.desk.attempts())[0]["result"] == "no_answer"


async def test_skipped_is_later_and_closed_is_never(floor: Floor) -> None:
    await dials(floor.desk, 2, "preview")
    await floor.desk.after(0)
    first, second = floor.offers
    await floor.press(first, "skip")
    await floor.press(second, "close")
    (one, at), (other, _) = await floor.leads()
    assert (one, at - NOW, other) == ("waiting", timedelta(minutes=15), "done")
    floor.hang_up(str(first["ChannelId"]))
    floor.hang_up(str(second["ChannelId"]))
    await floor.desk.after(2)
    assert len(floor.offers) == 2
    await floor.desk.after(15 * 60)
    await floor.desk.after(10)
    assert len(floor.offers) == 3
    assert floor.offers[2]["CallerID"] == first["CallerID"]


async def test_a_lead_that_may_not_be_called_at_the_key_is_not_dialled(floor: Floor) -> None:
    await dials(floor.desk, 1, "preview")
    await floor.desk.after(0)
    await floor.desk.database.rows(
        "INSERT INTO ccm.dnc_entry (number, source, added_by, added_version)"
        " VALUES ($1, 'manual', 'ann', 0)"
        " RETURNING number",
        phone(0),
    )
    await floor.press(floor.offers[0], "dial")
    assert (floor.calls, await floor.desk.attempts()) == ([], [])


@pytest.mark.parametrize("why", ["late", "gone", "paused", "another daemon"])
async def test_nobody_is_dialled_for_an_agent_who_is_not_there(floor: Floor, why: str) -> None:
    await dials(floor.desk, 1, "preview")
    await floor.desk.after(0)
    (offer,) = floor.offers
    match why:
        case "late":
            floor.tell(offer, "dial")
            floor.desk.now += timedelta(seconds=3)
        case "gone":
            floor.desk.channels.clear()
        case "paused":
            await floor.desk.database.rows("UPDATE ccm.campaign SET state = 'paused' RETURNING id")
        case "another daemon":
            later = Floor(Desk(floor.desk.database, term=2))
            await later.press(offer, "dial")
            assert later.calls == []
    if why == "late":
        await floor.desk.dialing.previews.carry_out()
    elif why != "another daemon":
        await floor.press(offer, "dial")
    assert (floor.calls, await floor.desk.attempts()) == ([], [])


async def test_who_presses_no_key_is_left_alone_for_a_while(floor: Floor) -> None:
    await dials(floor.desk, 1, "preview")
    del floor.desk.members[AGENTS[1]]
    await floor.desk.after(0)
    (offer,) = floor.offers
    floor.tell(offer, "ignored")
    floor.hang_up(str(offer["ChannelId"]))
    await floor.desk.after(20)
    assert len(floor.offers) == 1
    await floor.desk.after(11)
    assert len(floor.offers) == 2


async def test_an_offer_without_a_channel_is_over(floor: Floor) -> None:
    await dials(floor.desk, 1, "preview")
    await floor.desk.after(0)
    floor.desk.channels.clear()
    await floor.desk.after(9)
    assert len(floor.offers) == 1
    await floor.desk.after(2)
    await floor.desk.after(2)
    assert len(floor.offers) == 2


@pytest.mark.parametrize(
    ("age", "state"), [(timedelta(minutes=5), "done"), (timedelta(hours=2), "new")]
)
async def test_what_was_said_to_nobody_is_in_queue_log(
    floor: Floor, age: timedelta, state: str
) -> None:
    await dials(floor.desk, 1, "preview")
    await floor.desk.after(0)
    (lead,) = await floor.desk.database.rows("SELECT id FROM ccm.lead")
    told = QueueLogRow(
        node="pbx1", at=NOW, key=UUID(int=1), sequence=1, call=str(floor.offers[0]["ChannelId"]),
        queue="sales", agent=AGENTS[0], event="CCMPREVIEWSTEP",
        data=["close", str(int((NOW - age).timestamp() * 1000)), str(lead["id"])],
    )  # fmt: skip
    later = Desk(floor.desk.database, term=2)
    later.dialing.learn([told])
    if state == "done":
        await asyncio.wait_for(later.dialing.previews.carry_out(), 10)
    assert [state for state, _ in await floor.leads()] == [state]
