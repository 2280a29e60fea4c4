"""When and on which number a lead is tried again, or that it is finished and why. Pure.

Rules are data, one for each result of an attempt, written as

    busy 10m x3; no_answer 4h x5 next-number other-hour; machine 1d x2; failed 1h x2 next-number

with the delay, how many attempts may end so, and what is to be another one: the number, the part
of the day. A result without a rule finishes the lead. A callback that was promised goes before all
that. What is lawful at that time is not asked here: whoever asks looks at the windows too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from ccmiddleware.errors import PermanentError

RESULTS = (
    "connected", "dropped", "hung_up", "machine", "no_answer", "busy", "failed", "unknown",
)  # fmt: skip

DEAD_CAUSES = frozenset((1, 22, 28))
"""Q.850: no such number, number changed, not a whole number. Trying it again is of no use."""

PARTS_OF_DAY = ((8, 12), (12, 17), (17, 21))
"""Hours by the party's clock, from and until: morning, afternoon, evening. The rest is night."""

LONGEST_DELAY = timedelta(days=365)
MOST_TIMES = 100
DAYS_AHEAD = 2
"""How far another part of the day is looked for."""

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_RULE = re.compile(r"([a-z_]+) +(\d{1,6})([mhd]) +x(\d{1,4})((?: +[a-z-]+)*)")


class InvalidRetry(PermanentError, ValueError):
    """Rules that can't be meant; the text says what would be right."""


@dataclass(frozen=True)
class RetryRule:
    """What follows an attempt that ended in one way."""

    delay: timedelta
    times: int
    """How many attempts of the lead may end so; after the last of them it is finished."""
    next_number: bool = False
    other_hour: bool = False


@dataclass(frozen=True)
class RetryRules:
    """The rules of a campaign. ``most`` attempts are made in all."""

    by_result: Mapping[str, RetryRule] = field(default_factory=dict)
    most: int = 10
    callback: RetryRule = RetryRule(timedelta(minutes=15), 3)
    """How a promised callback that reaches nobody is tried again."""


@dataclass(frozen=True)
class Number:
    """One number of a lead, in the order in which they are tried."""

    e164: str
    usable: bool = True
    """False: on a list of those who want no calls, or without a place."""


@dataclass(frozen=True)
class Attempt:
    """An attempt that has ended."""

    at: datetime
    number: str
    result: str
    cause: int | None = None
    """Q.850, of a failed one."""
    callback: bool = False
    """Whether it was made to keep a promise."""


@dataclass(frozen=True)
class Promise:
    """A callback that was promised for a time. ``agent``: that one alone; None: anybody."""

    at: datetime
    number: str
    made_at: datetime
    agent: str | None = None


@dataclass(frozen=True)
class Again:
    """The lead is to be tried again."""

    at: datetime
    number: str
    reason: str
    callback: bool = False
    agent: str | None = None


@dataclass(frozen=True)
class Finished:
    """The lead is not tried again."""

    reason: str


DEFAULT_TEXT = (
    "busy 10m x3; no_answer 4h x5 next-number other-hour; machine 1d x3 other-hour; "
    "failed 1h x3 next-number; dropped 3d x2; unknown 1d x2"
)


# -- rules as text --------------------------------------------------------------------------


def parse_retry(text: str) -> dict[str, RetryRule]:
    """Rules by result from their text; none for an empty one. Raises InvalidRetry."""
    found: dict[str, RetryRule] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        match = _RULE.fullmatch(" ".join(part.split()))
        if match is None:
            raise InvalidRetry(
                f"{part.strip()!r} is no rule: write the result, the delay (m, h or d) and how "
                "often, as in no_answer 4h x5 next-number other-hour"
            )
        result, amount, unit, times, words = match.groups()
        if result in found:
            raise InvalidRetry(f"there are two rules for {result}")
        found[_result(result)] = _rule(part.strip(), int(amount), unit, int(times), words.split())
    return found


def show_retry(rules: Mapping[str, RetryRule]) -> str:
    """The text that ``parse_retry`` reads as these rules."""
    return "; ".join(
        f"{result} {_delay(rule.delay)} x{rule.times}"
        + " next-number" * rule.next_number
        + " other-hour" * rule.other_hour
        for result, rule in rules.items()
    )


def _result(name: str) -> str:
    if name in RESULTS and name != "connected":
        return name
    near = get_close_matches(name, RESULTS, n=1, cutoff=0.6)
    meant = f"did you mean {near[0]}?" if near and name != "connected" else ""
    known = ", ".join(result for result in RESULTS if result != "connected")
    raise InvalidRetry(f"no rule can be for {name!r}: {meant or f'write {known}'}")


def _rule(text: str, amount: int, unit: str, times: int, words: list[str]) -> RetryRule:
    unknown = [word for word in words if word not in ("next-number", "other-hour")]
    if unknown:
        raise InvalidRetry(f"{text!r}: {unknown[0]!r} is neither next-number nor other-hour")
    if not 1 <= times <= MOST_TIMES:
        raise InvalidRetry(f"{text!r}: write x1 to x{MOST_TIMES}")
    delay = timedelta(**{UNITS[unit]: amount})
    if not timedelta(minutes=1) <= delay <= LONGEST_DELAY:
        raise InvalidRetry(f"{text!r}: write a delay from 1m to {LONGEST_DELAY.days}d")
    return RetryRule(delay, times, "next-number" in words, "other-hour" in words)


