"""One shift, event by event: leads ring, answer or don't, talk to agents or meet nobody.

The policy is told what a dialer would see, nothing more, and asked once a second how many calls
to dial. Oracles look into the shift by themselves.
"""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, Literal, Protocol

from ccmiddleware.dialer.simulation.draws import Draws, Fate
from ccmiddleware.dialer.simulation.leads import Lead, LeadsInOrder
from ccmiddleware.dialer.simulation.workloads import HOUR, MINUTE, Workload

TICK = 1.0
LEAKED_TALK, LEAKED_WRAP = 6.0, 5.0
FEWEST_FOR_AN_HOUR = 20
"""Answers that an hour must have before its share of abandoned calls says anything."""


class Policy(Protocol):
    """What is compared: a way of pacing. The events are those of ``pacing.Pacer``."""

    def agent_logged_in(self, agent: Any, now: float) -> None: ...
    def agent_idle(self, agent: Any, now: float) -> None: ...
    def agent_talking(self, agent: Any, now: float) -> None: ...
    def agent_wrapping(self, agent: Any, now: float) -> None: ...
    def agent_logged_out(self, agent: Any, now: float) -> None: ...
    def call_dialed(self, call: Any, now: float, probability: float | None = None) -> None: ...
    def call_ended(self, call: Any, now: float) -> None: ...
    def call_machine(self, call: Any, now: float) -> None: ...
    def call_answered(self, call: Any, now: float) -> None: ...
    def call_connected(self, call: Any, now: float, agent: Any = None) -> None: ...
    def call_abandoned(self, call: Any, now: float) -> None: ...

    def calls(self, now: float, shift: "Shift") -> int:
        """How many calls to dial now."""


@dataclass(slots=True)
class Agent:
    """An agent, and what only the simulation knows: when the agent will be free."""

    name: int
    here: bool = True
    idle: bool = True
    free_at: float = 0.0
    talk_ends: float = 0.0
    leaves: bool = False


@dataclass(slots=True)
class Call:
    """A call in flight or waiting; ``answers_at`` only if a person (or leaked machine) answers."""

    name: int
    lead: Lead
    fate: Fate
    dialed: float
    comes_at: float
    waiting: bool = False


@dataclass(slots=True)
class Counts:
    """What came of a shift. Lists have a number for each minute."""

    answered: list[int] = field(default_factory=list)
    abandoned: list[int] = field(default_factory=list)
    machines_abandoned: int = 0
    attempts: int = 0
    connected: int = 0
    busy: float = 0.0
    present: float = 0.0

    @property
    def utilisation(self) -> float:
        """Talk and wrap-up, as a share of the time logged in."""
        return self.busy / self.present if self.present else 0.0

    @property
    def abandonment(self) -> float:
        """People abandoned, as a share of the people who answered."""
        return sum(self.abandoned) / max(sum(self.answered), 1)

    @property
    def worst_hour(self) -> float:
        """The largest share of any 60 minutes in a row."""
        worst = 0.0
        for first in range(max(len(self.answered) - 59, 1)):
            answered = sum(self.answered[first : first + 60])
            if answered >= FEWEST_FOR_AN_HOUR:
                worst = max(worst, sum(self.abandoned[first : first + 60]) / answered)
        return worst


Kind = Literal["call", "patience", "talk", "wrap", "leave", "return"]


