"""The forced wrap-up: which agents are to be paused after a talk, and whose pause is to end. Pure.

Asterisk's own wrapuptime only keeps a queue from offering calls; it can't be ended early and other
queues don't heed it. So, where a queue has wrap_up_pause, the agent is paused with the reason
``state.WRAP_UP_REASON`` after each talk, and it ends with the time, with a disposition, or when
anybody ends the pause. So it is behind each talk without a queue that has a wrap-up: with a party
whom a campaign called for one agent (preview). A queue in which the agent is paused for another
reason is left alone, and a pause is ended only while it still has our reason.

Reports show such a pause as wrap_up and not as paused (``presence``).
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from ccmiddleware.agents.commands import AgentCommand, Pause, Unpause
from ccmiddleware.agents.presence import Presence
from ccmiddleware.agents.state import WRAP_UP_REASON
from ccmiddleware.facts import AnyFact, Segment


class WrapUp:
    """The forced wrap-up of all agents of one node.

    ``seconds`` is that of a queue, 0 where it has none; ``longest`` the longest of all queues.
    """

    def __init__(self, presence: Presence, seconds: Callable[[str], float], longest: float) -> None:
        self.presence = presence
        self.seconds = seconds
        self.longest = timedelta(seconds=longest)
        self.talks: set[tuple[object, int]] = set()
        self.due: dict[str, datetime] = {}
        """When the wrap-up of an interface ends."""
        self.begun: list[str] = []
        """Interfaces that are to be paused."""

    def restore(self, facts: Iterable[AnyFact]) -> None:
        """Take up the talks that were on when an earlier daemon stopped."""
        for fact in facts:
            if isinstance(fact, Segment) and fact.ended_at is None:
                self.talks.add((fact.interaction_id, fact.ordinal))

    def observe(self, facts: Iterable[AnyFact], queue_of: Callable[[Segment], str]) -> None:
        """Take in facts of the call machine."""
        for fact in facts:
            if not isinstance(fact, Segment):
                continue
            key = (fact.interaction_id, fact.ordinal)
            if fact.ended_at is None:
                self.talks.add(key)
            elif key in self.talks:
                self.talks.discard(key)
                # Without a queue only the party that a campaign called for this agent has one;
                # app_queue knows nothing of that talk.
                seconds = self.seconds(queue_of(fact)) if fact.visit else fact.wrap_up_seconds
                if seconds > 0:
                    self.due[fact.interface] = fact.ended_at + timedelta(seconds=seconds)
                    self.begun.append(fact.interface)

    def disposed(self, interface: str, at: datetime) -> None:
        """The agent has said what came of the talk: nothing is left to wrap up."""
        if interface in self.due:
            self.due[interface] = at

    def commands(self, now: datetime) -> list[AgentCommand]:
        """What is to be done now. Call about twice a second."""
        found: list[AgentCommand] = []
        begun, self.begun = self.begun, []
        for interface in begun:
            queues = self.presence.unpaused_queues(interface)
            if queues and self.due[interface] > now:
                found.append(Pause(interface=interface, queues=queues, reason=WRAP_UP_REASON))
        if self.longest:
            for interface, (queues, since) in self.presence.paused_for_wrap_up().items():
                # A pause that an earlier daemon began is ended by this one.
                if self.due.setdefault(interface, since + self.longest) <= now:
                    found.append(Unpause(interface=interface, queues=queues))
        for interface in [name for name, until in self.due.items() if until <= now]:
            del self.due[interface]
        return found
