"""Jurisdiction profiles: what a law asks of a campaign, as data with its source. Pure.

``profile_files`` reads them from TOML; ``windows``, ``caps``, ``budget`` and ``checking`` decide by
what stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Generic, TypeVar

from ccmiddleware.dialer.holidays import Holiday, business_days_after
from ccmiddleware.errors import PermanentError
from ccmiddleware.queues.hours import Hours

Week = tuple[tuple[Hours, ...], ...]
"""Hours of each day, Monday first."""

T = TypeVar("T")


class InvalidProfile(PermanentError, ValueError):
    """A profile that can't be used; ``problems`` has one line for each mistake."""

    def __init__(self, name: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"profile {name}: {problem}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Rule(Generic[T]):
    """One value of a law, and where it stands."""

    value: T
    source: str


@dataclass(frozen=True)
class Cap:
    """At most so many calls to one number in so many hours."""

    calls: int
    hours: int
    source: str

    def __str__(self) -> str:
        return f"{self.calls} calls in {self.hours} hours"


@dataclass(frozen=True)
class Law:
    """Hours, holidays and caps of a state, or of everywhere (``state`` empty). All of them hold."""

    state: str = ""
    weeks: tuple[Rule[Week], ...] = ()
    recorded_weeks: tuple[Rule[Week], ...] = ()
    """Narrower hours of calls in which a recording speaks and nobody else."""
    holidays: tuple[Rule[tuple[Holiday, ...]], ...] = ()
    caps: tuple[Cap, ...] = ()


@dataclass(frozen=True)
class Terms:
    """The single values. Each of them has a key (``KEYS``)."""

    limit: Rule[float]
    """Share of the calls answered by a person that may be dropped."""
    period_days: Rule[int]
    """Over how many days the share is counted; 1 is from midnight to midnight."""
    safe_harbour: Rule[bool]
    """Whether the law leaves a campaign alone that stays below the limit."""
    ring_seconds: Rule[int]
    agent_seconds: Rule[float]
    """From the end of the greeting until an agent, or the message, must be there."""
    message: Rule[bool]
    """Whether a recorded message must be played when there is no agent."""
    opt_out_key: Rule[bool]
    progressive_at: Rule[float]
    """From which part of the limit on nobody is dialed ahead of an agent."""
    first_answers: Rule[int]
    """Over how many answers the share of a young period is judged, if so many will come."""
    stop_drops: Rule[int]
    """By how many drops the limit may be passed before only preview is left."""
    after_drop_hours: Rule[int]
    after_machine_hours: Rule[int]
    honour_business_days: Rule[int]
    scrub_days: Rule[int]
    detection_seconds: Rule[float]
    """For how long it may take to tell a machine from a person."""
    recorded_consent: Rule[bool]
    """Whether a call in which a recording speaks needs consent."""
    caller_id: Rule[bool]
    record_years: Rule[int]


@dataclass(frozen=True)
class Key:
    """A key of the file: to which term it belongs, what it may hold, and what is stricter."""

    field: str
    kind: str
    """share, count, seconds, flag or period"""
    stricter: str
    """lower, higher, true, false, or day (the same period, or a day)"""


KEYS = {
    "abandonment.limit": Key("limit", "share", "lower"),
    "abandonment.period": Key("period_days", "period", "day"),
    "abandonment.safe_harbour": Key("safe_harbour", "flag", "false"),
    "abandonment.ring_seconds": Key("ring_seconds", "count", "higher"),
    "abandonment.agent_seconds": Key("agent_seconds", "seconds", "lower"),
    "abandonment.message": Key("message", "flag", "true"),
    "abandonment.opt_out_key": Key("opt_out_key", "flag", "true"),
    "abandonment.progressive_at": Key("progressive_at", "share", "lower"),
    "abandonment.first_answers": Key("first_answers", "count", "lower"),
    "abandonment.stop_drops": Key("stop_drops", "count", "lower"),
    "waits.after_drop_hours": Key("after_drop_hours", "count", "higher"),
    "waits.after_machine_hours": Key("after_machine_hours", "count", "higher"),
    "dnc.honour_business_days": Key("honour_business_days", "count", "lower"),
    "dnc.scrub_days": Key("scrub_days", "count", "lower"),
    "detection.seconds": Key("detection_seconds", "seconds", "lower"),
    "recorded.consent": Key("recorded_consent", "flag", "true"),
    "caller_id.required": Key("caller_id", "flag", "true"),
    "records.years": Key("record_years", "count", "higher"),
}


@dataclass(frozen=True, eq=False)
class Profile:
    """A whole profile, equal to itself alone.

    ``states`` by ISO 3166-2; ``known_holidays`` by the name that files use.
    """

    name: str
    title: str
    version: str
    terms: Terms
    everywhere: Law
    states: Mapping[str, Law] = field(default_factory=dict)
    business_holidays: Rule[tuple[Holiday, ...]] = field(default_factory=lambda: Rule((), ""))
    known_holidays: Mapping[str, Holiday] = field(default_factory=dict)
    builds_on: str = ""

    @property
    def label(self) -> str:
        """Name and version, with that of the profile on which it builds: for permits."""
        on = f" on {self.builds_on}" if self.builds_on else ""
        return f"{self.name} {self.version}{on}"

    def honour_by(self, asked: date) -> date:
        """The last day by which somebody who wants no calls must be left alone."""
        days = self.terms.honour_business_days.value
        return business_days_after(asked, days, self.business_holidays.value)

    def laws(self, states: tuple[str, ...]) -> tuple[Law, ...]:
        """What holds for a place: that of everywhere, and that of each of its states."""
        return (
            self.everywhere,
            *(self.states[state] for state in states if state in self.states),
        )


@dataclass(frozen=True)
class Part:
    """What one file says, before it is put on what it builds on."""

    name: str
    title: str
    version: str
    terms: Mapping[str, Rule[Any]]
    """By key; all of them unless it builds on another profile."""
    everywhere: Law
    states: Mapping[str, Law]
    business_holidays: Rule[tuple[Holiday, ...]] | None
    known_holidays: Mapping[str, Holiday]

    def whole(self) -> Profile:
        """The profile, if the file gives everything."""
        return Profile(
            self.name,
            self.title,
            self.version,
            terms_of(self.terms),
            self.everywhere,
            self.states,
            self.business_holidays or Rule((), ""),
            self.known_holidays,
        )


def terms_of(values: Mapping[str, Rule[Any]]) -> Terms:
    """The terms from values by key."""
    return Terms(**{KEYS[key].field: rule for key, rule in values.items()})


def values_of(terms: Terms) -> dict[str, Rule[Any]]:
    """Values by key from terms."""
    by_field = {term.field: key for key, term in KEYS.items()}
    return {by_field[each.name]: getattr(terms, each.name) for each in fields(terms)}
