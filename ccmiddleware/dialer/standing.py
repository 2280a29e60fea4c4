"""How a campaign stands with its drops: the ledger of its days, and what follows of it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from ccmiddleware.dialer import budget
from ccmiddleware.dialer.ledger import Day, Ledger
from ccmiddleware.dialer.profiles import Profile
from ccmiddleware.dialer.settings import effective
from ccmiddleware.dialer.values import Value

Level = Literal["fine", "near", "over"]

NEAR = 0.8
"""The part of the limit from which on it is near."""


@dataclass(frozen=True)
class Standing:
    """Drops of the period that the law counts, beside what the campaign allows itself."""

    decision: budget.Decision
    limit: float
    """The smaller one of the campaign's and the law's."""

    @property
    def level(self) -> Level:
        """How near the limit it is."""
        share = self.decision.period.share
        return "over" if share > self.limit else "near" if share >= NEAR * self.limit else "fine"

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it; shares between 0 and 1."""
        period = self.decision.period
        return {
            "first_day": period.first,
            "last_day": period.last,
            "live": _whole(period.live),
            "drops": _whole(period.drops),
            "false_positives": _whole(period.false_positives),
            "drop_rate": round(period.share, 4) if period.live else None,
            "limit_rate": self.limit,
            "level": self.level,
            "go_on": self.decision.go_on.value,
            "why": self.decision.reason,
            "rule": self.decision.rule,
        }


def _whole(number: float) -> float:
    """An estimate in tenths; an int where it is one."""
    tenths = round(number, 1)
    return int(tenths) if tenths == int(tenths) else tenths


def zone_of(settings: Mapping[str, Value]) -> ZoneInfo:
    """The zone in which a campaign counts days."""
    return ZoneInfo(effective(settings)["time_zone"])


def first_day(started_at: datetime | None, zone: ZoneInfo, today: date) -> date:
    """The day on which a campaign was first started; today for a draft."""
    return today if started_at is None else started_at.astimezone(zone).date()


def period_began(profile: Profile, began: date, today: date) -> date:
    """First day of the period in which ``today`` is: days before it don't count any more."""
    length = profile.terms.period_days.value
    return began + timedelta(days=max((today - began).days, 0) // length * length)


def standing(
    settings: Mapping[str, Value],
    profile: Profile,
    began: date,
    today: date,
    days: Iterable[Mapping[str, Any]],
    leads_left: int,
) -> Standing:
    """How it stands on a day, as whoever dials sees it.

    ``days``: rows of ``report.campaign_day``, of this period at least. ``leads_left``: how many may
    still be called.
    """
    zone = zone_of(settings)
    ledger = Ledger(began, zone)
    ledger.read(_counted(row) for row in days)
    noon = datetime.combine(today, time(12), zone)
    decision = ledger.decision(profile, noon, leads_left)
    limit = min(profile.terms.limit.value, effective(settings)["abandonment_limit"] / 100)
    return Standing(decision, limit)


def _counted(row: Mapping[str, Any]) -> Day:
    """As ``campaign_day_counts.sql`` has it for whoever dials."""
    live = row["live"] - row["machines_found"]
    over = row["attempts"] - row["open"]
    return Day(row["day"], over, live, row["drops"], float(row["estimated_false_positives"]))
