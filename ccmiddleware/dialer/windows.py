"""Whether it is lawful to call a place at a moment, until when, and when next. Pure.

A place may have several time zones and states, since nobody knows where the party is. All rules of
all its states must allow a call in all its zones, and the campaign's own hours must too: the window
is the intersection. Each rule in each zone is a ``Layer``.

Where clocks change, of a time that comes twice the second one opens and the first one closes, and
one that does not exist (02:30, when it goes from 02:00 to 03:00) is the moment of the change: in
every doubt the window is the shorter one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ccmiddleware.dialer.holidays import Holiday, holidays_in
from ccmiddleware.dialer.places import Place
from ccmiddleware.dialer.profiles import Profile, Week
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
    recorded: bool = False
    """Whether a recording speaks in its calls and nobody else (agentless)."""


@dataclass(frozen=True)
class Stretch:
    """A time throughout which one layer, or all of a place, allows calls or forbids them."""

    begin: datetime
    end: datetime
    lawful: bool


@dataclass(eq=False)
class Layer:
    """One rule in one time zone: hours of the week, or days that are closed from 0:00 to 24:00.

    Made once for each rule and zone (``_layer``). ``known`` is what was found out last about it.
    """

    zone: str
    whose: str
    """Whose rule it is, for people: US-FL, the law, the campaign."""
    source: str
    week: Week = WHOLE_DAY
    holidays: tuple[Holiday, ...] = ()
    known: Stretch | None = field(default=None, repr=False)
    _years: dict[int, dict[date, Holiday]] = field(default_factory=dict, repr=False)

    def holiday(self, day: date) -> Holiday | None:
        """The holiday that closes a day."""
        if not self.holidays:
            return None
        if day.year not in self._years:
            self._years[day.year] = holidays_in(self.holidays, day.year)
        return self._years[day.year].get(day)


@dataclass(eq=False)
class Layers:
    """All layers of a place: hours of the week before holidays. ``closed`` as ``Layer.known``."""

    layers: tuple[Layer, ...]
    closed: Stretch | None = None


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

    ``at`` is aware. The answer holds until ``changes_at``. Asked again of the same place and
    profile, it takes some 20 us.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    at = at.astimezone(UTC)
    found = layers_of(profile, place.states, place.zones, campaign)
    closed = []
    first, until = None, at + FAR
    for layer in found.layers:
        stretch = _stretch(layer, at)
        if not stretch.lawful:
            closed.append(layer)
        elif stretch.end < until:
            first, until = layer, stretch.end
    if closed:
        return _closed(found, closed, at)
    if first is None:
        return Calling(True, None, ("no rule ends it within 400 days",))
    return Calling(True, until, (_why_it_ends(first, until),), first.source)


def lawful_from(
    place: Place, profile: Profile, at: datetime, campaign: CampaignHours | None = None
) -> datetime | None:
    """The first lawful moment from one on; None if there is none within 400 days."""
    found = calling(place, profile, at, campaign)
    return at if found.lawful else found.opens_at


@lru_cache(maxsize=16_384)
def layers_of(
    profile: Profile,
    states: tuple[str, ...],
    zones: tuple[str, ...],
    campaign: CampaignHours | None = None,
) -> Layers:
    """All rules that hold in states, in each of the zones, with those of a campaign."""
    layers = [
        layer
        for law in profile.laws(states)
        for zone in zones
        for layer in _law_layers(
            profile, law.state, zone, campaign is not None and campaign.recorded
        )
    ]
    if campaign is not None:
        for zone in (campaign.zone,) if campaign.zone else zones:
            layers += _own_layers(campaign, zone)
    distinct: dict[tuple[str, Week, tuple[Holiday, ...]], Layer] = {}
    for layer in sorted(layers, key=lambda each: bool(each.holidays)):
        distinct.setdefault((layer.zone, layer.week, layer.holidays), layer)
    return Layers(tuple(distinct.values()))


@lru_cache(maxsize=8192)
def _law_layers(profile: Profile, state: str, zone: str, recorded: bool) -> tuple[Layer, ...]:
    law = profile.states[state] if state else profile.everywhere
    whose = state or "the law"
    weeks = law.weeks + (law.recorded_weeks if recorded else ())
    hours = (Layer(zone, whose, rule.source, rule.value) for rule in weeks)
    days = (Layer(zone, whose, rule.source, holidays=rule.value) for rule in law.holidays)
    return (*hours, *(layer for layer in days if layer.holidays))


@lru_cache(maxsize=1024)
def _own_layers(campaign: CampaignHours, zone: str) -> tuple[Layer, ...]:
    found = []
    if campaign.week is not None:
        found.append(Layer(zone, "the campaign", "the campaign's hours", campaign.week))
    if campaign.holidays:
        source = "the campaign's holidays"
        found.append(Layer(zone, "the campaign", source, holidays=campaign.holidays))
    return tuple(found)


def _closed(found: Layers, closed: list[Layer], at: datetime) -> Calling:
    known = found.closed
    if known is None or not known.begin <= at < known.end:
        known = found.closed = Stretch(at, _opening(found.layers, at), lawful=False)
    decides = max(closed, key=lambda layer: _stretch(layer, at).end)
    return Calling(
        False,
        known.end if known.end < at + FAR else None,
        tuple(_why_closed(layer, at) for layer in closed),
        decides.source,
    )


def _opening(layers: tuple[Layer, ...], at: datetime) -> datetime:
    """When all layers are open for the first time; never is long after ``FAR``."""
    horizon = at + FAR
    opens, settled = at, False
    while not settled:
        settled = True
        for layer in layers:
            stretch = _find(layer, opens)
            if not stretch.lawful:
                opens, settled = stretch.end, False
            if opens >= horizon:
                return at + 2 * FAR
    return opens


# -- one layer ------------------------------------------------------------------------------


def _stretch(layer: Layer, at: datetime) -> Stretch:
    """The stretch of a layer at a moment: what is known of it, or found out and kept."""
    known = layer.known
    if known is None or not known.begin <= at < known.end:
        known = layer.known = _find(layer, at)
    return known


def _find(layer: Layer, at: datetime) -> Stretch:
    """The stretch of a layer from a moment on; one without an end ends long after ``FAR``."""
    horizon = at + FAR
    until = None
    for begin, end in _spans_from(layer, at):
        if until is not None:
            if begin > until or until > horizon:
                break
            until = max(until, end)
        elif begin > at:
            return Stretch(at, begin, lawful=False)
        elif end > at:
            until = end
    if until is None:
        return Stretch(at, at + 2 * FAR, lawful=False)
    return Stretch(at, until if until <= horizon else at + 2 * FAR, lawful=True)


def _spans_from(layer: Layer, at: datetime) -> Iterator[Span]:
    """The spans of a layer, from the day before a moment to the end of what is looked into."""
    day = at.astimezone(ZoneInfo(layer.zone)).date() - timedelta(days=1)
    for more in range(FAR.days + 3):
        yield from _spans(layer, day + timedelta(days=more))


@lru_cache(maxsize=65_536)
def _spans(layer: Layer, day: date) -> tuple[Span, ...]:
    """The spans that begin on a day, in order."""
    if layer.holiday(day) is not None:
        return ()
    zone = ZoneInfo(layer.zone)
    spans = (
        (_moment(day, hours.opens, zone, opens=True), _moment(day, hours.closes, zone, opens=False))
        for hours in layer.week[day.weekday()]
    )
    return tuple(span for span in spans if span[0] < span[1])


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
    holiday = layer.holiday(local.date())
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
    holiday = layer.holiday(local.date())
    if holiday is not None:
        return f"{layer.whose} allows no calls on {holiday.name}, {local:%Y-%m-%d} in {layer.zone}"
    return f"{layer.whose} allows calls until {local:%H:%M} in {layer.zone}"