def _delay(delay: timedelta) -> str:
    minutes = int(delay.total_seconds() // 60)
    for unit, length in (("d", 1440), ("h", 60)):
        if minutes % length == 0:
            return f"{minutes // length}{unit}"
    return f"{minutes}m"


# -- what comes next ------------------------------------------------------------------------


def what_next(
    rules: RetryRules,
    numbers: Sequence[Number],
    attempts: Sequence[Attempt],
    now: datetime,
    *,
    zone: str = "UTC",
    promise: Promise | None = None,
) -> Again | Finished:
    """What becomes of a lead. ``zone`` is that of its place, for parts of the day.

    ``attempts`` are all that were made, in any order; a time that has passed is given as now.
    """
    made = sorted(attempts, key=lambda attempt: attempt.at)
    dead = {each.number for each in made if each.result == "failed" and each.cause in DEAD_CAUSES}
    usable = [each.e164 for each in numbers if each.usable and each.e164 not in dead]
    if promise is not None:
        kept = _promised(rules, usable, made, now, promise)
        if kept is not None:
            return kept
    if not usable:
        return Finished("no number is left that may be called and exists")
    if not made:
        return Again(now, usable[0], "not tried yet")
    last = made[-1]
    if last.result == "connected":
        return Finished("connected")
    if len(made) >= rules.most:
        return Finished(f"tried {len(made)} times, the most for a lead")
    if last.number in dead:
        tried = {attempt.number for attempt in made}
        fresh = [number for number in usable if number not in tried]
        if fresh:
            return Again(now, fresh[0], f"{last.number} does not exist (Q.850 {last.cause})")
        made = [attempt for attempt in made if attempt.number not in dead]
    return _by_rule(rules, numbers, usable, made, now, zone)


def _by_rule(
    rules: RetryRules,
    numbers: Sequence[Number],
    usable: Sequence[str],
    made: Sequence[Attempt],
    now: datetime,
    zone: str,
) -> Again | Finished:
    last = made[-1]
    rule = rules.by_result.get(last.result)
    if rule is None:
        return Finished(f"{last.result}: no rule tries that again")
    ended_so = sum(attempt.result == last.result for attempt in made)
    if ended_so >= rule.times:
        return Finished(f"{last.result} {ended_so} of {rule.times} times")
    number = last.number
    if rule.next_number or number not in usable:
        number = _after(number, numbers, usable)
    at = max(now, last.at + rule.delay)
    reason = f"{last.result} {ended_so} of {rule.times} times: again after {_delay(rule.delay)}"
    if rule.other_hour:
        at = _other_part(at, made, zone)
        reason += ", in another part of the day"
    if number != last.number:
        reason += ", on the next number"
    return Again(at, number, reason)


def _promised(
    rules: RetryRules,
    usable: Sequence[str],
    made: Sequence[Attempt],
    now: datetime,
    promise: Promise,
) -> Again | Finished | None:
    """How a promise is kept; None when that was tried enough, or its number may not be called."""
    tries = [each for each in made if each.callback and each.at >= promise.made_at]
    if tries and tries[-1].result == "connected":
        return Finished("connected")
    if promise.number not in usable or len(tries) >= rules.callback.times:
        return None
    at, reason = promise.at, f"callback promised for {promise.at:%Y-%m-%d %H:%M %Z}".rstrip()
    if tries:
        at = max(at, tries[-1].at + rules.callback.delay)
        reason += f", tried {len(tries)} of {rules.callback.times} times"
    return Again(max(now, at), promise.number, reason, callback=True, agent=promise.agent)


def _after(number: str, numbers: Sequence[Number], usable: Sequence[str]) -> str:
    """The usable number behind this one; behind the last one comes the first."""
    order = [each.e164 for each in numbers]
    place = order.index(number) + 1 if number in order else 0
    return next(each for each in (*order[place:], *order[:place]) if each in usable)


def _other_part(earliest: datetime, made: Sequence[Attempt], zone: str) -> datetime:
    """The first moment from ``earliest`` on in the part of the day that was tried least.

    Night is never chosen, and parts count by the wall clock of the zone.
    """
    here = ZoneInfo(zone)
    tried = [_part(attempt.at.astimezone(here)) for attempt in made]
    local = earliest.astimezone(here)
    choices = []
    for days in range(DAYS_AHEAD + 1):
        for begin, end in PARTS_OF_DAY:
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            start = (midnight + timedelta(days=days)).replace(hour=begin)
            if days == 0 and begin <= local.hour < end:
                start = local
            if start >= local:
                choices.append((tried.count((begin, end)), start.astimezone(UTC)))
    return min(choices)[1]


def _part(local: datetime) -> tuple[int, int] | None:
    return next((part for part in PARTS_OF_DAY if part[0] <= local.hour < part[1]), None)


DEFAULT = RetryRules(parse_retry(DEFAULT_TEXT))
