"""One interaction as a timeline: every event with its offset from the beginning. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ccmiddleware.cli.when import show_span

_ORDER = (
    "started",
    "joined",
    "offered",
    "ring_no_answer",
    "answered",
    "recording",
    "recording_started",
    "recording_paused",
    "recording_resumed",
    "recording_stopped",
    "recording_unsure",
    "supervision_began",
    "hold",
    "unhold",
    "blind_transfer",
    "attended_transfer",
    "supervision_ended",
    "completed",
    "abandoned",
    "timed_out",
    "left_by_key",
    "no_agents",
    "queue_full",
    "withdrawn",
    "moved",
    "lost",
    "ended",
)
"""What comes first of two things at the same moment: causes before effects."""

_WORDS = {
    "started": "call began",
    "joined": "joined queue",
    "offered": "ringing",
    "ring_no_answer": "not answered",
    "answered": "answered",
    "hold": "on hold",
    "unhold": "back from hold",
    "completed": "talk ended",
    "abandoned": "gave up waiting",
    "timed_out": "waited too long",
    "left_by_key": "left by pressing a key",
    "no_agents": "nobody there to answer",
    "queue_full": "queue was full",
    "withdrawn": "taken out of the queue",
    "moved": "place in the queue taken over by the customer",
    "not_answered": "nobody answered",
    "busy": "was busy",
    "failed": "could not be reached",
    "recording_started": "recording begun by hand",
    "recording_paused": "recording paused",
    "recording_resumed": "recording resumed",
    "recording_stopped": "recording stopped by hand",
    "recording_unsure": "recording: no answer from Asterisk",
    "supervision_began": "a supervisor hears the talk",
    "supervision_ended": "the supervisor hears it no more",
    "blind_transfer": "transferred",
    "attended_transfer": "transferred after consultation",
    "lost": "lost sight of the call",
    "ended": "call ended",
}

Row = Mapping[str, Any]


def lines(started_at: datetime, events: Sequence[Row], recordings: Sequence[Row]) -> list[Row]:
    """The rows of the timeline in order: at, offset (seconds from the begin), what, details."""
    found = [_from_event(event) for event in events]
    if not any(line["kind"] == "started" for line in found):
        found.append(
            {"at": started_at, "kind": "started", "what": _WORDS["started"], "details": ""}
        )
    found += [line for recording in recordings for line in _from_recording(recording)]
    found.sort(key=lambda line: (line["at"], _rank(line["kind"])))
    return [{**line, "offset": (line["at"] - started_at).total_seconds()} for line in found]


def show_offset(seconds: float) -> str:
    """``+0:07.3``: minutes, seconds and tenths from the beginning; ``-`` for what was earlier."""
    tenths = round(abs(seconds) * 10)
    hours, minutes, rest = tenths // 36000, tenths // 600 % 60, tenths % 600 / 10
    sign = "-" if seconds < 0 and tenths else "+"
    return f"{sign}{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{sign}{minutes}:{rest:04.1f}"


def sums(intervals: Sequence[Row]) -> str:
    """How long it was in each state, in the order in which they first came."""
    seconds: dict[str, float] = {}
    for interval in intervals:
        state = str(interval["state"])
        seconds[state] = seconds.get(state, 0.0) + float(interval["seconds"])
    return ", ".join(
        f"{state.replace('_', '-')} {show_span(total)}" for state, total in seconds.items()
    )


def _from_event(event: Row) -> Row:
    kind = str(event["kind"])
    details = ", ".join(
        f"{name.replace('_', ' ')} {_detail(value)}"
        for name, value in dict(event["data"]).items()
        if value not in ("", None)
    )
    if event["inferred"]:
        details = f"{details} (inferred)" if details else "(inferred)"
    return {
        "at": event["at"],
        "kind": kind,
        "what": _WORDS.get(kind, kind.replace("_", " ")),
        "details": details,
    }


def _from_recording(row: Row) -> list[Row]:
    begun = {
        "at": row["started_at"],
        "kind": "recording",
        "what": "recording asked for",
        "details": f"segment {row['segment']}",
    }
    words = {
        "finished": "recording kept",
        "missing": "recording missing",
        "failed": "not recorded",
        "deleted": "recording kept, and deleted since",
    }
    if row["state"] not in words:
        return [begun]
    details = str(row["error"] or row["path"])
    if row["seconds"] is not None:
        details = f"{row['seconds']:.1f} s, {details}"
    ended = {
        "at": row["ended_at"] or row["started_at"],
        "kind": "completed",
        "what": words[row["state"]],
        "details": details,
    }
    return [begun, ended]


def _detail(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
