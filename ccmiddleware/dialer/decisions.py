"""Stored decisions of a campaign, told in plain words. Pure.

What the controller decided it explains itself (``pacing.explain``); here stands what else can
decide how many calls are begun. Rows may be of another version: what is not known is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from ccmiddleware.dialer.pacing import Decision, explain

WORDS = {
    "pacing": "The controller decided.",
    "no_agents": "No agent was there for it: nobody was in its queue, or all were paused.",
    "paused": "It was paused, and began no calls.",
    "closed": "None of the places where its leads are could be called at that hour.",
    "trunks": "Its trunks had no room: their channels or their calls per second were used up.",
    "budget": "The drop ledger decided.",
    "leads": "No lead could be called: all were done, waited for their time, or were in places that"
    " were closed.",
    "inbound": "Its agents were kept for calls that come in.",
    "mode": "Its mode decided: progressive begins a call for each free agent, power `ratio` calls,"
    " agentless as many as its lines allow, preview those that agents ask for.",
}
"""By the reason that is stored."""

GO_ON = {
    "normal": "The drop ledger sets no bounds.",
    "progressive": "The drop ledger allows one call for each free agent, and no more.",
    "stop": "The drop ledger allows no calls but preview.",
}

_FIELDS = tuple(field.name for field in fields(Decision))


@dataclass(frozen=True)
class Stored:
    """A row of ``ccm.campaign_decision``."""

    at: datetime
    number: int
    claimed: int
    reason: str
    detail: Mapping[str, Any]


def paced(detail: Mapping[str, Any]) -> Decision | None:
    """The controller's decision that is in a stored one; None when it was not asked."""
    if any(detail.get(name) is None for name in _FIELDS):
        return None
    return Decision(**{name: detail[name] for name in _FIELDS})


def in_words(stored: Stored) -> list[str]:
    """Why it was decided so, one sentence or two in each."""
    decision = paced(stored.detail)
    lines = []
    if stored.reason != "pacing" or decision is None:
        begun = f"Began {_many(stored.number, 'call')}." if stored.number else "Began no call."
        lines.append(f"{begun} {WORDS.get(stored.reason, f'Reason: {stored.reason}.')}")
    if decision is not None:
        lines += _explained(decision)
        if decision.calls != stored.number:
            lines.append(f"The controller wanted {decision.calls}; let through: {stored.number}.")
    if stored.claimed != stored.number:
        lines.append(
            f"There were leads for {stored.claimed} of {_many(stored.number, 'call')}: others are"
            " not to be called, were called lately, or were taken meanwhile."
        )
    return [*lines, *_around(stored.detail)]


def in_short(stored: Stored) -> str:
    """The same in one sentence, for a live table."""
    decision = paced(stored.detail)
    if stored.reason == "pacing" and decision is not None:
        return _explained(decision)[-1]
    if stored.reason == "budget":
        return GO_ON.get(str(stored.detail.get("go_on")), WORDS["budget"])
    return WORDS.get(stored.reason, f"Reason: {stored.reason}.").partition(":")[0].rstrip(".") + "."


def _explained(decision: Decision) -> list[str]:
    try:
        return explain(decision).splitlines()
    except (TypeError, ValueError, KeyError):
        return ["What the controller told can't be read by this version."]


def _around(detail: Mapping[str, Any]) -> list[str]:
    """What was known besides."""
    lines = []
    if detail.get("places") is not None and detail.get("open_places") is not None:
        lines.append(
            f"{detail['open_places']} of {_many(detail['places'], 'place')} could be called."
        )
    if detail.get("trunk_room") is not None:
        lines.append(f"The trunks had room for {_many(detail['trunk_room'], 'call')}.")
    if str(detail.get("go_on")) in GO_ON:
        lines.append(GO_ON[str(detail["go_on"])])
    return lines


def _many(count: int, one: str) -> str:
    return f"{count} {one if count == 1 else one + 's'}"
