"""A floor of agents who are offered leads, a daemon and whoever is called: what tests see of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from lab import outbound
from lab.asterisk import Asterisk
from lab.daemon import Daemon
from lab.far_end import Call, FarEnd
from lab.parties import Party
from lab.phones import Sipp
from lab.processes import until
from witness import eventually

PATIENCE = 40.0


@dataclass
class Floor:
    """The servers, agents with open lines or phones, and whoever is called."""

    pbx: Asterisk
    daemon: Daemon
    url: str
    far: FarEnd
    lines: Mapping[str, Sipp]
    """Lines, or phones, by extension."""
    numbers: list[str]
    campaign: str = ""

    async def rows(self, query: str, *given: object) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [dict(row) for row in await connection.fetch(query, *given)]
        finally:
            await connection.close()

    async def begin(self, name: str, *numbers: str, mode: str = "preview") -> str:
        """A campaign with these leads; the number of the first one."""
        self.campaign = name
        people = [Party(number, "person", 3.0, float("inf")) for number in numbers]
        await outbound.prepare(self.daemon, name, people, mode=mode)
        await outbound.begin(self.daemon, name)
        return str((await self.lead(numbers[0]))["id"])

    async def end(self) -> None:
        await outbound.ccm(self.daemon, "campaign", "stop", self.campaign)

    def steps(self) -> list[tuple[str, str, str]]:
        """All steps of offers so far: step, lead, agent."""
        return [
            (row.data[0], row.data[2], row.agent)
            for row in self.pbx.queue_log()
            if row.event == "CCMPREVIEWSTEP"
        ]

    async def told(self, step: str, lead: str, times: int = 1) -> str:
        """Wait until the dialplan told it so often; the agent of the last one."""

        def found() -> list[str]:
            return [agent for kind, of, agent in self.steps() if (kind, of) == (step, lead)]

        await until(lambda: len(found()) >= times, PATIENCE, f"{step} of lead {lead}")
        return found()[-1]

    async def lead(self, number: str) -> dict[str, Any]:
        (row,) = await self.rows(
            "SELECT l.* FROM ccm.lead AS l JOIN ccm.lead_number AS n ON n.lead_id = l.id"
            " JOIN ccm.campaign AS c ON c.id = l.campaign_id WHERE n.number = $1 AND c.name = $2",
            number, self.campaign,
        )  # fmt: skip
        return row

    async def attempt(self, number: str) -> dict[str, Any]:
        """The one attempt at this number, when it is over."""

        async def rows() -> list[dict[str, Any]]:
            return await self.rows("SELECT * FROM report.attempt WHERE number = $1", number)

        def over(found: list[dict[str, Any]]) -> bool:
            return len(found) == 1 and found[0]["result"] is not None

        return (await eventually(rows, over, PATIENCE, f"end of the attempt at {number}"))[0]

    async def becomes(self, number: str, state: str) -> None:
        """Wait until the lead is in that state."""
        await eventually(
            lambda: self.lead(number), lambda row: row["state"] == state, PATIENCE, state
        )

    async def agent_is(self, interface: str, state: str) -> None:
        """Wait until the daemon tells so of an agent."""

        async def states() -> dict[str, str]:
            rows = await self.daemon.rows("agent", "list")
            return {row["interface"]: row["state"] for row in rows}

        await eventually(states, lambda of: of[interface] == state, PATIENCE, state)

    def called(self, number: str) -> list[Call]:
        """What the far end saw of that number."""
        return [call for call in self.far.calls() if call.number == number]

    def line(self, interface: str) -> Sipp:
        """The line or phone of an agent, by the member's interface."""
        return self.lines[interface.partition("/")[2].partition("@")[0]]

    async def stored(self, attempt: Mapping[str, Any]) -> dict[str, Any]:
        """The interaction of an attempt, with its one talk, when it is over."""

        async def rows() -> list[dict[str, Any]]:
            return await self.rows(
                "SELECT i.direction, i.outcome, i.campaign, i.caller, a.interface, s.ended_by,"
                " s.visit, s.inferred, s.wrap_up_seconds, s.answered_at, s.ended_at"
                " FROM report.interaction AS i JOIN ccm.segment AS s ON s.interaction_id = i.id"
                " JOIN ccm.agent AS a ON a.id = s.agent_id WHERE i.attempt_id = $1",
                attempt["id"],
            )

        (found,) = await eventually(
            rows, lambda rows: len(rows) == 1 and bool(rows[0]["outcome"]), PATIENCE, "its talk"
        )
        return found