class Shift:
    """Runs one shift. ``agents`` people from a cold start for ``length`` seconds.

    The policy decides every ``tick`` seconds.
    """

    def __init__(
        self,
        workload: Workload,
        agents: int,
        policy: Policy,
        seed: int,
        length: float = 8 * HOUR,
        leads: LeadsInOrder | None = None,
        tick: float = TICK,
    ) -> None:
        self.workload = workload
        self.length = length
        self.tick = tick
        self.draws = Draws(workload, seed)
        self.leads = leads or LeadsInOrder(workload, self.draws)
        self.agents = [Agent(name) for name in range(agents)]
        self.calls: dict[int, Call] = {}
        self.idle: deque[Agent] = deque(self.agents)
        self.waiting: deque[Call] = deque()
        self.now = 0.0
        minutes = int(length // MINUTE) + 1
        self.counts = Counts([0] * minutes, [0] * minutes)
        self._policy = policy
        self._events: list[tuple[float, int, Kind, Any]] = []
        self._numbers = 0
        self._since = 0.0
        for agent in self.agents:
            policy.agent_logged_in(agent.name, 0.0)
        for when, stay, share in workload.leaving:
            self._at(when, "leave", (stay, share))

    def run(self) -> Counts:
        """Play the shift to its end."""
        now = 0.0
        while now < self.length:
            self._play_until(now)
            self.now = now
            for _ in range(self._policy.calls(now, self)):
                self._dial(now)
            now += self.tick
        self._play_until(self.length)
        self._count_time(self.length)
        for agent in self.agents:  # what is still going on counts up to the end
            self.counts.busy -= max(agent.free_at - self.length, 0.0)
        return self.counts

    def _at(self, when: float, kind: Kind, subject: Any) -> None:
        self._numbers += 1
        heappush(self._events, (when, self._numbers, kind, subject))

    def _play_until(self, end: float) -> None:
        events = self._events
        while events and events[0][0] <= end:
            self.now, _, kind, subject = heappop(events)
            match kind:
                case "call":
                    self._comes(subject)
                case "patience":
                    self._patience_ends(subject)
                case "talk":
                    self._policy.agent_wrapping(subject.name, self.now)
                case "wrap":
                    self._free(subject)
                case "leave":
                    self._leave(*subject)
                case "return":
                    self._come_back(subject)

    # -- calls ------------------------------------------------------------------------------

    def _dial(self, now: float) -> None:
        lead = self.leads.take(now)
        self.counts.attempts += 1
        fate, after = lead.draws.fate(lead.answer_probability, self.workload)
        call = Call(self.counts.attempts, lead, fate, now, now + after)
        self.calls[call.name] = call
        self._policy.call_dialed(call.name, now, lead.believed)
        self._at(call.comes_at, "call", call)

    def _comes(self, call: Call) -> None:
        now, name = self.now, call.name
        del self.calls[name]
        self.leads.result(call.lead, call.fate, now)
        if call.fate == "machine":
            self._policy.call_machine(name, now)
        elif call.fate in ("failed", "no answer"):
            self._policy.call_ended(name, now)
        else:
            self._policy.call_answered(name, now)
            if call.fate == "person":
                self.counts.answered[int(now // MINUTE)] += 1
            if self.idle:
                self._connect(call, self.idle.popleft())
            else:
                call.waiting = True
                self.waiting.append(call)
                self._at(now + self.workload.patience, "patience", call)

    def _patience_ends(self, call: Call) -> None:
        if not call.waiting:
            return
        self.waiting.remove(call)
        if call.fate == "person":
            self.counts.abandoned[int(self.now // MINUTE)] += 1
        else:
            self.counts.machines_abandoned += 1
        self._policy.call_abandoned(call.name, self.now)

    def _connect(self, call: Call, agent: Agent) -> None:
        now = self.now
        call.waiting = False
        agent.idle = False
        self._policy.call_connected(call.name, now, agent.name)
        if call.fate == "person":
            talk, wrap = self.draws.talk()
            self.counts.connected += 1
        else:
            talk, wrap = LEAKED_TALK, LEAKED_WRAP
            self._policy.call_machine(call.name, now)  # the agent says so
        agent.talk_ends, agent.free_at = now + talk, now + talk + wrap
        self.counts.busy += talk + wrap
        self._at(agent.talk_ends, "talk", agent)
        self._at(agent.free_at, "wrap", agent)

    # -- agents -----------------------------------------------------------------------------

    def _free(self, agent: Agent) -> None:
        if agent.leaves:
            self._log_out(agent)
            return
        self._policy.agent_idle(agent.name, self.now)
        if self.waiting:
            self._connect(self.waiting.popleft(), agent)
        else:
            agent.idle = True
            self.idle.append(agent)

    def _leave(self, stay: float, share: float) -> None:
        """That share of the team leaves: idle ones at once, others after their wrap-up."""
        going = self.agents[: round(share * len(self.agents))]
        for agent in going:
            if agent.idle:
                self.idle.remove(agent)
                self._log_out(agent)
            else:
                agent.leaves = True
        self._at(self.now + stay, "return", going)

    def _log_out(self, agent: Agent) -> None:
        self._count_time(self.now)
        agent.here = agent.idle = agent.leaves = False
        self._policy.agent_logged_out(agent.name, self.now)

    def _come_back(self, agents: list[Agent]) -> None:
        self._count_time(self.now)
        for agent in agents:
            agent.leaves = False
            if not agent.here:
                agent.here = True
                self._policy.agent_logged_in(agent.name, self.now)
                self._free(agent)

    def _count_time(self, now: float) -> None:
        self.counts.present += (now - self._since) * sum(agent.here for agent in self.agents)
        self._since = now
