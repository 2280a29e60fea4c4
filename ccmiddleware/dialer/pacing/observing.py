"""What the pacer is told: events of agents and calls, kept in registers and estimators.

An event never raises. Ids are whatever can be a key of a dict. Odd order, doubled events, unknown
ids and lost ends are borne: what can be concluded is concluded, and what is doubtful counts
against dialing more.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import wraps
from math import inf, isfinite
from typing import Any, Concatenate, ParamSpec

from ccmiddleware.dialer.pacing.budget import Budget
from ccmiddleware.dialer.pacing.estimators import MOST_LIKELY, AnswerRate, RingTimes, Stays
from ccmiddleware.dialer.pacing.floor import Agents, Calls, Doing
from ccmiddleware.dialer.pacing.settings import PacingSettings

UNSURE = 30.0
"""Seconds without prediction after the clock jumped."""
LONGEST_GAP = 300.0
"""Seconds between two decisions after which what is known is not trusted at once."""
LATEST_EVENT = 600.0
DOUBT = 60.0

FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What odd input can cause; anything else is a bug of ours that must be seen."""

Told = ParamSpec("Told")


def _event(
    method: Callable[Concatenate["Observer", Told], None],
) -> Callable[Concatenate["Observer", Told], None]:
    """An event never raises; one that can't be understood counts as a fault."""

    @wraps(method)
    def told(self: "Observer", /, *args: Told.args, **more: Told.kwargs) -> None:
        try:
            method(self, *args, **more)
        except FAULTS:
            self.faults += 1

    return told


