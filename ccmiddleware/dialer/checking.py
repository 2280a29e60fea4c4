"""Whether a campaign may start: what is missing or unlawful about it, all at once. Pure.

``Facts`` is what is known of a campaign: its settings, its queue, its lists, and what was seen of
its files. Each finding has the key, what is wrong, what would be right, and the rule that says so.
Errors keep a campaign from starting; warnings do not.
"""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ccmiddleware.dialer.profiles import Cap, Profile, Rule
from ccmiddleware.dialer.stricter import minutes_of, within
from ccmiddleware.dialer.windows import CampaignHours
from ccmiddleware.queues.hours import show_week

AHEAD = ("power", "predictive")
"""Modes in which somebody may answer before an agent is free."""

MODES = ("preview", "progressive", *AHEAD, "agentless")


KEYPAD = tuple("0123456789*#")


class Level(enum.Enum):
    """Whether a finding keeps the campaign from starting."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. ``rule`` is its source; empty where reason alone says so."""

    level: Level
    key: str
    wrong: str
    right: str
    rule: str = ""

    def __str__(self) -> str:
        rule = f" ({self.rule})" if self.rule else ""
        return f"{self.key}: {self.wrong}; {self.right}{rule}"


@dataclass(frozen=True)
class SoundFile:
    """A recording that is to be played. ``trouble`` says why it can't be, if that was seen."""

    name: str
    trouble: str = ""


@dataclass(frozen=True)
class Facts:
    """A campaign as it is now. None or an empty text: not set."""

    mode: str
    caller_ids: tuple[str, ...] = ()
    seller_name: str = ""
    seller_number: str = ""
    ring_seconds: float = 0
    agent_seconds: float = 2.0
    """After how long without an agent the message is played."""
    drop_limit: float | None = None
    """The share that the campaign itself allows; None: the profile's."""
    message: SoundFile | None = None
    """The safe-harbour recording."""
    opt_out_key: str = ""
    detection_seconds: float | None = None
    """Longest analysis of answering-machine detection; None: there is none."""
    machine_message: SoundFile | None = None
    hours: CampaignHours | None = None
    cap: Cap | None = None
    queue: str = ""
    queue_exists: bool = True
    members: int = 0
    members_nailed_up: int = 0
    """Members whose line is open: ringing phones can't be reached in two seconds."""
    scrubbed_at: datetime | None = None
    """When the list of those who want no calls was last compared with the national one."""
    leads: int | None = None
    """Leads that can be dialed; None: unknown."""
    leads_without_place: int = 0
    leads_without_consent: int | None = None
    """Leads without consent to recorded messages; None: unknown."""


Check = Callable[[Facts, Profile, datetime], Iterator[Finding]]


def check(facts: Facts, profile: Profile, at: datetime) -> list[Finding]:
    """All findings, errors first. An empty list: it may start."""
    if facts.mode not in MODES:
        return [_error("mode", f"{facts.mode!r} is no mode", f"write {', '.join(MODES)}")]
    found = [finding for each in CHECKS for finding in each(facts, profile, at)]
    return sorted(found, key=lambda finding: finding.level is not Level.ERROR)


def may_start(findings: list[Finding]) -> bool:
    """Whether no finding is an error."""
    return all(finding.level is not Level.ERROR for finding in findings)


# -- one check each -------------------------------------------------------------------------


