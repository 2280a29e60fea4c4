"""A dialer on a real Postgres, with a stand-in for the link and for what is seen of the node."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from claims import NOW, a_campaign, leads, phone, with_places

from ccmiddleware.dialer.dialing import Dialing
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.seeing import Sees
from ccmiddleware.dialer.teams import Doing
from ccmiddleware.facts import QueueLogRow
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.pbx.link import AmiLink
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
        """In the order of their attempts' ids: orders go out beside one another."""
        return sorted(str(fields["ChannelId"]) for fields in self.asked)


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


def row(channel: str, kind: str, at: datetime, seconds: float, detail: str) -> QueueLogRow:
    at += timedelta(seconds=seconds)
    data = [kind, str(int(at.timestamp() * 1000)), *detail.split("|")]
    return QueueLogRow(
        node="pbx1", at=at, key=UUID(int=int(at.timestamp() * 1000)), sequence=1, call=channel,
        queue="sales", agent="NONE", event="CCMDIALSTEP", data=data,
    )  # fmt: skip