class Observer:
    """The events of one campaign, and all that is learned from them."""

    def __init__(self, settings: PacingSettings | None = None) -> None:
        self.settings = (settings or PacingSettings()).sane()
        self.faults = 0
        """Events and decisions that failed in some way."""
        self._agents = Agents()
        self._calls = Calls()
        self._budget = Budget(self.settings.abandonment_limit, self.settings.window)
        self._started: float | None = None
        self._decided: float | None = None
        self._ends: float | None = None
        self._unsure_until = -inf
        self._swept = -inf
        self._unlearn()

    def _unlearn(self) -> None:
        """Begin to learn anew; what was answered and abandoned is kept."""
        self._rate = AnswerRate(self.settings.first_answer_probability)
        self._rings = RingTimes()
        self._talks = Stays(90.0)
        self._wraps = Stays(20.0)
        self._share_wrapping = 1.0
        self._rebuilt = -inf

    # -- agents -----------------------------------------------------------------------------

    @_event
    def agent_logged_in(self, agent: Hashable, now: float) -> None:
        now = self._event_time(now)
        known = self._agents.doing(agent)
        if known is None or known[0] is Doing.AWAY:
            self._agents.set(agent, Doing.IDLE, now)
            self._agents.set_leaving(agent, False)

    @_event
    def agent_idle(self, agent: Hashable, now: float) -> None:
        now = self._event_time(now)
        self._agent(agent, Doing.IDLE, now)

    @_event
    def agent_talking(self, agent: Hashable, now: float) -> None:
        now = self._event_time(now)
        self._agent(agent, Doing.TALKING, now)

    @_event
    def agent_wrapping(self, agent: Hashable, now: float) -> None:
        now = self._event_time(now)
        self._agent(agent, Doing.WRAPPING, now)

    @_event
    def agent_pause_requested(self, agent: Hashable, now: float) -> None:
        self._agents.set_leaving(agent, True)

    @_event
    def agent_pause_cancelled(self, agent: Hashable, now: float) -> None:
        self._agents.set_leaving(agent, False)

    @_event
    def agent_paused(self, agent: Hashable, now: float) -> None:
        now = self._event_time(now)
        self._agent(agent, Doing.AWAY, now)

    @_event
    def agent_logged_out(self, agent: Hashable, now: float) -> None:
        now = self._event_time(now)
        self._stays_end(agent, Doing.AWAY, now)
        self._agents.remove(agent)

    def _agent(self, agent: Hashable, doing: Doing, now: float) -> None:
        known = self._agents.doing(agent)
        if known is not None and known[0] is doing:
            return  # told twice; what began goes on
        self._stays_end(agent, doing, now)
        self._agents.set(agent, doing, now)
        if known is None or known[0] is Doing.AWAY:
            self._agents.set_leaving(agent, False)

    def _stays_end(self, agent: Hashable, following: Doing, now: float) -> None:
        known = self._agents.doing(agent)
        if known is None:
            return
        doing, since = known
        length = max(now - since, 0.0)
        if doing is Doing.TALKING:
            self._talks.ended(length)
            if following is not Doing.AWAY:
                wraps_up = following is Doing.WRAPPING
                self._share_wrapping += (wraps_up - self._share_wrapping) / 100.0
        elif doing is Doing.WRAPPING and following is not Doing.AWAY:
            self._wraps.ended(length)

    # -- calls ------------------------------------------------------------------------------

    @_event
    def call_dialed(self, call: Hashable, now: float, probability: float | None = None) -> None:
        now = self._event_time(now)
        self._calls.dial(call, now, self._given(probability))

    @_event
    def call_ended(self, call: Hashable, now: float) -> None:
        now = self._event_time(now)
        if call in self._calls.waiting:  # the person hung up while waiting
            self._abandoned(call, now)
            return
        known = self._calls.land(call)
        if known is not None:
            self._missed(known, now)
            self._calls.end(call, "ended")

    @_event
    def call_machine(self, call: Hashable, now: float) -> None:
        now = self._event_time(now)
        if call in self._calls.waiting:
            del self._calls.waiting[call]
            self._rate.take_back()
        elif self._calls.outcome(call) == "connected":
            self._budget.was_machine(now)
        else:
            known = self._calls.land(call)
            if known is not None:
                self._missed(known, now)
        self._calls.end(call, "machine")

    @_event
    def call_answered(self, call: Hashable, now: float) -> None:
        now = self._event_time(now)
        known = self._calls.land(call)
        if known is not None:
            dialed, expected = known
            self._rings.answered(now - dialed)
            self._rate.observe(expected, True, self._calls.in_flight, len(self._agents))
        elif call in self._calls.waiting or self._calls.outcome(call) not in (None, "lost"):
            return
        self._calls.waiting[call] = now

    @_event
    def call_connected(self, call: Hashable, now: float, agent: Hashable = None) -> None:
        now = self._event_time(now)
        if self._was_answered(call, now):
            self._budget.answered(now, abandoned=False)
        elif self._calls.outcome(call) == "given up":
            self._budget.take_back(now)
        elif self._calls.outcome(call) == "connected":
            return
        self._calls.end(call, "connected")
        if agent is not None:
            self._stays_end(agent, Doing.TALKING, now)
            self._agents.set(agent, Doing.TALKING, now)

    @_event
    def call_abandoned(self, call: Hashable, now: float) -> None:
        now = self._event_time(now)
        self._abandoned(call, now)

    def _abandoned(self, call: Hashable, now: float, outcome: str = "abandoned") -> None:
        if not self._was_answered(call, now):
            return
        self._calls.end(call, outcome)
        self._budget.answered(now, abandoned=True)
        if self._agents.idle(now) > len(self._calls.waiting):
            self._agents.doubt_the_longest_idle(now, now + DOUBT)

    def _was_answered(self, call: Hashable, now: float) -> bool:
        """Take an answered call out of the waiting ones; False when it was settled before."""
        if self._calls.waiting.pop(call, None) is not None:
            return True
        known = self._calls.land(call)
        if known is not None:  # the answer itself was not told
            dialed, expected = known
            self._rings.answered(now - dialed)
            self._rate.observe(expected, True, self._calls.in_flight, len(self._agents))
            return True
        return self._calls.outcome(call) in (None, "lost", "ended")

    @_event
    def false_positive(self, call: Hashable, now: float) -> None:
        now = self._event_time(now)
        if self._calls.outcome(call) == "false positive":
            return
        self._calls.waiting.pop(call, None)
        known = self._calls.land(call)
        if known is not None:
            self._missed(known, now)
        self._calls.end(call, "false positive")
        self._budget.answered(now, abandoned=True)

    def _missed(self, known: tuple[float, float], now: float) -> None:
        dialed, expected = known
        self._rings.ended(now - dialed)
        self._rate.observe(expected, False, self._calls.in_flight, len(self._agents))

    def _given(self, probability: float | None) -> float:
        first = self.settings.first_answer_probability
        if probability is None or not 0.0 <= probability <= 1.0:
            return first
        return min(max(float(probability), 0.001), MOST_LIKELY)

    # -- time -------------------------------------------------------------------------------

    def shift_ends(self, at: float | None) -> None:
        """From this time on nobody is there to talk; None: not known."""
        self._ends = at if isinstance(at, int | float) and isfinite(at) else None

    def _event_time(self, now: float) -> float:
        """Late events keep their time; impossible times are taken for now."""
        clock = self._decided
        if clock is None:
            return float(now) if isfinite(now) else 0.0
        if isfinite(now) and clock - LATEST_EVENT <= now <= clock + 86400.0:
            return float(now)
        return clock

    def _clock(self, now: float) -> float:
        before = self._decided
        if before is None:
            now = float(now) if isfinite(now) else 0.0
            self._started = now
        elif not isfinite(now):
            now = before
        elif now < before - 1.0:
            self._shift(now - before)
            self._unsure_until = now + UNSURE
        elif now < before:
            now = before
        elif now > before + LONGEST_GAP:
            self._unsure_until = now + UNSURE
        self._decided = now
        return now

    def _shift(self, by: float) -> None:
        self._agents.shift(by)
        self._calls.shift(by)
        self._budget.shift(by)
        self._started = None if self._started is None else self._started + by
        self._rebuilt = self._swept = -inf

    def _sweep(self, now: float) -> None:
        """Let go of what was never heard of again, and of what is older than the window."""
        if now - self._swept < 2.0:
            return
        self._swept = now
        for call in self._calls.stale(now, self.settings.forget_call_after):
            known = self._calls.land(call)
            if known is not None:
                self._rate.observe(known[1], False, self._calls.in_flight, len(self._agents))
            self._calls.end(call, "lost")
        waiting = self._calls.waiting
        while waiting:
            call, since = next(iter(waiting.items()))
            if now - since < self.settings.forget_waiting_after:
                break
            self._abandoned(call, now, "given up")
        self._budget.forget(now)

    # -- surviving a restart ----------------------------------------------------------------

    def export(self, now: float) -> dict[str, Any]:
        """What was learned, for JSON; who is there and what is in flight is not in it."""
        return {
            "version": 1,
            "rate": self._rate.export(),
            "rings": self._rings.export(),
            "talks": self._talks.export(),
            "wraps": self._wraps.export(),
            "share_wrapping": self._share_wrapping,
            "budget": self._budget.export(now),
        }

    def restore(self, state: Mapping[str, Any], now: float, elapsed: float = 0.0) -> list[str]:
        """Take over what ``export`` gave; parts that can't be used are left out, and named."""
        parts: dict[str, Callable[[Any], None]] = {
            "rate": self._rate.restore,
            "rings": self._rings.restore,
            "talks": self._talks.restore,
            "wraps": self._wraps.restore,
            "share_wrapping": self._restore_share,
            "budget": lambda value: self._budget.restore(value, now, elapsed),
        }
        unusable = []
        for name, take in parts.items():
            try:
                take(state[name])
            except FAULTS:
                unusable.append(name)
        self._rebuilt = -inf
        return unusable

    def _restore_share(self, value: Any) -> None:
        self._share_wrapping = min(max(float(value), 0.0), 1.0)
