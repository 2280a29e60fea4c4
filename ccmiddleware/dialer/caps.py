"""How often a number may be called, and how long it must be left alone. Pure.

Laws of states cap calls in so many hours; what a place may be in counts together, and so does a cap
of the campaign's own. All attempts to the number count, of whatever campaign, made by hand or as a
callback: whoever asks brings them. After a dropped call, and after a machine was detected, some
profiles want a pause unless an agent is sure to be there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profiles import Cap, Profile, Rule

DROPPED, MACHINE = "dropped", "machine"
"""Results of attempts (as the table of attempts has them) after which there may be a pause."""


@dataclass(frozen=True)
class Earlier:
    """An attempt to the number that was made, or is under way."""

    at: datetime
    result: str = ""


@dataclass(frozen=True)
class Permission:
    """Whether a number may be called as far as caps and pauses go, and what decides."""

    allowed: bool
    again_at: datetime | None = None
    """When it may be, if not now and nothing more happens."""
    reasons: tuple[str, ...] = ()
    rule: str = ""
    """The source of the rule that forbids for longest."""


def caps_of(place: Place, profile: Profile, own: Cap | None = None) -> tuple[Cap, ...]:
    """All caps that hold at a place. ``own`` is the campaign's, if it has one."""
    caps = [cap for law in profile.laws(place.states) for cap in law.caps]
    if own is not None:
        caps.append(own)
    return tuple(cap for cap in caps if not any(_covers(other, cap, caps) for other in caps))


def one_cap(caps: Sequence[Cap]) -> Cap | None:
    """A single cap that is at least as strict as all of them: for one comparison in SQL.

    Where none of them is, it takes the fewest calls of one and the most hours of another.
    """
    if not caps:
        return None
    calls, hours = min(cap.calls for cap in caps), max(cap.hours for cap in caps)
    deciding = [cap.source for cap in caps if cap.calls == calls or cap.hours == hours]
    return Cap(calls, hours, "; ".join(dict.fromkeys(deciding)))


def may_call(
    caps: Iterable[Cap],
    profile: Profile,
    at: datetime,
    earlier: Iterable[Earlier],
    *,
    agent_guaranteed: bool = False,
) -> Permission:
    """Whether a number may be called at a moment, by the earlier attempts to it.

    ``agent_guaranteed``: an agent is there before it rings (preview, progressive with an agent who
    is kept free), so that it can't be dropped. An attempt of exactly so many hours ago counts no
    more.
    """
    attempts = sorted(earlier, key=lambda attempt: attempt.at)
    found = [refusal for cap in caps if (refusal := _capped(cap, at, attempts)) is not None]
    if not agent_guaranteed:
        terms = profile.terms
        for result, hours in (
            (DROPPED, terms.after_drop_hours),
            (MACHINE, terms.after_machine_hours),
        ):
            refusal = _too_soon(result, hours, at, attempts)
            if refusal is not None:
                found.append(refusal)
    if not found:
        return Permission(True)
    last = max(found, key=lambda refusal: refusal[0])
    return Permission(False, last[0], tuple(words for _, words, _ in found), last[2])


_Refusal = tuple[datetime, str, str]
"""Until when, why, and by which rule."""


def _capped(cap: Cap, at: datetime, attempts: Sequence[Earlier]) -> _Refusal | None:
    window = timedelta(hours=cap.hours)
    recent = [attempt.at for attempt in attempts if attempt.at > at - window]
    if len(recent) < cap.calls:
        return None
    again = recent[-cap.calls] + window
    words = (
        f"called {_times(len(recent))} in the last {cap.hours} hours, "
        f"where {cap.calls} {'is' if cap.calls == 1 else 'are'} allowed ({cap.source})"
    )
    return again, words, cap.source


def _too_soon(
    result: str, hours: Rule[int], at: datetime, attempts: Sequence[Earlier]
) -> _Refusal | None:
    pause = timedelta(hours=hours.value)
    last = max((each.at for each in attempts if each.result == result), default=None)
    if last is None or at >= last + pause:
        return None
    what = "the call was dropped" if result == DROPPED else "a machine answered"
    words = f"{what} less than {hours.value} hours ago, and no agent is sure to be there"
    return last + pause, f"{words} ({hours.source})", hours.source


def _covers(other: Cap, cap: Cap, caps: Sequence[Cap]) -> bool:
    """Whether a cap says nothing beside another one (of equals, the first one stays)."""
    if other is cap:
        return False
    if (other.calls, other.hours) == (cap.calls, cap.hours):
        return caps.index(other) < caps.index(cap)
    return other.calls <= cap.calls and other.hours >= cap.hours


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
