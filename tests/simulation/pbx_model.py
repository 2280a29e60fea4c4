"""A small model of an Asterisk with queues: it makes the AMI events that a real one would send.

``Pbx`` has a clock of its own (virtual microseconds), channels, bridges, queues, agents and their
phones. What callers and agents do stands in ``ways`` and ``shifts``: each is a generator that
yields how many microseconds pass until it goes on, so that any number of them run side by side on
one stream. The orders of events are those of tests/recorded. Nothing here knows the product, but
for the classes of its events.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from simulation.truth import CallTruth

from ccmiddleware.pbx import events as ami

BEGIN = datetime(2026, 11, 27, 9, 0, 0, tzinfo=UTC)
EPOCH = int(BEGIN.timestamp())
SECOND = 1_000_000

Script = Generator[int, None, Any]
"""What somebody does; yields microseconds until it goes on."""

NOT_IN_USE, IN_USE, UNAVAILABLE, RINGING = 1, 2, 5, 6


class Channel:
    """A channel that exists."""

    __slots__ = (
        "application", "born", "bridge", "caller_name", "data", "exten", "linkedid", "name", "num",
        "uniqueid",
    )  # fmt: skip

    def __init__(self, name: str, uniqueid: str, linkedid: str, num: str, exten: str) -> None:
        self.name = name
        self.uniqueid = uniqueid
        self.linkedid = linkedid
        self.num = num
        self.caller_name = ""
        self.exten = exten
        self.bridge = ""
        self.application = ""
        self.data = ""
        self.born = 0


@dataclass(eq=False)
class Queue:
    """A queue as queues.conf has it. ``ring`` and ``timeout`` in seconds; 0: no timeout."""

    name: str
    ring_all: bool = False
    ring: int = 12
    timeout: int = 0
    wrap_up: int = 0
    keys: bool = False
    waiting: list[Channel] = field(default_factory=list)
    joined: dict[str, int] = field(default_factory=dict)


@dataclass
class Member:
    """An agent in a queue."""

    paused: bool = False
    reason: str = ""
    penalty: int = 0


@dataclass(eq=False)
class Agent:
    """A person with a phone."""

    number: str
    name: str
    queues: dict[str, Member] = field(default_factory=dict)
    reachable: bool = True
    engaged: int = 0
    """Channels on the phone, or about to be made."""
    ringing: int = 0
    free_at: int = 0
    """End of the wrap-up that app_queue grants."""
    status: int = NOT_IN_USE
    told_until: int = 0
    states: list[tuple[datetime, str]] = field(default_factory=list)
    """What the queues have said of the agent: what the agent is when no call says otherwise."""

    @property
    def interface(self) -> str:
        return f"PJSIP/{self.number}"

    def standing(self) -> str:
        """The agent's state as far as queues and phone tell."""
        if not self.queues:
            return "logged_out"
        if all(member.paused for member in self.queues.values()):
            return "paused"
        if self.status == UNAVAILABLE:
            return "unavailable"
        if self.status == RINGING:
            return "ringing"
        return "busy" if self.status == IN_USE else "idle"


