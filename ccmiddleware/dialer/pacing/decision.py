"""What one decision was made of: to be stored, and told in plain words."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

HeldBy = Literal[
    "bound",
    "idle agents",
    "nobody there",
    "switched off",
    "cold start",
    "budget used up",
    "recovery guard",
    "lines per agent",
    "lines",
    "calls per decision",
    "no leads",
    "end of the shift",
    "clock",
    "fault",
]
"""What kept the number of calls from being larger."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``calls`` new calls are to be dialed now; the rest says why, and is for the record."""

    at: float
    calls: int
    held_by: HeldBy
    # What there was
    idle: int
    talking: int
    wrapping: int
    leaving: int
    """Agents among them who asked for a pause or a logout."""
    away: int
    in_flight: int
    waiting: int
    """People who answered and have met no agent yet."""
    # What was believed
    answer_probability: float
    """That a call with nothing known about it is answered by a person."""
    answer_deviation: float
    """Standard deviation of that belief."""
    usual_answer_probability: float
    """The same, as it was over about the last hour."""
    mean_talk: float
    mean_wrap: float
    soon: float
    """Seconds within which half of all answers come; the two that follow are within that time."""
    answers_soon: float
    """Expected answers of calls in flight."""
    free_soon: float
    """Expected number of busy agents who become free."""
    # What was allowed
    bound: float
    """Largest probability to be abandoned with which a call was allowed; 0: idle agents only."""
    risk: float
    """That probability for the last call dialed, or for the first one that was not."""
    next_risk: float
    """That probability for one call more."""
    answers: float
    """Live answers in the window."""
    abandoned: float
    """Abandoned ones in the window."""
    slack: float
    """Abandonments that the limit still allows."""
    limit: float
    method: Literal["none", "exact", "normal"]

    def as_dict(self) -> dict[str, Any]:
        """All fields, as JSON can hold them."""
        return asdict(self)


WHY = {
    "bound": "One call more would be too likely to be answered when no agent is free.",
    "idle agents": "Each idle agent has a call, and no agent is expected to become free soon enough"
    " for more.",
    "nobody there": "No agent is logged in who could take a call.",
    "switched off": "Only one call for each idle agent is dialed, as the campaign's settings ask.",
    "cold start": "Only one call for each idle agent is dialed until enough people have answered"
    " that the limit allows a first abandoned call.",
    "budget used up": "Only one call for each idle agent is dialed: one more abandoned call would"
    " break the limit.",
    "recovery guard": "Fewer people answer than usual. If that ended suddenly, more calls would"
    " be answered at once than agents can take.",
    "lines per agent": "The most calls for each agent are in flight.",
    "lines": "All lines of the campaign are in use.",
    "calls per decision": "More calls at once are not allowed; the next follow.",
    "no leads": "There are no more leads that may be called now.",
    "end of the shift": "The shift ends: only calls that agents can still take are dialed.",
    "clock": "The clock jumped, or no decision was made for long: only one call for each idle"
    " agent is dialed for a while.",
    "fault": "Something in the forecast failed: only one call for each idle agent is dialed.",
}
"""In words, by what held."""


def explain(decision: Decision) -> str:
    """The decision in plain words, one sentence a line."""
    d = decision
    there = d.idle + d.talking + d.wrapping
    lines = [
        f"Dialed {_many(d.calls, 'new call')}." if d.calls else "Dialed nothing.",
        f"{_many(there, 'agent')} there: {d.idle} idle, {d.talking} talking,"
        f" {d.wrapping} in wrap-up{_leaving(d.leaving)}.",
        f"{_many(d.in_flight, 'call')} ringing, {_many(d.waiting, 'person', 'people')} waiting"
        " for an agent.",
        f"A person is believed to answer {d.answer_probability:.1%} of calls"
        f" (give or take {d.answer_deviation:.1%}; usual {d.usual_answer_probability:.1%}).",
    ]
    if d.method != "none":
        lines += [
            f"Within {d.soon:.0f} seconds about {d.answers_soon:.1f} of the ringing calls are"
            f" answered and {d.free_soon:.1f} agents become free.",
            f"The chance that {'the last call' if d.calls else 'a first call'} meets nobody was"
            f" {d.risk:.1%}; allowed is {d.bound:.1%}; one more would have {d.next_risk:.1%}.",
        ]
    lines += [
        f"In the window {_many(round(d.answers), 'person', 'people')} answered and"
        f" {round(d.abandoned)} met nobody{_share(d)}; the limit of {d.limit:.1%}"
        f" {_left(d.slack)}.",
        WHY[d.held_by],
    ]
    return "\n".join(lines)


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _leaving(count: int) -> str:
    return f"; {count} of them about to leave" if count else ""


def _share(decision: Decision) -> str:
    if decision.answers <= 0:
        return ""
    return f" ({decision.abandoned / decision.answers:.2%})"


def _left(slack: float) -> str:
    if slack < 0:
        return f"is exceeded by {-slack:.1f}"
    return f"allows {slack:.1f} more"