def _who_calls(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    if not facts.caller_ids and profile.terms.caller_id.value:
        yield _by(
            profile.terms.caller_id,
            "caller_id",
            "no caller id is set",
            "set a number at which you can be called back",
        )
    needed = profile.terms.message
    if not needed.value:
        return
    if not facts.seller_name.strip():
        yield _by(needed, "seller_name", "is not set", "set the name that the message says")
    if not facts.seller_number.strip():
        yield _by(needed, "seller_number", "is not set", "set the number that the message says")


def _ringing(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    least = profile.terms.ring_seconds
    if facts.ring_seconds < least.value:
        yield _by(
            least,
            "ring_seconds",
            f"it rings for {facts.ring_seconds:g} s",
            f"let it ring for at least {least.value} s",
        )


def _drops(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    terms = profile.terms
    if facts.drop_limit is not None and facts.drop_limit > terms.limit.value:
        yield _by(
            terms.limit,
            "drop_limit",
            f"{facts.drop_limit:.2%} is above the law's {terms.limit.value:.2%}",
            f"set {terms.limit.value:g} or less",
        )
    if facts.mode == "preview":
        return
    if facts.agent_seconds > terms.agent_seconds.value:
        yield _by(
            terms.agent_seconds,
            "agent_seconds",
            f"an agent may take {facts.agent_seconds:g} s",
            f"set {terms.agent_seconds.value:g} s or less",
        )
    if facts.mode not in AHEAD:
        return
    if terms.limit.value == 0 or facts.drop_limit == 0:
        yield _by(
            terms.limit,
            "mode",
            f"{facts.mode} dials ahead of agents, and no drop is allowed",
            "use progressive or preview",
        )
    elif not terms.safe_harbour.value:
        yield Finding(
            Level.WARNING,
            "mode",
            f"{facts.mode} drops calls, and no share of them is safe here",
            "progressive and preview drop none",
            terms.safe_harbour.source,
        )


def _recordings(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    terms = profile.terms
    if facts.mode != "preview" and terms.message.value:
        if facts.message is None:
            yield _by(
                terms.message,
                "message",
                "there is no safe-harbour recording",
                "record one with the seller's name and telephone number, and nothing else",
            )
        if not facts.opt_out_key and terms.opt_out_key.value:
            yield _by(
                terms.opt_out_key,
                "opt_out_key",
                "no key of the message opts out",
                "set a key (0 to 9) that the recording names",
            )
    if facts.opt_out_key and facts.opt_out_key not in KEYPAD:
        yield _error("opt_out_key", f"{facts.opt_out_key!r} is no key", "set one of 0 to 9, * or #")
    for key, sound in (("message", facts.message), ("machine_message", facts.machine_message)):
        if sound is not None and sound.trouble:
            yield _error(
                key,
                f"{sound.name!r} can't be played: {sound.trouble}",
                "put a sound there that Asterisk can read",
            )


def _machines(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    longest = profile.terms.detection_seconds
    if facts.detection_seconds is not None and facts.detection_seconds > longest.value:
        yield _by(
            longest,
            "detection_seconds",
            f"telling a machine from a person may take {facts.detection_seconds:g} s",
            f"set {longest.value:g} s or less",
        )
    if facts.machine_message is not None and facts.detection_seconds is None:
        yield Finding(
            Level.WARNING,
            "machine_message",
            "is never played, since machines are not detected",
            "set detection_seconds, or remove it",
        )


def _consent(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    """Calls in which a recording speaks: all of an agentless campaign, and those to machines."""
    needed = profile.terms.recorded_consent
    if not needed.value or (facts.mode != "agentless" and facts.machine_message is None):
        return
    key, right = "consent", "import only leads who agreed in writing, with their consent"
    if facts.leads_without_consent is None:
        wrong = "recorded messages need consent, and of none of the leads is it known"
        yield Finding(Level.WARNING, key, wrong, right, needed.source)
    elif facts.leads_without_consent:
        wrong = f"{facts.leads_without_consent:,} leads did not agree to recorded messages"
        yield _by(needed, key, wrong, right)


def _lists(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    days = profile.terms.scrub_days
    if facts.scrubbed_at is None:
        yield _by(
            days,
            "dnc",
            "was never compared with the national do-not-call list",
            "import it with `ccm dnc import`",
        )
        return
    age = at - facts.scrubbed_at
    if age > timedelta(days=days.value):
        yield _by(
            days,
            "dnc",
            f"was last compared with the national do-not-call list {age.days} days ago",
            f"import it again, at least every {days.value} days",
        )
    elif age > timedelta(days=days.value) * 0.8:
        yield Finding(
            Level.WARNING,
            "dnc",
            f"was last compared with the national do-not-call list {age.days} days ago",
            f"import it before {facts.scrubbed_at + timedelta(days=days.value):%Y-%m-%d}",
            days.source,
        )


def _hours(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    if not profile.everywhere.weeks:
        yield _error("window", "the profile has no calling hours", "choose another profile")
    if facts.hours is None or facts.hours.week is None:
        return
    week = facts.hours.week
    if not any(week):
        yield _error("hours", "it is never open", "set hours, as in mon-fri 09:00-18:00")
        return
    if facts.hours.zone is not None:
        return  # other clocks than the law's: nothing to compare
    for rule in profile.everywhere.weeks:
        if not minutes_of(week) & minutes_of(rule.value):
            yield _by(
                rule,
                "hours",
                f"no part of {show_week(week)} is within the law's {show_week(rule.value)}",
                "set hours within them",
            )
        elif not within(week, rule.value):
            yield Finding(
                Level.WARNING,
                "hours",
                f"{show_week(week)} is more than the law's {show_week(rule.value)}",
                "only what is within both is dialed",
                rule.source,
            )


def _caps(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    if facts.cap is not None and (facts.cap.calls < 1 or facts.cap.hours < 1):
        yield _error("cap", f"{facts.cap} is no cap", "set 1 or more calls, in 1 or more hours")


def _people(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    if facts.mode == "agentless":
        return
    if not facts.queue:
        yield _error("queue", "is not set", "set the queue whose agents take the calls")
    elif not facts.queue_exists:
        yield _error("queue", f"Asterisk has no queue {facts.queue!r}", "set one that it has")
    elif facts.members == 0:
        yield _error("queue", f"{facts.queue!r} has no members", "add agents to it")
    elif facts.members_nailed_up == 0 and facts.mode != "preview":
        yield Finding(
            Level.WARNING,
            "queue",
            f"no member of {facts.queue!r} has an open line (AgentLogin)",
            f"a ringing phone is not answered within {profile.terms.agent_seconds.value:g} s",
            profile.terms.agent_seconds.source,
        )


def _leads(facts: Facts, profile: Profile, at: datetime) -> Iterator[Finding]:
    if facts.leads == 0:
        yield Finding(Level.WARNING, "leads", "there are none to dial", "import some")
    if facts.leads_without_place:
        yield Finding(
            Level.WARNING,
            "leads",
            f"of {facts.leads_without_place:,} nobody can tell where they are",
            "they are not dialed; store a postal code, state or time zone with them",
            profile.everywhere.weeks[0].source if profile.everywhere.weeks else "",
        )


CHECKS: tuple[Check, ...] = (
    _who_calls, _ringing, _drops, _recordings, _machines, _consent, _lists, _hours, _caps,
    _people, _leads,
)  # fmt: skip


def _error(key: str, wrong: str, right: str) -> Finding:
    return Finding(Level.ERROR, key, wrong, right)


def _by(rule: Rule[Any], key: str, wrong: str, right: str) -> Finding:
    return Finding(Level.ERROR, key, wrong, right, rule.source)
