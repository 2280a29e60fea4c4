"""Times as people type and read them. Pure: the present moment and the zone are arguments."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ccmiddleware.clock import local_zone as local_zone

_AGO = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)(?:\s+ago)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_HOW = (
    "write a date (2026-03-01), a time with date (2026-03-01T08:30, with +01:00 or Z if it is not "
    "local), a time of today (08:30), today, yesterday, now, or how long ago (90m, 8h, 7d, 2w)"
)


def parse(text: str, now: datetime, zone: tzinfo) -> datetime:
    """The moment that ``text`` means, aware, UTC. Raises ValueError that says what can be written.

    ``now`` is aware; what has no zone of its own is read in ``zone``.
    """
    words = text.strip().lower()
    here = now.astimezone(zone)
    if words == "now":
        return now.astimezone(UTC)
    if words in ("today", "yesterday"):
        day = here.date() - timedelta(days=words == "yesterday")
        return _aware(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - given below
    ago = _AGO.fullmatch(words)
    try:
        if ago:
            return (now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})).astimezone(UTC)
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", words):
            hour, minute, second = (*(int(part) for part in words.split(":")), 0)[:3]
            moment = here.replace(tzinfo=None, microsecond=0)
            return _aware(moment.replace(hour=hour, minute=minute, second=second), zone)
        return _aware(datetime.fromisoformat(text.strip()), zone)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time; {_HOW}") from None


def _aware(moment: datetime, zone: tzinfo) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def zone_named(name: str) -> ZoneInfo:
    """A time zone of the IANA database. Raises ValueError with the nearest names."""
    import difflib
    from zoneinfo import available_timezones

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = sorted(available_timezones())
        lower = {each.lower(): each for each in known}
        near = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
        city = [each for each in known if name and each.lower().endswith(f"/{name.lower()}")]
        meant = city[0] if city else lower[near[0]] if near else "Europe/Berlin or UTC"
        raise ValueError(f"{name!r} is no time zone; did you mean {meant}?") from None


def show(moment: datetime, zone: tzinfo) -> str:
    """``2026-03-01 08:30:00 CET``: local, with the zone that held then."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def show_span(seconds: float) -> str:
    """``0:07``, ``12:30`` or ``1:02:03``: to the nearest second, never negative."""
    whole = max(0, int(seconds + 0.5))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
