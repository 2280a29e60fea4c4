"""What each agent is doing, as intervals that follow each other without gap or overlap. Pure.

Every change closes the open interval and opens the next at the same instant. Which state it is at a
moment is said in ``state``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from ccmiddleware.agents.state import IN_USE, UNREACHABLE, Known, is_ours, state_of
from ccmiddleware.facts import (
    Agent,
    AgentState,
    AgentStateName,
    AnyFact,
    Offer,
    Queue,
    QueueMembership,
    Segment,
)
from ccmiddleware.pbx import events as ami


class Presence:
    """All agents of one node."""

    HEARD = (ami.QueueEntry, ami.MemberEvent, ami.QueueParams, ami.QueueStatusComplete)
    """Kinds of events that ``step`` looks at; what others mean for agents is told by facts."""

    def __init__(
        self,
        node: str,
        *,
        service_level: Callable[[str], int] = lambda queue: 20,
        dialog_of: Callable[[Segment], str | None] = lambda segment: None,
    ) -> None:
        self.node = node
        self.service_level = service_level
        self.dialog_of = dialog_of
        """Queue of the email that a talk is about; None when the talk is one with a customer."""
        self.agents: dict[str, Known] = {}
        self.out: list[AnyFact] = []
        self.talking: dict[tuple[object, int], str] = {}
        """Interface of the agent of each open talk, by interaction and segment."""
        self.queues: set[str] = set()
        """Queues of the node, as Asterisk listed them last."""
        self.queues_listed: set[str] = set()
        """Those of the list so far."""
        self.wrapping_up: set[str] = set()
        """Interfaces whose wrap-up ends by time alone."""
        self.listed: dict[str, set[str]] | None = None
        """While Asterisk lists its queues: members listed so far, by interface."""
        self.items = 0
        """Items of that list so far, callers included."""
        self.inferring = False
        """True while conclusions come from lists and not from what was seen to happen."""

    # -- the outside ------------------------------------------------------------------------

    def step(self, event: ami.Event) -> list[AnyFact]:
        """The facts that follow from a member event or a list of Asterisk's."""
        match event:
            case ami.QueueEntry():
                self.items += 1
            case ami.QueueMember():
                self._listed(event)
            case ami.QueueMemberRemoved():
                self._removed(event)
            case ami.MemberEvent():
                self._member(event)
            case ami.QueueParams():
                self._queue(event)
            case ami.QueueStatusComplete():
                self._list_complete(event)
            case _:
                return []
        return self._take()

    def observe(self, facts: Iterable[AnyFact]) -> list[AnyFact]:
        """The facts that follow from facts of the call machine."""
        answered: list[Offer] = []
        for fact in facts:
            match fact:
                case Offer():
                    self._offer(fact)
                    if fact.outcome == "answered":
                        answered.append(fact)
                case Segment():
                    self._segment(fact)
                case _:
                    pass
        for offer in answered:
            # Without a talk behind it, as when the customer of a callback is not reached.
            self._settle(self._agent(offer.interface), offer.ended_at or offer.offered_at)
        return self._take()

    def tick(self, now: datetime) -> list[AnyFact]:
        """Ends the wrap-up of agents whose time is over."""
        for interface in list(self.wrapping_up):
            agent = self.agents[interface]
            until = agent.wrap_up_until
            if until is None or until <= now:
                self.wrapping_up.discard(interface)
                if until is not None:
                    agent.wrap_up_until = None
                    self._settle(agent, until)
        return self._take()

    def working(self, work: Mapping[str, tuple[str, datetime]], now: datetime) -> list[AnyFact]:
        """The facts that follow from who has an email in hand: by interface, its queue and since
        when."""
        for interface, agent in self.agents.items():
            if agent.work is not None and interface not in work:
                agent.work = None
                self._settle(agent, now)
        for interface, (queue, since) in work.items():
            agent = self._agent(interface)
            if agent.work != queue:
                agent.work, agent.dialog_over = queue, None
                self._settle(agent, min(since, now))
        return self._take()

    def reachable_members(self, queue: str) -> int:
        """How many members of a queue have a phone that can be reached, free or not."""
        return sum(
            member.status not in UNREACHABLE
            for agent in self.agents.values()
            if (member := agent.queues.get(queue)) is not None
        )

    def members_of(self, queue: str) -> dict[str, tuple[AgentStateName, datetime]]:
        """What the members of a queue do, and since when, by interface; without those whom only
        this queue pauses."""
        found = {}
        for agent in self.agents.values():
            member = agent.queues.get(queue)
            if member is None or agent.open is None:
                continue
            if member.paused and agent.open.state not in ("paused", "wrap_up"):
                continue
            found[agent.interface] = (agent.open.state, agent.open.started_at)
        return found

    def has_room(self, interface: str) -> set[str]:
        """Queues in which the agent could take an email now: none unless he is idle, or does
        nothing but work on one."""
        agent = self.agents.get(interface)
        if agent is None or agent.open is None or agent.open.state not in ("idle", "working"):
            return set()
        return {queue for queue, member in agent.queues.items() if not member.paused}

    def miss(self) -> None:
        """Events are missing; the answer to QueueStatus follows in the stream.

        It is taken when it is whole: with as many items as Asterisk says at its end.
        """
        self.listed = {}
        self.items = 0
        self.queues_listed = set()

    def restore(self, facts: Iterable[AnyFact]) -> None:
        """Take up the intervals and calls that were open when an earlier daemon stopped."""
        for fact in facts:
            match fact:
                case AgentState() if fact.ended_at is None:
                    self._agent(fact.interface).open = fact
                    if fact.state == "working":
                        # Until it is told who has an email in hand.
                        self._agent(fact.interface).work = fact.reason
                case AgentState():
                    self._agent(fact.interface).known_until = fact.ended_at
                case Agent():
                    self._agent(fact.interface).name = fact.name
                case Offer() if fact.outcome is None:
                    self._agent(fact.interface).offers.add((fact.interaction_id, fact.ordinal))
                case Segment() if fact.ended_at is None:
                    key = (fact.interaction_id, fact.ordinal)
                    self._agent(fact.interface).talks[key] = ""
                    self.talking[key] = fact.interface
                case QueueMembership() if fact.member:
                    self._agent(fact.interface).queues[fact.queue] = _restored(fact)
                case _:
                    pass

    def _take(self) -> list[AnyFact]:
        facts = self.out[:]
        self.out.clear()
        return facts

    # -- events -----------------------------------------------------------------------------

    def _agent(self, interface: str) -> Known:
        agent = self.agents.get(interface)
        if agent is None:
            agent = self.agents[interface] = Known(interface)
        return agent

    def count_by_state(self) -> dict[AgentStateName, int]:
        """How many agents are in each state now."""
        return Counter(agent.open.state for agent in self.agents.values() if agent.open)

    def memberships(self) -> list[tuple[str, str, int]]:
        """Queue, interface and penalty of every member."""
        return [
            (queue, agent.interface, member.penalty)
            for agent in self.agents.values()
            for queue, member in agent.queues.items()
        ]

    def unpaused_queues(self, interface: str) -> list[str]:
        """Queues in which the agent is a member and not paused."""
        agent = self.agents.get(interface)
        if agent is None:
            return []
        return [queue for queue, member in agent.queues.items() if not member.paused]

    def paused_for_wrap_up(self) -> dict[str, tuple[list[str], datetime]]:
        """Agents whom we paused for the wrap-up: in which queues, and since when they are."""
        found = {}
        for agent in self.agents.values():
            queues = [queue for queue, member in agent.queues.items() if is_ours(member)]
            if queues:
                since = min(agent.queues[queue].at for queue in queues)
                if agent.open is not None and agent.open.state == "wrap_up":
                    since = min(since, agent.open.started_at)
                found[agent.interface] = (queues, since)
        return found

    def _queue(self, event: ami.QueueParams) -> None:
        self.items += 1
        self.queues.add(event.queue)
        self.queues_listed.add(event.queue)
        self.out.append(
            Queue(
                node=self.node,
                name=event.queue,
                strategy=event.strategy,
                service_level_seconds=self.service_level(event.queue),
                seen_at=event.at,
            )
        )

    def _listed(self, event: ami.QueueMember) -> None:
        self.items += 1
        if self.listed is not None:
            self.listed.setdefault(event.interface, set()).add(event.queue)
        self.inferring = True
        self._member(event)
        self.inferring = False

    def _member(self, event: ami.MemberEvent) -> None:
        agent = self._agent(event.interface)
        before = agent.queues.get(event.queue)
        agent.queues[event.queue] = event
        name = event.member_name or event.interface
        if name != agent.name:
            agent.name = name
            self.out.append(
                Agent(node=self.node, interface=event.interface, name=name, seen_at=event.at)
            )
        if before is not None and is_ours(before) and not is_ours(event):
            agent.wrap_up_until = None  # it was ended early
        if before is None or _standing(before) != _standing(event):
            self._tell_membership(event, member=True)
        self._settle(agent, event.at)

    def _removed(self, event: ami.QueueMemberRemoved) -> None:
        agent = self._agent(event.interface)
        if agent.queues.pop(event.queue, None) is not None:
            self._tell_membership(event, member=False)
            self._settle(agent, event.at)

    def _list_complete(self, event: ami.QueueStatusComplete) -> None:
        """Members that Asterisk did not list are members no more."""
        items, self.items = self.items, 0
        queues, self.queues_listed = self.queues_listed, set()
        if items == event.items:
            self.queues = queues
        if self.listed is None or items != event.items:
            return
        at, listed, self.listed = event.at, self.listed, None
        self.inferring = True
        for agent in self.agents.values():
            for queue in agent.queues.keys() - listed.get(agent.interface, set()):
                self._tell_membership(agent.queues.pop(queue), member=False, at=at)
            self._settle(agent, at)
        self.inferring = False

    def _tell_membership(
        self, event: ami.MemberEvent, *, member: bool, at: datetime | None = None
    ) -> None:
        self.out.append(
            QueueMembership(
                node=self.node,
                queue=event.queue,
                interface=event.interface,
                at=at or event.at,
                member=member,
                penalty=event.penalty,
                paused=event.paused,
                pause_reason=event.paused_reason if event.paused else "",
            )
        )

    def _offer(self, fact: Offer) -> None:
        agent = self._agent(fact.interface)
        key = (fact.interaction_id, fact.ordinal)
        if fact.outcome is None:
            agent.offers.add(key)
            self._settle(agent, fact.offered_at)
        elif key in agent.offers:
            agent.offers.discard(key)
            # An answered offer is followed by its segment, at the same instant.
            if fact.outcome != "answered":
                self._settle(agent, fact.ended_at or fact.offered_at)

    def _segment(self, fact: Segment) -> None:
        agent = self._agent(fact.interface)
        key = (fact.interaction_id, fact.ordinal)
        before = self.talking.get(key)
        if before is not None and before != fact.interface:
            # The talk turned out to be another agent's.
            self.agents[before].talks.pop(key, None)
            self.agents[before].dialogs.pop(key, None)
            self._settle(self.agents[before], fact.answered_at)
        if fact.ended_at is None:
            self.talking[key] = fact.interface
        else:
            self.talking.pop(key, None)
        if fact.ended_at is None:
            if key not in agent.talks and key not in agent.dialogs:
                queue = self.dialog_of(fact)
                if queue is None:
                    agent.talks[key] = ""
                else:
                    agent.dialogs[key] = queue
                agent.wrap_up_until = None
                self._settle(agent, fact.answered_at)
        elif key in agent.talks or key in agent.dialogs:
            agent.talks.pop(key, None)
            queue = agent.dialogs.pop(key, None)
            if queue is not None:
                agent.dialog_over = queue
            if fact.wrap_up_seconds > 0:
                agent.wrap_up_until = fact.ended_at + timedelta(seconds=fact.wrap_up_seconds)
                agent.wrap_up_of_dialog = queue is not None
                self.wrapping_up.add(agent.interface)
            self._settle(agent, fact.ended_at)

    # -- deciding ---------------------------------------------------------------------------

    def _settle(self, agent: Known, at: datetime) -> None:
        """Close the open interval and open the next, if the state is another one now."""
        if not IN_USE & {member.status for member in agent.queues.values()}:
            agent.dialog_over = None
        state, reason = state_of(agent)
        open_ = agent.open
        if open_ is None:
            if state == "logged_out" and agent.known_until is None:
                return
            at = agent.known_until or at
        elif (open_.state, open_.reason) == (state, reason):
            return
        else:
            at = max(at, open_.started_at)
            if at == open_.started_at:
                # It lasted no time at all: the row becomes the new state.
                agent.open = replace(
                    open_,
                    version=open_.version + 1,
                    state=state,
                    reason=reason,
                    inferred=open_.inferred or self.inferring,
                )
                self.out.append(agent.open)
                return
            self.out.append(
                replace(
                    open_,
                    version=open_.version + 1,
                    ended_at=at,
                    inferred=open_.inferred or self.inferring,
                )
            )
        agent.open = AgentState(
            node=self.node,
            interface=agent.interface,
            started_at=at,
            version=1,
            state=state,
            reason=reason,
            inferred=(self.inferring and open_ is not None) or agent.known_until is not None,
        )
        agent.known_until = None
        self.out.append(agent.open)


def _standing(member: ami.MemberEvent) -> tuple[int, bool, str]:
    """What of a membership is stored; the rest changes with every call."""
    return member.penalty, member.paused, member.paused_reason


def _restored(fact: QueueMembership) -> ami.MemberEvent:
    return ami.MemberEvent(
        at=fact.at,
        queue=fact.queue,
        interface=fact.interface,
        penalty=fact.penalty,
        paused=fact.paused,
        paused_reason=fact.pause_reason,
        status=1,
    )
