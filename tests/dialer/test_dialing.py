"""The dialer on a real Postgres, with a stand-in for the link: what is lost, late or refused."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from claims import NOW, a_campaign, claiming, count, leads, phone, with_places

from ccmiddleware.dialer import campaigns
from ccmiddleware.dialer.dialing import GONE_AFTER, Dialing
from ccmiddleware.dialer.lead_callbacks import Wish, promise
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.seeing import Sees
from ccmiddleware.dialer.settings import parse_changes
from ccmiddleware.dialer.teams import Doing
from ccmiddleware.facts import QueueLogRow
from ccmiddleware.ids import attempt_of
from ccmiddleware.pbx.events import Hangup, OriginateResponse, UserEvent
from ccmiddleware.pbx.link import ActionRefused, ActionTimeout, AmiLink
from ccmiddleware.store.database import Database

SETTINGS = (
    "safe_harbour_message=sorry", "opt_out_key=9",
    "calls_per_second=100", "lines_per_agent=10",
)  # fmt: skip


@dataclass
class StandInLink:
    """Takes orders, or answers as ``answer`` does."""

    asked: list[Mapping[str, Any]] = field(default_factory=list)
    answer: Callable[[Mapping[str, Any]], None] = lambda fields: None
    state: Any = field(default_factory=lambda: SimpleNamespace(up=True))

    async def send(self, action: str, fields: Mapping[str, Any]) -> None:
        assert action == "Originate"
        self.asked.append(fields)
        self.answer(fields)

    @property
    def channels(self) -> list[str]:
        return [str(fields["ChannelId"]) for fields in self.asked]


class Desk:
    """A dialer under test, and the world that it sees."""

    def __init__(self, database: Database, term: int = 1) -> None:
        self.database = database
        self.link = StandInLink()
        self.now = NOW
        self.whole = True
        self.channels: set[str] = set()
        self.members: dict[str, Doing] = {}
        self.queues = ["sales"]
        self.read_until: datetime | None = None
        self.dialing = Dialing(
            "pbx1", term, database, cast(AmiLink, self.link),
            Sees(
                whole=lambda: self.whole,
                channel_of=lambda uniqueid: uniqueid if uniqueid in self.channels else None,
                members=lambda queue: self.members if queue in ("sales", "help") else {},
                queues_of=lambda agent: self.queues,
                read_until=lambda: self.read_until,
            ),
            certain=self.certain,
            clock=lambda: self.now,
        )  # fmt: skip

    async def certain(self) -> None:
        pass

    def idle(self, agents: int) -> None:
        self.members = {f"agent {number}": ("idle", self.now) for number in range(agents)}

    async def after(self, seconds: float) -> None:
        """So many seconds later: a look, and what is over is written down."""
        self.now += timedelta(seconds=seconds)
        await self.dialing.roster.refresh(self.now)
        await self.dialing.look_at_campaigns()
        await self.dialing.look()
        await self.dialing.write_ends()

    def step(self, channel: str, kind: str, seconds: float = 0, detail: str = "") -> None:
        at = self.now + timedelta(seconds=seconds)
        self.dialing.hear(
            UserEvent(
                at=at, name="CcmDialStep", attempt=channel, step=kind,
                milliseconds=str(int(at.timestamp() * 1000)), detail=detail,
            )
        )  # fmt: skip

    async def attempts(self) -> list[Any]:
        return await self.database.rows("SELECT * FROM ccm.attempt ORDER BY id")

    async def decisions(self) -> list[tuple[int, int, str]]:
        found = await self.database.rows("SELECT * FROM ccm.campaign_decision ORDER BY at")
        return [(one["number"], one["claimed"], one["reason"]) for one in found]


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with Database(database_url) as database:
        await with_places(database)
        await database.rows(
            "WITH node AS (INSERT INTO ccm.node (name) VALUES ('pbx1') RETURNING id) "
            "INSERT INTO ccm.queue (node_id, name) SELECT id, 'sales' FROM node RETURNING id"
        )
        await database.rows(
            "INSERT INTO ccm.trunk (name, dial, channels, calls_per_second, changed_by) "
            "VALUES ('one', 'PJSIP/{digits}@one', 50, 100, 'ann') RETURNING id"
        )
        await database.rows(
            "INSERT INTO ccm.dnc_scrub (source, scrubbed_at, noted_by, dnc_version) "
            "VALUES ('national', $1, 'ann', 0) RETURNING id",
            NOW - timedelta(days=1),
        )
        yield Desk(database)


async def dials(desk: Desk, numbers: int, mode: str = "progressive") -> Campaign:
    """A running campaign with so many leads."""
    made = await a_campaign(desk.database, "spring", *SETTINGS, f"mode={mode}")
    await leads(desk.database, made, *(phone(number) for number in range(numbers)))
    return made


async def test_a_call_from_its_claim_to_its_end(desk: Desk) -> None:
    await dials(desk, 3)
    desk.idle(2)
    await desk.after(0)
    assert len(desk.link.asked) == 2
    assert desk.link.asked[0]["Channel"] == f"PJSIP/{phone(0)[1:]}@one"
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


async def test_an_order_without_an_answer_is_not_given_again(desk: Desk) -> None:
    """Asterisk may have taken it: it shows by the channel, or by there being none."""

    def silent(fields: Mapping[str, Any]) -> None:
        raise ActionTimeout("no answer to Originate")

    await dials(desk, 2)
    desk.idle(2)
    desk.link.answer = silent
    await desk.after(0)
    taken, _ = desk.link.channels
    desk.channels.add(taken)
    desk.read_until = desk.now
    await desk.after(1)
    await desk.after(GONE_AFTER.total_seconds() + 1)
    assert [one["result"] for one in await desk.attempts()] == [None, None]  # not read since
    desk.read_until = desk.now
    await desk.after(1)
    assert [one["result"] for one in await desk.attempts()] == [None, "unknown"]
    assert (await desk.attempts())[1]["inferred"]
    assert len(desk.link.asked) == 2
    desk.step(taken, "ended", detail="19|Ringing")
    desk.dialing.hear(OriginateResponse(at=desk.now, uniqueid=taken, reason=3))
    await desk.after(1)
    assert (await desk.attempts())[0]["result"] == "no_answer"


@pytest.mark.parametrize("told", ["events", "queue_log"])
async def test_what_an_earlier_leader_left_is_taken_up(desk: Desk, told: str) -> None:
    await dials(desk, 3)
    desk.idle(3)
    await desk.after(0)
    talking, over, _ = desk.link.channels
    later = Desk(desk.database, term=2)
    later.now = desk.now + timedelta(seconds=5)
    later.channels = {talking}
    later.read_until = later.now
    # What the file has is read before the attempts are known.
    rows = [("answered", 0.0, ""), ("dropped", 2.0, ""), ("ended", 9.0, "16|Up")]
    later.dialing.learn([row(over, kind, desk.now, at, detail) for kind, at, detail in rows])
    await later.dialing.look()
    assert later.dialing.trunks.on("one") == 3
    await later.after(0)
    ended = await desk.attempts()
    assert [one["result"] for one in ended] == [None, "dropped", None]
    assert (ended[1]["dropped"], ended[1]["inferred"]) == (True, False)
    assert ended[1]["answered_at"] == desk.now
    later.read_until = later.now + timedelta(seconds=3)
    await later.after(4)
    assert [one["result"] for one in await desk.attempts()] == [None, "dropped", "unknown"]
    if told == "events":
        later.step(talking, "answered", -3)
        later.step(talking, "connected", -2)
        later.step(talking, "ended", detail="16|Up")
    else:
        steps = [("answered", 1.0, ""), ("connected", 1.5, ""), ("ended", 9.0, "16|Up")]
        later.dialing.learn([row(talking, kind, NOW, at, more) for kind, at, more in steps])
    await later.after(1)
    assert (await desk.attempts())[0]["result"] == "connected"
    assert later.dialing.trunks.on("one") == 0
    assert {one["lead_id"] for one in await desk.attempts()} == {
        one["id"] for one in await desk.database.rows("SELECT id FROM ccm.lead")
    }


def row(channel: str, kind: str, at: datetime, seconds: float, detail: str) -> QueueLogRow:
    at += timedelta(seconds=seconds)
    data = [kind, str(int(at.timestamp() * 1000)), *detail.split("|")]
    return QueueLogRow(
        node="pbx1", at=at, key=UUID(int=int(at.timestamp() * 1000)), sequence=1, call=channel,
        queue="sales", agent="NONE", event="CCMDIALSTEP", data=data,
    )  # fmt: skip


async def test_a_claim_whose_answer_was_lost_is_ended(desk: Desk) -> None:
    made = await dials(desk, 1)
    desk.idle(1)
    lost = await claiming(desk.database).claim(made, ["one"], NOW)
    await desk.after(0)
    desk.read_until = desk.now + timedelta(seconds=30)
    await desk.after(4)
    (attempt,) = await desk.attempts()
    assert (attempt["id"], attempt["result"]) == (lost.claimed[0].attempt, "unknown")
    assert desk.link.asked == []


async def test_what_is_told_after_the_end_was_concluded_is_not_lost(desk: Desk) -> None:
    """Asterisk was frozen, and dials late."""

    def silent(fields: Mapping[str, Any]) -> None:
        raise ActionTimeout("no answer to Originate")

    await dials(desk, 1)
    desk.idle(1)
    desk.link.answer = silent
    await desk.after(0)
    (call,) = desk.link.channels
    desk.read_until = desk.now + timedelta(seconds=30)
    await desk.after(1)
    await desk.after(11)
    (attempt,) = await desk.attempts()
    assert (attempt["result"], attempt["inferred"]) == ("unknown", True)
    for kind in ("answered", "dropped", "opted_out"):
        desk.step(call, kind)
    desk.channels.add(call)
    await desk.after(11)
    assert [one["result"] for one in await desk.attempts()] == [None]
    desk.step(call, "ended", detail="16|Up")
    await desk.after(1)
    (attempt,) = await desk.attempts()
    assert (attempt["result"], attempt["dropped"], attempt["inferred"]) == ("dropped", True, False)
    assert await count(desk.database, "dnc_entry") == 1


async def test_a_new_leader_looks_for_what_was_told_too_late(desk: Desk) -> None:
    """The end was concluded, queue_log told of it, and the leader was killed in between."""
    await dials(desk, 2)
    desk.idle(2)
    await desk.after(0)
    first, _ = desk.link.channels
    desk.read_until = desk.now + timedelta(seconds=30)
    await desk.after(1)
    await desk.after(11)
    assert [one["result"] for one in await desk.attempts()] == ["unknown", "unknown"]
    for number, (kind, more) in enumerate((("answered", ""), ("dropped", ""), ("ended", "16|Up"))):
        told = row(first, kind, NOW, number, more)
        await desk.database.rows(
            "INSERT INTO ccm.queue_log_row SELECT id, $1, $2, 1, $3, 'sales', 'NONE', $4, $5 "
            "FROM ccm.node RETURNING sequence",
            told.at, told.key, told.call, told.event, told.data,
        )  # fmt: skip
    later = Desk(desk.database, term=2)
    later.now = desk.now + timedelta(seconds=60)
    await later.after(0)
    assert [one["result"] for one in await desk.attempts()] == ["dropped", "unknown"]


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
