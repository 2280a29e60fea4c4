"""``ccm`` as tests call it, and the facts of one small day of a contact center."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from ccmiddleware import facts
from ccmiddleware.cli.main import cli
from ccmiddleware.ids import interaction_id
from ccmiddleware.store.database import Database
from ccmiddleware.store.journal import Journal
from ccmiddleware.store.writer import FactWriter

PROJECT = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
LINKED = f"{int(BEGIN.timestamp())}.1"
LOST = f"{int(BEGIN.timestamp()) + 3600}.7"
ANSWERED = interaction_id("pbx1", LINKED)
ABANDONED = interaction_id("pbx1", LOST)
HOSTILE = 'Eve [red]x[/red] "q" \x1b[2J\u202e \U0001f642'
"""What a caller may send as a name: markup, an escape sequence, a bidi override, an emoji."""

AUDIO = b"RIFF" + bytes(range(256)) * 40
RECORDING = f"2026/03/02/{ANSWERED}-1.wav"


def at(seconds: float) -> datetime:
    """A moment of the day, counted from its begin."""
    return BEGIN + timedelta(seconds=seconds)


@dataclass
class Ccm:
    """``ccm`` with a configuration file of its own."""

    directory: Path
    lines: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.directory / "ccm.toml"

    @property
    def recordings(self) -> Path:
        return self.directory / "monitor"

    def write(self, text: str) -> None:
        """Replace the configuration file."""
        self.config.write_text(text)
        self.config.chmod(0o600)

    def run(self, *arguments: str, code: int = 0) -> Result:
        """Run in this process; the exit code must be ``code``."""
        runner = CliRunner(env={"TZ": "Europe/Berlin", "CCM_CONFIG": ""})
        result = runner.invoke(cli, ["--config", str(self.config), *arguments])
        assert result.exit_code == code, result.output
        return result

    def process(
        self, *arguments: str, environment: dict[str, str] | None = None, text: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Run as a program of its own, as a user does."""
        return subprocess.run(
            [sys.executable, "-m", "ccmiddleware", "--config", str(self.config), *arguments],
            cwd=PROJECT,
            env={**os.environ, "TZ": "Europe/Berlin", **(environment or {})},
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


async def put(url: str, directory: Path, what: Sequence[facts.AnyFact]) -> None:
    """Bring facts into the database the way the daemon does."""
    journal = Journal(directory)
    journal.open()
    async with Database(url) as database, asyncio.TaskGroup() as group:
        writer = FactWriter(database, journal)
        writer.write(what)
        group.create_task(writer.run())
        try:
            assert await writer.drained(30)
            assert writer.counts.rejected == 0
        finally:
            await writer.stop()
    journal.close()


def a_day() -> list[facts.AnyFact]:
    """Facts of two calls, two queues and two agents on one node."""
    return [*_people(), *_answered(), *_abandoned()]


def _people() -> list[facts.AnyFact]:
    return [
        facts.Queue(node="pbx1", name="support", strategy="rrmemory", seen_at=at(0)),
        facts.Queue(node="pbx1", name="sales", strategy="leastrecent", seen_at=at(0)),
        *(
            facts.QueueMembership(
                node="pbx1", queue=queue, interface=interface, at=at(0), member=True, penalty=1
            )
            for queue, interface in (("support", "PJSIP/1001"), ("support", "PJSIP/1002"))
        ),
        facts.Agent(node="pbx1", interface="PJSIP/1001", name="Alice Arnold", seen_at=at(0)),
        facts.Agent(node="pbx1", interface="PJSIP/1002", name="Jörg Müller", seen_at=at(0)),
        facts.AgentState(
            node="pbx1", interface="PJSIP/1001", started_at=at(0), version=1, state="idle"
        ),
        facts.AgentState(
            node="pbx1",
            interface="PJSIP/1002",
            started_at=at(0),
            version=1,
            state="paused",
            reason="lunch",
        ),
    ]


def _event(id_: object, seconds: float, kind: str, **data: object) -> facts.InteractionEvent:
    return facts.InteractionEvent(
        interaction_id=id_,  # type: ignore[arg-type]
        key=f"{kind}:1",
        kind=kind,
        at=at(seconds),
        data=data,
    )


def _answered() -> list[facts.AnyFact]:
    return [
        facts.Interaction(
            id=ANSWERED,
            version=9,
            node="pbx1",
            state="ended",
            linkedid=LINKED,
            uniqueid=LINKED,
            caller_num="12025550123",
            caller_name="Carol",
            did="8001",
            started_at=at(0),
            ended_at=at(95),
            outcome="answered",
        ),
        facts.QueueVisit(
            interaction_id=ANSWERED,
            ordinal=1,
            version=3,
            node="pbx1",
            queue="support",
            position=1,
            joined_at=at(1),
            answered_at=at(12),
            left_at=at(12),
            outcome="answered",
        ),
        facts.Offer(
            interaction_id=ANSWERED,
            ordinal=1,
            version=2,
            visit=1,
            node="pbx1",
            interface="PJSIP/1001",
            member_name="Alice Arnold",
            offered_at=at(8),
            ended_at=at(12),
            outcome="answered",
        ),
        facts.Segment(
            interaction_id=ANSWERED,
            ordinal=1,
            version=2,
            visit=1,
            node="pbx1",
            interface="PJSIP/1001",
            member_name="Alice Arnold",
            channel="PJSIP/trunk-1",
            agent_channel="PJSIP/1001-1",
            offered_at=at(8),
            answered_at=at(12),
            ended_at=at(94.5),
            ended_by="caller",
        ),
        facts.Recording(
            interaction_id=ANSWERED,
            segment=1,
            version=3,
            node="pbx1",
            state="finished",
            path=RECORDING,
            started_at=at(12),
            ended_at=at(94.5),
            seconds=82.4,
            bytes=len(AUDIO),
            sha256=hashlib.sha256(AUDIO).hexdigest(),
        ),
        _event(ANSWERED, 1, "joined", queue="support", position=1),
        _event(ANSWERED, 8, "offered", agent="Alice Arnold", interface="PJSIP/1001"),
        _event(ANSWERED, 12, "answered", agent="Alice Arnold", queue="support"),
        _event(ANSWERED, 94.5, "completed", agent="Alice Arnold", by="caller"),
        _event(ANSWERED, 95, "ended", outcome="answered"),
    ]


def _abandoned() -> list[facts.AnyFact]:
    return [
        facts.Interaction(
            id=ABANDONED,
            version=4,
            node="pbx1",
            state="ended",
            linkedid=LOST,
            uniqueid=LOST,
            caller_num="12025550666",
            caller_name=HOSTILE,
            did="8002",
            started_at=at(3600),
            ended_at=at(3633),
            outcome="abandoned",
        ),
        facts.QueueVisit(
            interaction_id=ABANDONED,
            ordinal=1,
            version=2,
            node="pbx1",
            queue="sales",
            position=1,
            joined_at=at(3603),
            left_at=at(3633),
            outcome="abandoned",
        ),
        _event(ABANDONED, 3603, "joined", queue="sales", position=1),
        _event(ABANDONED, 3633, "abandoned", queue="sales"),
        _event(ABANDONED, 3633, "ended", outcome="abandoned"),
    ]
