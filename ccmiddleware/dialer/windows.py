"""Whether it is lawful to call a place at a moment, until when, and when next. Pure.

A place may have several time zones and states, since nobody knows where the party is. All rules of
all its states must allow a call in all its zones, and the campaign's own hours must too: the window
is the intersection. Each rule in each zone is a ``Layer``.

Where clocks change, of a time that comes twice the second one opens and the first one closes, and
one that does not exist (02:30, when it goes from 02:00 to 03:00) is the moment of the change: in
every doubt the window is the shorter one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ccmiddleware.dialer.holidays import Holiday, holiday_on
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profiles import Law, Profile, Week
from ccmiddleware.queues.hours import Hours, show_day

FAR = timedelta(days=400)
"""How far is looked for the next opening, and for the end of one."""

DAY_NAMES = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip

WHOLE_DAY: Week = ((Hours(0, 1440),),) * 7

Span = tuple[datetime, datetime]
"""UTC: open from the first, closed from the second on."""


@dataclass(frozen=True)
class CampaignHours:
    """A campaign's own hours: in the time zone of whoever is called, unless ``zone`` is given."""

    week: Week | None = None
    holidays: tuple[Holiday, ...] = ()
    zone: str | None = None


@dataclass(frozen=True)
class Layer:
    """One rule in one time zone: hours of the week, or days that are closed from 0:00 to 24:00."""

    zone: str
    whose: str
    """Whose rule it is, for people: US-FL, everywhere, the campaign."""
    source: str
    week: Week = WHOLE_DAY
    holidays: tuple[Holiday, ...] = ()


@dataclass(frozen=True)
class Calling:
    """Whether a call is lawful at a moment, and what decides."""

    lawful: bool
    changes_at: datetime | None
    """UTC: when that ends. None: not within 400 days."""
    reasons: tuple[str, ...] = ()
    """In words: all that forbids, or what will end it."""
    rule: str = ""
    """The source of the rule that decided."""

    @property
    def open_until(self) -> datetime | None:
        """When it stops being lawful; None when it is not, or won't stop within 400 days."""
        return self.changes_at if self.lawful else None

    @property
    def opens_at(self) -> datetime | None:
        """When it will be lawful; None when it is, or won't be within 400 days."""
        return None if self.lawful else self.changes_at


