"""Where Postgres and queue_log differ, call by call. Pure.

Strict: every call of queue_log is one interaction with the same stays, and there is no other one.
Only what Asterisk took to its grave can't be compared. Such things are put into narrow classes,
each of which holds for calls that were alive when an Asterisk ended, and are counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chaos.stored import StoredCall, StoredStay
from chaos.told import Death, Stay, Told

WITHIN = 1.5
"""Seconds by which times may differ that were seen: queue_log counts whole ones, rounded down."""

WITHIN_TOLD = 2.5
"""The same where ours come from queue_log, or from ages that Asterisk tells in whole seconds."""

LAST_WORDS = timedelta(seconds=1)
"""How long before the end of an Asterisk it may have told what it did not write any more."""

NOTICED = timedelta(seconds=3)
"""How long after the end of an Asterisk what it cut off may end with us."""

CUT = "cut off by the end of Asterisk, closed as lost and inferred"
TOLD_NOT_WRITTEN = "its end was told, and not written before Asterisk ended"
NEVER_WRITTEN = "its begin was told, and not written before Asterisk ended"


@dataclass
class Account:
    """What the comparison found."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    cut: Counter[str] = field(default_factory=Counter)
    """What can't be compared, by class; all of it in calls alive at an end of Asterisk."""
    outcomes: Counter[str] = field(default_factory=Counter)
    observed: int = 0
    inferred: int = 0

    @property
    def well(self) -> bool:
        """Whether there is nothing to complain about."""
        return not (self.lost or self.doubled or self.different)


def compare(
    told: dict[str, Told], stored: Iterable[StoredCall], deaths: Sequence[Death]
) -> Account:
    """Compare all calls. ``deaths``: the ends of Asterisk, in order."""
    account = Account()
    ours: dict[str, list[StoredCall]] = defaultdict(list)
    for our in stored:
        ours[our.uniqueid].append(our)
        if our.inferred:
            account.inferred += 1
        else:
            account.observed += 1
    for key, call in told.items():
        if key not in ours:
            account.lost.append(f"{key}: only queue_log has it: {call.stays}")
        elif len(ours[key]) > 1:
            account.doubled.append(f"{key}: {len(ours[key])} interactions")
        else:
            _call(account, call, ours[key][0], deaths)
    for key in ours.keys() - told.keys():
        _only_ours(account, ours[key], deaths)
    return account


def _only_ours(account: Account, calls: list[StoredCall], deaths: Sequence[Death]) -> None:
    for call in calls:
        if len(calls) == 1 and _at_death(call.started_at, deaths) and call.inferred:
            account.cut[NEVER_WRITTEN] += 1
            account.outcomes[call.outcome] += 1
        else:
            account.different.append(f"{call.uniqueid}: only we have it: {call}")


def _call(account: Account, told: Told, our: StoredCall, deaths: Sequence[Death]) -> None:
    account.outcomes[our.outcome] += 1
    if not told.over and not told.cut:
        account.different.append(f"{told.call}: still goes on in queue_log: {told.stays}")
        return
    wrong = []
    if len(told.stays) != len(our.stays):
        wrong.append(f"{len(told.stays)} stays, we have {len(our.stays)}")
    else:
        *whole, last = zip(told.stays, our.stays, strict=True)
        for theirs, ours in whole:
            wrong += unlike(theirs, ours)
        if told.cut:
            kind = _cut(*last, deaths[told.life - 1])
            if kind is None:
                wrong.append("cut off by the end of Asterisk, and not closed as that")
            else:
                account.cut[kind] += 1
        else:
            wrong += unlike(*last)
    if not wrong and our.outcome != _outcome(our.stays):
        wrong.append(f"outcome {our.outcome}")
    if wrong:
        account.different.append(
            f"{told.call}: {'; '.join(wrong)}; queue_log {told.stays}, we {our}"
        )


def _outcome(stays: Sequence[StoredStay]) -> str:
    return "answered" if any(one.outcome == "answered" for one in stays) else stays[-1].outcome


def unlike(theirs: Stay, ours: StoredStay) -> list[str]:
    """In what two tellings of a stay that is over differ."""
    wrong = _unlike_begin(theirs, ours)
    if (theirs.outcome, theirs.ended_by) != (ours.outcome, ours.ended_by):
        wrong.append("end")
    if abs(theirs.talk - ours.talk) > (WITHIN_TOLD if ours.inferred else WITHIN):
        wrong.append("talk")
    if abs(theirs.wait - ours.wait) > (WITHIN_TOLD if ours.inferred else WITHIN):
        wrong.append("wait")
    return wrong


def _unlike_begin(theirs: Stay, ours: StoredStay) -> list[str]:
    wrong = []
    if (theirs.queue, theirs.agent) != (ours.queue, ours.agent):
        wrong.append("queue or agent")
    if sorted(theirs.unanswered) != sorted(ours.unanswered):
        wrong.append("rung in vain")
    if ours.answered_offers != (1 if theirs.agent else 0):
        wrong.append(f"{ours.answered_offers} answered offers")
    return wrong


def _cut(theirs: Stay, ours: StoredStay, death: Death) -> str | None:
    """The class of a stay whose end queue_log does not have; None when it is in none."""
    if ours.ended_at is None or not _within_life(theirs, ours.ended_at, death):
        return None
    closed = (ours.outcome, ours.ended_by) == (
        ("answered", "lost") if theirs.agent else ("lost", "")
    )
    if closed and ours.inferred and not _unlike_begin(theirs, ours):
        within = WITHIN_TOLD
        return CUT if not theirs.agent or abs(theirs.wait - ours.wait) <= within else None
    # We know more of it than was written: then in the last moments.
    same = theirs.queue == ours.queue and theirs.agent in ("", ours.agent)
    if not same or ours.outcome == "lost":
        return None
    told_at = ours.ended_at
    if ours.ended_by == "lost":  # of a talk, only the answer can have been told
        told_at -= timedelta(seconds=ours.talk)
        if theirs.agent or not ours.inferred:
            return None
    return TOLD_NOT_WRITTEN if told_at >= death.began - LAST_WORDS else None


def _within_life(theirs: Stay, ended_at: datetime, death: Death) -> bool:
    """Whether it ended between the last that is told of it and the end of Asterisk."""
    after = ended_at.timestamp() >= theirs.last_at - WITHIN
    return after and ended_at <= death.ended + NOTICED


def _at_death(at: datetime, deaths: Sequence[Death]) -> bool:
    return any(death.began - LAST_WORDS <= at <= death.ended for death in deaths)
