"""A recorder under test: a stand-in plays Asterisk, and what is told is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pbx_story import at

from ccmiddleware.config import Settings, parse
from ccmiddleware.facts import AnyFact, InteractionEvent, Recording, Segment
from ccmiddleware.ids import uuid7_shaped
from ccmiddleware.pbx.actions import Response
from ccmiddleware.recordings.control import Control
from ccmiddleware.recordings.recorder import Recorder

ID = uuid7_shaped(1764237600_000, "a call")

TALK = Segment(
    interaction_id=ID,
    ordinal=1,
    version=5,
    visit=1,
    node="pbx",
    interface="PJSIP/1001",
    member_name="Ann",
    channel="PJSIP/trunk-1",
    agent_channel="PJSIP/1001-1",
    offered_at=at(0),
    answered_at=at(2),
)
ENDED = replace(TALK, version=9, ended_at=at(32), ended_by="agent")


class StandIn:
    """Takes actions; ``does`` says what happens on each."""

    def __init__(self, does: Callable[[str, Mapping[str, Any]], None] | None = None) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.does = does or (lambda action, fields: None)

    async def send(
        self,
        action: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        timeout: float | None = None,
    ) -> Response:
        self.sent.append((action, dict(fields or {})))
        self.does(action, fields or {})
        headers = {"MixMonitorID": f"0x{len(self.sent)}"} if action == "MixMonitor" else {}
        return Response(headers, [], "")

    @property
    def actions(self) -> list[str]:
        """Names of what was sent, in order."""
        return [action for action, _ in self.sent]


class Desk:
    """A recorder under test with what it told."""

    def __init__(
        self, directory: Path, asterisk: StandIn, policy: str = "always", **recording: Any
    ) -> None:
        self.settings: Settings = parse(
            {
                "node": [
                    {"name": "pbx", "ami": {"secret": "x"}, "recordings": str(directory)},
                ],
                "recording": {"policy": policy, **recording},
            },
            "test",
        )
        self.told: list[AnyFact] = []
        self.asterisk = asterisk
        self.changed = asyncio.Event()
        self.now = at(10)
        self.sure = asyncio.Event()
        """Whether it is certain that this daemon leads."""
        self.sure.set()
        self.asked_whether_sure = asyncio.Event()
        self.recorder = Recorder(
            self.settings.node[0],
            self.settings,
            asterisk,
            self.tell,
            lambda segment: "support",
            clock=self.clock,
            certain=self.certain,
            finish_within=2.0,
            retry_after=0.1,
        )
        self.control = Control(self.recorder, self.certain)

    def clock(self) -> datetime:
        return self.now

    async def certain(self) -> None:
        """Wait while somebody else may lead."""
        self.asked_whether_sure.set()
        await self.sure.wait()

    def tell(self, facts: Sequence[AnyFact]) -> None:
        self.told.extend(facts)
        self.changed.set()

    def observe(self, *facts: AnyFact) -> None:
        self.recorder.observe(facts)

    def kinds(self) -> list[str]:
        """Kinds of the lines of the history."""
        return [fact.kind for fact in self.told if isinstance(fact, InteractionEvent)]

    def states(self) -> list[str]:
        recordings = [fact for fact in self.told if isinstance(fact, Recording)]
        for segment in {one.segment for one in recordings}:
            versions = [one.version for one in recordings if one.segment == segment]
            assert versions == sorted(set(versions))
        return [one.state for one in recordings]

    @property
    def last(self) -> Recording:
        return [fact for fact in self.told if isinstance(fact, Recording)][-1]

    @property
    def last_state(self) -> str:
        return self.last.state if self.told else "none"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self.recorder.run(), name="recorder"),
                tasks.create_task(self.control.run(), name="codes"),
            ]
            yield
            for task in running:
                task.cancel()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self.changed.wait()