def calling(
    place: Place, profile: Profile, at: datetime, campaign: CampaignHours | None = None
) -> Calling:
    """Whether it is lawful, and within the campaign's hours, to call a place at a moment.

    ``at`` is aware. The answer holds until ``changes_at``.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    at = at.astimezone(UTC)
    layers = layers_of(place, profile, campaign)
    closed = [layer for layer in layers if not _open_at(layer, at)]
    if closed:
        return _closed(layers, closed, at)
    horizon = at + FAR
    until, first = horizon, None
    for layer in layers:
        end = _end(layer, at, until)
        if end < until:
            until, first = end, layer
    if first is None:
        return Calling(True, None, ("no rule ends it within 400 days",))
    return Calling(True, until, (_why_it_ends(first, until),), first.source)


def layers_of(
    place: Place, profile: Profile, campaign: CampaignHours | None = None
) -> tuple[Layer, ...]:
    """All rules that hold at a place, in each of its zones; hours of the week before holidays."""
    found: dict[tuple[str, Week, tuple[Holiday, ...]], Layer] = {}
    layers = [
        layer
        for law in profile.laws(place.states)
        for zone in place.zones
        for layer in _layers(law, zone)
    ]
    if campaign is not None:
        for zone in (campaign.zone,) if campaign.zone else place.zones:
            if campaign.week is not None:
                layers.append(Layer(zone, "the campaign", "the campaign's hours", campaign.week))
            if campaign.holidays:
                layers.append(
                    Layer(
                        zone,
                        "the campaign",
                        "the campaign's holidays",
                        holidays=campaign.holidays,
                    )
                )
    for layer in sorted(layers, key=lambda each: bool(each.holidays)):
        found.setdefault((layer.zone, layer.week, layer.holidays), layer)
    return tuple(found.values())


def _layers(law: Law, zone: str) -> Iterator[Layer]:
    whose = law.state or "the law"
    for hours in law.weeks:
        yield Layer(zone, whose, hours.source, hours.value)
    for days in law.holidays:
        if days.value:
            yield Layer(zone, whose, days.source, holidays=days.value)


def _closed(layers: tuple[Layer, ...], closed: list[Layer], at: datetime) -> Calling:
    horizon = at + FAR
    decides = max(closed, key=lambda layer: _start(layer, at, horizon) or horizon)
    reasons = tuple(_why_closed(layer, at) for layer in closed)
    opens: datetime | None = at
    settled = False
    while opens is not None and not settled:
        settled = True
        for layer in layers:
            start = _start(layer, opens, horizon)
            if start != opens:
                settled = False
                opens = start
                if opens is None:
                    break
    return Calling(False, opens, reasons, decides.source)


# -- one layer ------------------------------------------------------------------------------


def _open_at(layer: Layer, at: datetime) -> bool:
    return any(begin <= at < end for begin, end in _near(layer, at))


def _end(layer: Layer, at: datetime, limit: datetime) -> datetime:
    """When a layer that is open closes; some moment not before ``limit`` if it is not before it."""
    until = at
    for begin, end in _spans_from(layer, at):
        if begin > until or until >= limit:
            break
        until = max(until, end)
    return until


def _start(layer: Layer, at: datetime, limit: datetime) -> datetime | None:
    """When a layer is open for the first time from a moment on; None if not before ``limit``."""
    for begin, end in _spans_from(layer, at):
        if begin >= limit:
            return None
        if end > at:
            return max(begin, at)
    return None


def _near(layer: Layer, at: datetime) -> Iterator[Span]:
    today = at.astimezone(ZoneInfo(layer.zone)).date()
    for day in (today - timedelta(days=1), today):
        yield from _spans(layer, day)


def _spans_from(layer: Layer, at: datetime) -> Iterator[Span]:
    """The spans of a layer, from the day before a moment to the end of what is looked into."""
    day = at.astimezone(ZoneInfo(layer.zone)).date() - timedelta(days=1)
    for more in range(FAR.days + 3):
        yield from _spans(layer, day + timedelta(days=more))


@lru_cache(maxsize=65_536)
def _spans(layer: Layer, day: date) -> tuple[Span, ...]:
    """The spans that begin on a day, in order."""
    if layer.holidays and holiday_on(layer.holidays, day) is not None:
        return ()
    zone = ZoneInfo(layer.zone)
    return tuple(
        span
        for hours in layer.week[day.weekday()]
        if (
            span := (
                _moment(day, hours.opens, zone, opens=True),
                _moment(day, hours.closes, zone, opens=False),
            )
        )
        and span[0] < span[1]
    )


def _moment(day: date, minutes: int, zone: ZoneInfo, *, opens: bool) -> datetime:
    """The moment of a wall-clock time, in UTC."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if second < first:  # the time does not exist, and fold means the offset before and after
        return _change(second, first, zone)
    return second if opens else first


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """When, after ``low`` and not after ``high``, clocks are put forward; to the second."""
    after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high


# -- in words -------------------------------------------------------------------------------


def _why_closed(layer: Layer, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(layer.zone))
    holiday = holiday_on(layer.holidays, local.date()) if layer.holidays else None
    if holiday is not None:
        return (
            f"{local:%Y-%m-%d} is {holiday.name} in {layer.zone}, "
            f"when {layer.whose} allows no calls"
        )
    hours = layer.week[local.weekday()]
    allowed = f"only {show_day(hours)}" if hours else "none"
    name = DAY_NAMES[local.weekday()]
    return (
        f"it is {local:%H:%M} on {name} in {layer.zone}; {layer.whose} allows calls "
        f"on {name}s: {allowed}"
    )


def _why_it_ends(layer: Layer, until: datetime) -> str:
    local = until.astimezone(ZoneInfo(layer.zone))
    holiday = holiday_on(layer.holidays, local.date()) if layer.holidays else None
    if holiday is not None:
        return f"{layer.whose} allows no calls on {holiday.name}, {local:%Y-%m-%d} in {layer.zone}"
    return f"{layer.whose} allows calls until {local:%H:%M} in {layer.zone}"
