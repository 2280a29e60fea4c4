"""What a pause, its end, and the end of a recording change in its row, and in the history. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ccmiddleware.facts import InteractionEvent, Recording

Verb = Literal["pause", "resume", "start", "stop"]
How = Literal["command", "code", "limit", "beside", "restart"]

_KINDS: dict[Verb, str] = {
    "pause": "recording_paused",
    "resume": "recording_resumed",
    "start": "recording_started",
    "stop": "recording_stopped",
}
UNSURE = "recording_unsure"


@dataclass(frozen=True)
class Why:
    """On whose account something is done. ``by``: an agent's interface, or a user of ``ccm``.

    ``limit``: the pause lasted longer than the policy lets it. ``beside``: it follows what is done
    to another talk of the same interaction. ``restart``: settled by a daemon that took over.
    """

    how: How
    by: str = ""


def paused(recording: Recording, at: datetime) -> dict[str, Any]:
    """The changes when a pause begins; one that goes on is left as it is."""
    return {"paused_at": recording.paused_at or at}


def resumed(recording: Recording, at: datetime) -> dict[str, Any]:
    """The changes when a pause ends, by a word, a stop or the end of the talk."""
    if recording.paused_at is None:
        return {}
    lasted = max(0.0, (at - recording.paused_at).total_seconds())
    return {"paused_at": None, "paused_seconds": recording.paused_seconds + lasted}


def stopped(recording: Recording, at: datetime) -> dict[str, Any]:
    """The changes when it is stopped during the talk."""
    return {**resumed(recording, at), "stopped_at": at}


def ended(recording: Recording, at: datetime) -> dict[str, Any]:
    """The changes when the talk ends: a pause ends with it, and nothing is open any more."""
    end = recording.stopped_at or at
    return {**resumed(recording, end), "ended_at": end, "asked": ""}


def event(recording: Recording, verb: Verb, at: datetime, why: Why) -> InteractionEvent:
    """The line of the history that says what was done."""
    return _line(recording, _KINDS[verb], at, how=why.how, by=why.by)


def unsure(recording: Recording, verb: Verb, at: datetime, why: Why) -> InteractionEvent:
    """The line that says that Asterisk was asked, and never answered."""
    return _line(recording, UNSURE, at, asked=verb, how=why.how, by=why.by)


def _line(recording: Recording, kind: str, at: datetime, **data: str) -> InteractionEvent:
    return InteractionEvent(
        interaction_id=recording.interaction_id,
        key=f"{kind} {recording.segment} {at.isoformat()}",
        kind=kind,
        at=at,
        data={"segment": recording.segment, **data},
    )
