"""A calendar invitation in one line of text; the calendar file itself stays an attachment."""

import re

from ccmiddleware.mail.soundness import one_line

_UNFOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Z-]{1,40})((?:;[^:\"\n]{0,200}|\"[^\"\n]{0,200}\"){0,20}):(.*)")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ZONE = re.compile(r";TZID=\"?([^;:\"]{1,80})")
_KINDS = {"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Answer to an invitation"}
_MOST = 64 * 1024


def summary(calendar: str) -> str:
    """``[Invitation: Budget, 2026-03-02 09:00 (Europe/Berlin), Room 4, from a@b]``, or ``""``."""
    fields: dict[str, tuple[str, str]] = {}
    in_event = False
    for line in _UNFOLD.sub("", calendar[:_MOST]).splitlines():
        if line.startswith("BEGIN:VEVENT"):
            in_event = True
        elif line.startswith("END:VEVENT"):
            break
        match = _LINE.match(line)
        if match and (in_event or match[1] == "METHOD"):
            fields.setdefault(match[1], (match[2], match[3]))
    if not in_event:
        return ""
    kind = _KINDS.get(fields.get("METHOD", ("", ""))[1].strip().upper(), "Event")
    told = [_text(fields, "SUMMARY"), _time(fields), _text(fields, "LOCATION")]
    organizer = fields.get("ORGANIZER", ("", ""))[1]
    if organizer.lower().startswith("mailto:"):
        told.append(f"from {one_line(organizer[7:], 200)}")
    return f"[{kind}: {', '.join(part for part in told if part)}]"


def _text(fields: dict[str, tuple[str, str]], name: str) -> str:
    value = fields.get(name, ("", ""))[1]
    value = value.replace("\\n", " ").replace("\\N", " ").replace("\\", "")
    return one_line(value, 200)


def _time(fields: dict[str, tuple[str, str]]) -> str:
    params, value = fields.get("DTSTART", ("", ""))
    match = _TIME.match(value)
    if match is None:
        return ""
    year, month, day, hour, minute, utc = match.groups()
    if hour is None:
        return f"{year}-{month}-{day}"
    zone = _ZONE.search(params)
    where = " UTC" if utc else f" ({one_line(zone[1], 80)})" if zone else ""
    return f"{year}-{month}-{day} {hour}:{minute}{where}"