class Pbx:
    """The PBX. Events gather in ``out`` until somebody takes them."""

    def __init__(self, rng: Random, queues: Iterable[Queue], agents: Iterable[Agent]) -> None:
        self.rng = rng
        self.queues = {queue.name: queue for queue in queues}
        self.agents = list(agents)
        self.now = 0
        self.at = BEGIN
        self.out: list[ami.Event] = []
        self.channels: dict[str, Channel] = {}
        self.calls: dict[str, CallTruth] = {}
        """Truths of calls that are not over, by the customer's unique id."""
        self.over: list[CallTruth] = []
        self.sequence = 0
        self.running = 0
        self._agenda: list[tuple[int, int, str, Script | Callable[[], None]]] = []

    # -- time -------------------------------------------------------------------------------

    def start(self, script: Script | Callable[[], None], after: int = 0, kind: str = "") -> None:
        """Have a script run, or a function called. ``call`` scripts die with Asterisk."""
        self.sequence += 1
        heapq.heappush(self._agenda, (self.now + after, self.sequence, kind, script))
        self.running += kind == "call"

    def next_at(self) -> int | None:
        """When something happens next."""
        return self._agenda[0][0] if self._agenda else None

    def run_next(self) -> None:
        """Let the next thing happen."""
        at, _, kind, script = heapq.heappop(self._agenda)
        self.now = at
        self.at = BEGIN + timedelta(microseconds=at)
        if isinstance(script, Generator):
            try:
                pause = next(script)
            except StopIteration:
                self.running -= kind == "call"
            else:
                self.sequence += 1
                heapq.heappush(self._agenda, (at + pause, self.sequence, kind, script))
        else:
            script()

    def moment(self) -> int:
        """The time between two events that belong together."""
        return int(self.rng.random() * 4000) + 20

    def seconds(self, least: float, most: float) -> int:
        return int((least + self.rng.random() * (most - least)) * SECOND)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def mixed(self, *sequences: list[Callable[[], None]]) -> Script:
        """Do what stands in each sequence in its order, and the sequences in any."""
        waiting = [iter(sequence) for sequence in sequences]
        while waiting:
            chosen = waiting[int(self.rng.random() * len(waiting))]
            step = next(chosen, None)
            if step is None:
                waiting.remove(chosen)
            else:
                step()
                yield self.moment()

    # -- channels ---------------------------------------------------------------------------

    def channel(self, name: str, num: str, exten: str = "s", linkedid: str = "") -> Channel:
        """A new channel; ``name`` without its number."""
        self.sequence += 1
        uniqueid = f"{EPOCH + self.now // SECOND}.{self.sequence}"
        made = Channel(f"{name}-{self.sequence:08x}", uniqueid, linkedid or uniqueid, num, exten)
        made.born = self.now
        self.channels[uniqueid] = made
        self.emit(ami.Newchannel, made)
        return made

    def emit(self, kind: type[ami.ChannelEvent], channel: Channel | None, **more: Any) -> None:
        """An event with the snapshot of a channel; an empty one for None."""
        if channel is None:
            self.out.append(kind(at=self.at, **more))
        else:
            self.out.append(
                kind(
                    at=self.at,
                    channel=channel.name,
                    uniqueid=channel.uniqueid,
                    linkedid=channel.linkedid,
                    caller_num=channel.num,
                    caller_name=channel.caller_name,
                    exten=channel.exten,
                    **more,
                )
            )

    def hang_up(self, channel: Channel, cause: int = 16) -> None:
        del self.channels[channel.uniqueid]
        self.emit(ami.Hangup, channel, cause=cause)

    def ask_to_end(self, channel: Channel) -> None:
        self.emit(ami.HangupRequest, channel)

    def enter(self, channel: Channel, bridge: str) -> None:
        channel.bridge = bridge
        self.emit(ami.BridgeEnter, channel, bridge_id=bridge)

    def leave(self, channel: Channel) -> None:
        bridge, channel.bridge = channel.bridge, ""
        self.emit(ami.BridgeLeave, channel, bridge_id=bridge)

    def bridge(self) -> str:
        self.sequence += 1
        return f"b{self.sequence}"

    def dial(self, kind: type[ami.DialEvent], by: Channel, to: Channel, **more: Any) -> None:
        self.emit(
            kind, by, dest_channel=to.name, dest_uniqueid=to.uniqueid,
            dest_caller_num=to.num, **more,
        )  # fmt: skip

    def out_blind_transfer(self, by: Channel, of: Channel, to: str) -> None:
        self.out.append(
            ami.BlindTransfer(
                at=self.at, result="Success", channel=by.name, uniqueid=by.uniqueid,
                transferee_channel=of.name, transferee_uniqueid=of.uniqueid, extension=to,
                context="agents",
            )
        )  # fmt: skip

    def out_attended_transfer(self, by: Channel, second: Channel, of: Channel, bridge: str) -> None:
        self.out.append(
            ami.AttendedTransfer(
                at=self.at, result="Success", channel=by.name, uniqueid=by.uniqueid,
                second_channel=second.name, second_uniqueid=second.uniqueid,
                transferee_uniqueid=of.uniqueid, destination="Bridge",
            )
        )  # fmt: skip

    # -- phones and members -----------------------------------------------------------------

    def phone(self, agent: Agent, ringing: int = 0, engaged: int = 0) -> None:
        """More or fewer channels on a phone; the queues hear of it a little later."""
        agent.ringing += ringing
        agent.engaged += engaged
        self._device(agent)

    def reach(self, agent: Agent, reachable: bool) -> None:
        agent.reachable = reachable
        self._device(agent)

    def _device(self, agent: Agent) -> None:
        status = IN_USE if agent.engaged > agent.ringing else RINGING if agent.ringing else (
            NOT_IN_USE if agent.reachable else UNAVAILABLE
        )  # fmt: skip
        agent.told_until = max(agent.told_until + 1, self.now + self.moment() * 2)

        def tell() -> None:
            if agent.status != status:
                agent.status = status
                for queue in agent.queues:
                    self.member(ami.QueueMemberStatus, agent, queue)

        self.start(tell, agent.told_until - self.now)

    def member(self, kind: type[ami.MemberEvent], agent: Agent, queue: str) -> None:
        """An event that tells of a member as it is now."""
        member = agent.queues[queue]
        self.out.append(
            kind(
                at=self.at,
                queue=queue,
                interface=agent.interface,
                member_name=agent.name,
                penalty=member.penalty,
                status=agent.status,
                paused=member.paused,
                paused_reason=member.reason,
                wrapup_time=self.queues[queue].wrap_up,
            )
        )
        agent.states.append((self.at, agent.standing()))

    def log_in(self, agent: Agent, queue: str) -> None:
        agent.queues[queue] = Member(penalty=int(self.rng.random() * 3))
        self.member(ami.QueueMemberAdded, agent, queue)

    def pause(self, agent: Agent, queue: str, paused: bool, reason: str = "") -> None:
        member = agent.queues[queue]
        if member.paused != paused:
            member.paused, member.reason = paused, reason if paused else ""
            self.member(ami.QueueMemberPause, agent, queue)

    def remove(self, agent: Agent, queue: str) -> None:
        self.member(ami.QueueMemberRemoved, agent, queue)
        agent.states.pop()
        del agent.queues[queue]
        agent.states.append((self.at, agent.standing()))

    def free(self, queue: Queue) -> list[Agent]:
        """Members whom the queue would ring now."""
        name, now = queue.name, self.now
        return [
            agent
            for agent in self.agents
            if not agent.engaged
            and agent.reachable
            and agent.free_at <= now
            and (member := agent.queues.get(name)) is not None
            and not member.paused
        ]

    # -- lists ------------------------------------------------------------------------------

    def answer_lists(self) -> Script:
        """The answers to QueueStatus and CoreShowChannels, with what happens between them."""
        items = 0
        for queue in list(self.queues.values()):
            before = len(self.out)
            self.out.append(ami.QueueParams(at=self.at, queue=queue.name, strategy="linear"))
            for agent in self.agents:
                if queue.name in agent.queues:
                    self.member(ami.QueueMember, agent, queue.name)
            for position, channel in enumerate(queue.waiting, 1):
                self.out.append(
                    ami.QueueEntry(
                        at=self.at,
                        channel=channel.name,
                        uniqueid=channel.uniqueid,
                        caller_num=channel.num,
                        queue=queue.name,
                        position=position,
                        wait=(self.now - queue.joined[channel.uniqueid]) // SECOND,
                    )
                )
            items += len(self.out) - before
            if self.chance(0.2):
                yield self.moment()
        self.out.append(ami.QueueStatusComplete(at=self.at, items=items))
        yield self.seconds(0.001, 0.02)
        for channel in self.channels.values():
            age = (self.now - channel.born) // SECOND
            self.emit(
                ami.CoreShowChannel,
                channel,
                application=channel.application,
                application_data=channel.data,
                bridge_id=channel.bridge,
                duration=f"{age // 3600:02}:{age // 60 % 60:02}:{age % 60:02}",
            )
        self.out.append(ami.CoreShowChannelsComplete(at=self.at, items=len(self.channels)))

    # -- the end of the world ---------------------------------------------------------------

    def die(self) -> None:
        """Asterisk is killed and starts anew: no channel is left, and nothing is told of it."""
        for truth in self.calls.values():
            truth.killed_at = truth.over_at = self.at
            self.over.append(truth)
        self.calls.clear()
        self._agenda = [entry for entry in self._agenda if entry[2] != "call"]
        heapq.heapify(self._agenda)
        self.running = 0
        self.channels.clear()
        for queue in self.queues.values():
            queue.waiting.clear()
            queue.joined.clear()
        for agent in self.agents:
            agent.engaged = agent.ringing = agent.free_at = 0
            self._device(agent)
