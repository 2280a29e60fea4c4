"""A daemon beside a PBX, with all that can be taken from it, and what is expected of the calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import witness
from lab import audio
from lab.asterisk import Asterisk
from lab.daemon import LINK, Daemon, part
from lab.database import Database, rows
from lab.relay import Relay
from stage import Call, Stage
from witness import Stay


@dataclass
class Site:
    """The servers, and the calls on them as they are stored."""

    pbx: Asterisk
    stage: Stage
    relay: Relay
    database: Database
    daemon: Daemon
    url: str
    """Address of the daemon's database."""

    async def stored(self, calls: Sequence[Call]) -> dict[str, list[Stay]]:
        told = await witness.by_us(self.url)
        return {call.id: told.get(call.id, []) for call in calls}

    async def knows(self, calls: Sequence[Call], outcome: str) -> None:
        """Wait until the last stay of each call has that outcome in the database."""

        def known(stored: Mapping[str, Sequence[Stay]]) -> bool:
            return all(stays and stays[-1].outcome == outcome for stays in stored.values())

        await witness.eventually(
            lambda: self.stored(calls), known, 30, f"{outcome!r} in the database"
        )

    async def records(self, calls: Sequence[Call]) -> None:
        """Wait until each call is being recorded."""
        ids = [call.id for call in calls]
        await witness.recordings_are("recording", self.recordings, ids)

    async def recordings(self) -> dict[str, dict[str, Any]]:
        """The recording of each call; no call here has two talks."""
        sql = (
            "SELECT uniqueid, r.*, extract(epoch FROM s.ended_at - s.answered_at)::float8 AS talk "
            "FROM ccm.recording AS r JOIN ccm.interaction AS i ON i.id = r.interaction_id "
            "JOIN ccm.segment AS s ON s.interaction_id = i.id AND s.ordinal = r.segment"
        )
        return {str(row["uniqueid"]): row for row in await rows(self.url, sql)}

    async def over(self, calls: Sequence[Call]) -> dict[str, list[Stay]]:
        """Wait until all calls are over in the database; each has one interaction."""
        ids = [call.id for call in calls]
        sql = "SELECT uniqueid, state FROM ccm.interaction WHERE uniqueid = ANY ($1)"

        def ended(found: Sequence[Mapping[str, object]]) -> bool:
            return len(found) >= len(ids) and all(row["state"] == "ended" for row in found)

        found = await witness.eventually(
            lambda: rows(self.url, sql, ids), ended, 40, "calls to be over in the database"
        )
        assert sorted(str(row["uniqueid"]) for row in found) == sorted(ids)
        return await self.stored(calls)

    def logged(self, calls: Sequence[Call]) -> dict[str, list[Stay]]:
        told = witness.by_asterisk(self.pbx.queue_log())
        return {call.id: told[call.id] for call in calls}

    async def as_logged(self, calls: Sequence[Call]) -> None:
        """Each call is over, seen from beginning to end, and as queue_log has it."""
        stored = await self.over(calls)
        assert witness.differences(self.logged(calls), stored) == []
        assert not [stays for stays in stored.values() if stays[-1].inferred]

    async def as_logged_but_for_ends(self, calls: Sequence[Call]) -> None:
        """Each call was seen to begin and not to end; all else is as queue_log has it."""
        stored, logged = await self.over(calls), self.logged(calls)
        for call in calls:
            (our,), (their,) = stored[call.id], logged[call.id]
            assert our.inferred
            assert (our.agent, our.unanswered) == (their.agent, their.unanswered)
            if their.agent:
                assert (our.outcome, our.ended_by) == ("answered", "lost")
                assert our.wait == pytest.approx(their.wait, abs=witness.WITHIN)
                assert our.talk <= their.talk + witness.WITHIN
            else:
                assert our.outcome == "lost"
                assert our.wait <= their.wait + witness.WITHIN

    async def as_logged_but_for_begins(self, calls: Sequence[Call]) -> None:
        """Each call began unseen, or the talk did, and is as queue_log has it all the same.

        The ages of calls and channels, which tell the begin, are in whole seconds.
        """
        stored, logged = await self.over(calls), self.logged(calls)
        for call in calls:
            (our,), (their,) = stored[call.id], logged[call.id]
            assert our.inferred
            assert (our.queue, our.outcome, our.agent) == (their.queue, their.outcome, their.agent)
            assert our.ended_by == their.ended_by
            assert our.wait == pytest.approx(their.wait, abs=1 + witness.WITHIN)
            assert our.talk == pytest.approx(their.talk, abs=1 + witness.WITHIN)

    async def recorded(self, calls: Sequence[Call], whole: bool = True) -> None:
        """Each call has a finished recording; if ``whole``, as long as the talk in queue_log."""
        ids = [call.id for call in calls]
        found = await witness.recordings_are("finished", self.recordings, ids)
        for call, (*_, last) in zip(calls, self.logged(calls).values(), strict=True):
            row = found[call.id]
            heard = audio.read_wav(self.pbx.recordings / row["path"])
            assert heard.seconds == pytest.approx(row["seconds"], abs=0.001)
            assert heard.silence() < 0.6
            if whole:
                assert heard.seconds == pytest.approx(last.talk, abs=witness.WITHIN)


async def link_is(daemon: Daemon, up: bool, seconds: float = 30) -> Mapping[str, Any]:
    """Wait until the daemon says so of its link; what it says."""
    health = await daemon.says(
        lambda health: part(health, LINK).get("up") is up, seconds, f"link up is {up}"
    )
    return part(health, LINK)


async def doctors(daemon: Daemon) -> dict[str, str]:
    """What the doctor finds failed, by subject."""
    ran = await daemon.ccm("doctor", "--json")
    findings = ran.json["findings"]
    found = {one["subject"]: one["found"] for one in findings if one["verdict"] == "failed"}
    assert ran.code == (1 if found else 0)
    return found
