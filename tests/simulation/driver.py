"""Feeds the simulated PBX's events to the pure machines, as ``node`` does, and makes faults.

``Simulation.run`` lets the PBX go on until all calls are over, checks the rows after every step and
compares each call with its truth when it is over. Time is the PBX's own; nothing sleeps.

The faults: a stretch of events that is dropped (a full queue), a link that is down for a while, an
Asterisk that is killed, a daemon that is killed and goes on from the stored rows, AgentComplete
told twice. A call that lies outside of all of them must be exact all the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

from simulation.comparing import compare_exactly, compare_loosely, compare_states
from simulation.pbx_model import BEGIN, SECOND, Agent, Pbx, Queue, Script
from simulation.rows import Broken, Rows
from simulation.shifts import shift
from simulation.truth import CallTruth
from simulation.ways import arrivals

from ccmiddleware.agents.presence import Presence
from ccmiddleware.calls.machine import END_WITHIN, CallMachine
from ccmiddleware.ids import interaction_id
from ccmiddleware.pbx import events as ami

NODE = "pbx"
AGENTS = 60
CALLS_PER_SECOND = 3.0
LOOK_AFTER = END_WITHIN + timedelta(seconds=3)
"""When an interaction that ended must be closed in all its rows, and is compared."""


def some_queues() -> list[Queue]:
    return [
        Queue("support"),
        Queue("sales", timeout=20, wrap_up=5),
        Queue("all", ring_all=True, ring=6),
        Queue("keys", keys=True, wrap_up=2),
        Queue("brief", timeout=6, ring=4),
    ]


def some_agents() -> list[Agent]:
    return [Agent(str(1001 + n), f"Agent {1001 + n}") for n in range(AGENTS)]


@dataclass
class Report:
    """What a run was."""

    calls: int = 0
    exact: int = 0
    loose: int = 0
    events: int = 0
    dropped: int = 0
    facts: int = 0
    states: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    ways: dict[str, int] = field(default_factory=dict)


class Simulation:
    """One PBX, one daemon, one database."""

    def __init__(
        self,
        seed: int,
        calls: int,
        *,
        faults: bool = False,
        machine: Callable[[str], CallMachine] = CallMachine,
        presence: Callable[[str], Presence] = Presence,
    ) -> None:
        self.rng = Random(seed)
        self.calls = calls
        self.faults = faults
        self.make_machine = machine
        self.make_presence = presence
        self.pbx = Pbx(self.rng, some_queues(), some_agents())
        self.rows = Rows()
        self.report = Report()
        self.trace: list[ami.Event] | None = None
        """All events that the product saw, when somebody wants to read them."""
        self.machine = self.make_machine(NODE)
        self.presence = self.make_presence(NODE)
        self._read: list[ami.Event] = []
        self._dropping = False
        self._unseen_since: datetime | None = BEGIN
        self._unseen: list[tuple[datetime, datetime]] = []
        self._stopped = False
        """Whether no daemon runs now, or it does not read."""
        self._dropped_first: datetime | None = None
        self._down_at: datetime | None = None
        self._asking = False
        self._look_at: deque[tuple[datetime, UUID]] = deque()
        self._over: deque[CallTruth] = deque()
        """Calls that are over and wait to be compared."""
        self._done: list[CallTruth] = []
        self._listed_at = BEGIN
        self._adrift: set[UUID] = set()
        """Interactions that ended while no daemon was there to close their last rows."""
        self._arriving = True

    # -- running ----------------------------------------------------------------------------

    def run(self) -> Report:
        self._begin()
        pbx = self.pbx
        read_at = 0
        while (at := pbx.next_at()) is not None:
            while read_at < at:
                read_at += self._read_at(read_at)
            pbx.run_next()
            if pbx.out:
                self._hear()
        for _ in range(150):
            read_at += self._read_at(read_at) + SECOND // 2
        self._finish()
        return self.report

    def _begin(self) -> None:
        """Members log in while nobody listens; then the daemon starts, and calls come."""
        pbx = self.pbx
        for agent in pbx.agents:
            for name in pbx.queues:
                if pbx.chance(0.4):
                    pbx.log_in(agent, name)
            if not agent.queues:
                pbx.log_in(agent, "support")
        pbx.out.clear()  # nobody was there to hear it
        self._connect(None)
        pbx.start(self._lists(), SECOND // 10)
        pbx.start(self._calls(), SECOND)
        for agent in pbx.agents:
            pbx.start(shift(pbx, agent, lambda: not self._arriving))
        if self.faults:
            pbx.start(self._trouble(), 20 * SECOND)

    def _calls(self) -> Script:
        for pause in arrivals(self.pbx, self.calls, CALLS_PER_SECOND):
            self.report.calls += 1
            yield pause
        self._arriving = False

    def _hear(self) -> None:
        """Events leave the PBX: to the daemon, or to nobody."""
        out = self.pbx.out
        if self.faults:
            self._tell_again(out)
        self.report.events += len(out)
        if self._dropping:
            self.report.dropped += len(out)
            if self._dropped_first is None:
                self._dropped_first = out[0].at
        else:
            self._read += out
        out.clear()

    def _tell_again(self, out: list[ami.Event]) -> None:
        """AgentComplete may come twice."""
        for event in out:
            if type(event) is ami.AgentComplete and event.uniqueid and self.rng.random() < 0.01:
                again = partial(out.append, event)
                self.pbx.start(again, self.pbx.seconds(0.001, 20))

    # -- the daemon -------------------------------------------------------------------------

    def _read_at(self, microseconds: int) -> int:
        """The daemon reads what has come. Gives when it will next."""
        if self._stopped:
            return SECOND // 4
        now = BEGIN + timedelta(microseconds=microseconds)
        if self._read:
            events, self._read = self._read, []
            for event in events:
                self._step(event, now)
        self._take_observed(self.machine.tick(now))
        self.rows.take(self.presence.tick(now))
        while self._look_at and self._look_at[0][0] <= now:
            self._look(self._look_at.popleft()[1])
        if self.pbx.over:
            self._over += self.pbx.over
            self.pbx.over.clear()
        if self._unseen_since is None:
            before = now - LOOK_AFTER
            if not self._unseen or self._unseen[-1][1] < before:
                while self._over and self._over[0].over_at < before:  # type: ignore[operator]
                    self._compare(self._over.popleft())
        return int(self.rng.random() * 400_000) + 1000

    def _step(self, event: ami.Event, now: datetime) -> None:
        if self.trace is not None:
            self.trace.append(event)
        facts = self.machine.step(event, now)
        if facts:
            self._take_observed(facts)
            if self.rows.ended:
                for one in self.rows.ended:
                    self._look_at.append((now + LOOK_AFTER, one))
                self.rows.ended.clear()
        kind = type(event)
        facts = self.presence.step(event)
        if facts:
            self.rows.take(facts)
        if kind is ami.QueueCallerJoin or kind is ami.AgentConnect:
            self._saw(event)  # type: ignore[arg-type]
        elif kind is ami.CoreShowChannelsComplete:
            self._lists_ended()

    def _take_observed(self, facts: list) -> None:  # type: ignore[type-arg]
        if facts:
            self.rows.take(facts)
            told = self.presence.observe(facts)
            if told:
                self.rows.take(told)

    def _saw(self, event: ami.ChannelEvent) -> None:
        truth = self.pbx.calls.get(event.uniqueid)
        if truth is not None:
            truth.seen = True

    def _connect(self, at: datetime | None) -> None:
        """Events were missed since ``at``; lists are asked for."""
        self.machine.miss(at)
        self.presence.miss()

    def _lists(self) -> Script:
        """Asks for both lists until they came whole."""
        if self._asking:
            return
        self._asking = True
        while self.machine.resync is not None and not self._dropping:
            self._listed_at = self.pbx.at
            # The first VarSet of a connection is told, whatever it is.
            self.pbx.emit(ami.QueueStatusSet, None, variable="X", value="")
            yield from self.pbx.answer_lists()
            yield SECOND // 2
        self._asking = False

    def _lists_ended(self) -> None:
        if self.machine.resync is None and self._unseen_since is not None:
            self._unseen.append((self._unseen_since, self.pbx.at))
            self._unseen_since = None
            self._see_listed()

    def _see_listed(self) -> None:
        """Who waited or talked when the lists were asked for, and does still, was listed."""
        for queue in self.pbx.queues.values():
            for channel in queue.waiting:
                since = BEGIN + timedelta(microseconds=queue.joined[channel.uniqueid])
                if since < self._listed_at:
                    self.pbx.calls[channel.uniqueid].seen = True
        for truth in self.pbx.calls.values():
            for talk in truth.talks:
                if talk.by_queue and talk.ended_at is None and talk.answered_at < self._listed_at:
                    truth.seen = True

    # -- faults -----------------------------------------------------------------------------

    def _trouble(self) -> Script:
        """One fault after another, while calls come."""
        pbx = self.pbx
        makers = (self._gap, self._link_lost, self._asterisk_killed, self._daemon_killed)
        while self._arriving:
            yield pbx.seconds(5, 90)
            maker = makers[int(self.rng.random() * len(makers))]
            name = maker.__name__[1:]
            self.report.faults[name] = self.report.faults.get(name, 0) + 1
            yield from maker()
            while self._dropping or self.machine.resync is not None:
                # Faults may come so fast that the lists are never whole.
                if pbx.chance(0.1):
                    break
                yield SECOND

    def _drop(self) -> None:
        self._dropping = True
        self._dropped_first = None
        if self._unseen_since is None:
            self._unseen_since = self.pbx.at

    def _gap(self) -> Script:
        """The daemon does not read for so long that the stream overflows."""
        self._flush()
        self._drop()
        self._stopped = True
        pbx = self.pbx
        yield pbx.seconds(0.001, 0.3) if pbx.chance(0.6) else pbx.seconds(0.3, 20)
        self._stopped = False
        self._dropping = False
        if self._dropped_first is not None:
            self._connect(self._dropped_first)
            pbx.start(self._lists(), pbx.seconds(0.0, 0.5))
        elif self.machine.resync is None:
            self._unseen_since = None

    def _link_lost(self) -> Script:
        at = self.pbx.at
        self._flush()
        self._drop()
        self.machine.miss(at)
        yield self.pbx.seconds(0.5, 60)
        yield from self._link_up(at)

    def _link_up(self, since: datetime) -> Script:
        self._dropping = False
        self._connect(since)
        self.pbx.start(self._lists(), self.pbx.seconds(0.0, 0.5))
        yield 1

    def _asterisk_killed(self) -> Script:
        at = self.pbx.at
        self._flush()
        self._drop()
        self.machine.miss(at)
        self.pbx.die()
        yield self.pbx.seconds(2, 15)
        yield from self._link_up(at)

    def _daemon_killed(self) -> Script:
        self._flush()
        self._drop()
        facts = self.rows.open_facts()
        for kept in self.rows.interactions.values():
            if kept.row is not None and kept.row.ended_at is not None and kept.open_rows():
                self._adrift.add(kept.row.id)
        at = self.pbx.at
        self._stopped = True
        yield self.pbx.seconds(0.2, 30)
        self._stopped = False
        self.machine = self.make_machine(NODE)
        self.presence = self.make_presence(NODE)
        self.machine.restore(facts)
        self.presence.restore(facts)
        yield from self._link_up(at)

    def _flush(self) -> None:
        """What came before the fault is read still."""
        self._read_at(self.pbx.now)

    # -- comparing --------------------------------------------------------------------------

    def _look(self, interaction: UUID) -> None:
        """An interaction ended a while ago: nothing of it is open any more."""
        kept = self.rows.interactions.get(interaction)
        if kept is not None and kept.open_rows() and interaction not in self._adrift:
            raise Broken(f"still open: {kept.open_rows()}", interaction)

    def _finish(self) -> None:
        machine = self.machine
        if machine.resync is not None:
            raise Broken("the lists never came whole")
        left = {
            name: value
            for name, value in {
                "by_id": machine.by_id,
                "ended": machine.ended,
                "by_uniqueid": machine.by_uniqueid,
                "talks": machine.talks,
                "due": machine.due,
                "asked_to_end": machine.asked_to_end,
                "transferred": machine.transferred,
                "channels": machine.topology.channels,
                "bridges": machine.topology._bridges,
                "halves": machine.topology._halves,
                "wrapping_up": self.presence.wrapping_up,
                "offers": [a for a in self.presence.agents.values() if a.offers],
                "talking": [a for a in self.presence.agents.values() if a.talks],
            }.items()
            if value
        }
        if left:
            raise Broken(f"left in memory: {left}")
        for truth in self._over:
            self._compare(truth)
        for kept in self.rows.interactions.values():
            raise Broken(f"no such call: {kept}", kept.row.id if kept.row else None)
        if not self.faults:
            told = self.rows.intervals
            for agent in self.pbx.agents:
                self.report.states += compare_states(
                    agent.interface,
                    agent.states,
                    [*self._done],
                    [*told.get(agent.interface, ()), self.rows.states[agent.interface]],
                )
        self.report.facts = self.rows.facts

    def _compare(self, truth: CallTruth) -> None:
        interaction = interaction_id(NODE, truth.linkedid)
        kept = self.rows.interactions.get(interaction)
        assert truth.over_at is not None
        over = truth.over_at + timedelta(seconds=1)
        if any(since <= over and truth.begun_at <= until for since, until in self._unseen):
            self.report.loose += 1
            compare_loosely(truth, kept)
        else:
            self.report.exact += 1
            compare_exactly(truth, kept)
        self.rows.interactions.pop(interaction, None)
        if not self.faults:
            self._done.append(truth)
