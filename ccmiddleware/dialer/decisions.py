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
    "pacing": "It began as many as its lines and calls per second allow.",
    "promises": "Callbacks that were promised were due: each got an agent who was kept for it.",
    "no_agents": "No agent was there for it: nobody was in its queue, or all were paused.",
    "paused": "It was paused, and began no calls.",
    "closed": "None of the places where its leads are could be called at that hour.",
    "trunks": "There was no room for more: channels or calls per second of its trunks, or its own.",
    "budget": "The drop ledger decided.",
    "leads": "There were too few leads that could be called: the others were done, waited for their"
    " time, or were in places that were closed.",
    "inbound": "Its agents were kept for calls that come in.",
    "offers": "It is in preview: each agent who is free is offered a lead, and decides.",
}
"""By the reason that is stored. What the controller decided by itself it explains itself."""

REFUSED = {
    "dnc": "on the do-not-call list",
    "called_lately": "called as often as may be",
}
"""Why leads were not called, by the word that is stored."""

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
    lines = [_begun(stored)]
    if stored.reason != "pacing" or decision is None:
        lines.append(WORDS.get(stored.reason, f"Reason: {stored.reason}."))
    if decision is not None:
        # Its first line says how many it wanted, which is not how many there were.
        told = _explained(decision)[1:]
        lines += told[:-1] if stored.number > decision.calls else told
        if stored.number > decision.calls:
            lines.append("So many calls for each free agent are dialed as its ratio says.")
        elif stored.number < decision.calls:
            lines.append(f"The controller wanted {decision.calls}; let through: {stored.number}.")
    return [*lines, *_around(stored.detail)]


def in_short(stored: Stored) -> str:
    """The same in one sentence, for a table."""
    decision = paced(stored.detail)
    if stored.reason == "pacing" and decision is not None:
        if stored.number > decision.calls:
            return "So many calls for each free agent are dialed as its ratio says."
        return _explained(decision)[-1]
    if stored.reason == "budget":
        return GO_ON.get(str(stored.detail.get("go_on")), WORDS["budget"])
    return WORDS.get(stored.reason, f"Reason: {stored.reason}.").partition(":")[0].rstrip(".") + "."


def _begun(stored: Stored) -> str:
    if stored.reason == "offers" and stored.number:
        return f"Offered {_many(stored.number, 'lead')} to agents."
    told = stored.detail.get("told")
    if stored.reason == "promises" and told:
        lines = f"Opened {_many(told, 'line')} of agents who promised a callback themselves."
        return f"Began {_many(stored.claimed, 'call')}. {lines}" if stored.claimed else lines
    if stored.number == stored.claimed:
        return f"Began {_many(stored.number, 'call')}." if stored.number else "Began no call."
    return f"Began {stored.claimed} of {_many(stored.number, 'call')} that were wanted."


def _explained(decision: Decision) -> list[str]:
    try:
        return explain(decision).splitlines()
    except (TypeError, ValueError, KeyError):
        return ["", "What the controller told can't be read by this version."]


def _around(detail: Mapping[str, Any]) -> list[str]:
    """What was known besides."""
    lines = []
    if detail.get("places"):
        lines.append(
            f"{detail.get('open_places')} of {_many(detail['places'], 'place')} could be called."
        )
    refused = detail.get("refused") or {}
    if isinstance(refused, Mapping) and refused:
        words = (f"{number} {REFUSED.get(word, word)}" for word, number in sorted(refused.items()))
        lines.append(f"Leads that were passed over: {', '.join(words)}.")
    if detail.get("withheld"):
        lines.append(f"Kept for calls that come in: {_many(detail['withheld'], 'agent')}.")
    if detail.get("trunk_room") is not None:
        lines.append(f"The trunks had room for {_many(detail['trunk_room'], 'call')}.")
    if str(detail.get("go_on")) in GO_ON:
        lines.append(GO_ON[str(detail["go_on"])])
    return lines


def _many(count: int, one: str) -> str:
    return f"{count} {one if count == 1 else one + 's'}"
