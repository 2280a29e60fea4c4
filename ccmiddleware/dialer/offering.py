"""Offers of leads to agents: what Asterisk is asked for one, and what it tells. Pure.

In preview the agent decides by key. A callback that he promised himself he is only told of: once
his line is open it is called.

The dialplan is [ccm-preview] in asterisk/dialplan/ccm-dial.conf; docs/dialing-calls.md lists its
steps. It tells each twice, as a UserEvent and as a row of queue_log, with the number of the lead:
so what an agent said is known to a daemon that did not make the offer.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from ccmiddleware.dialer.chances import Lead
from ccmiddleware.dialer.originating import AGENT, NUMBER, QUEUE
from ccmiddleware.dialer.promises import Due
from ccmiddleware.ids import offer_id, offer_of, uuid7_shaped
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.queue_log.rows import Line

EVENT = "CcmPreviewStep"
ROW = "CCMPREVIEWSTEP"

WAIT = timedelta(seconds=30)
"""How long an agent may think; a phone rings as long."""

_MILLISECONDS = re.compile(r"[0-9]{12,14}")
_LEAD = re.compile(r"[0-9]{1,18}")
_NOT_IN_A_NAME = re.compile(r"[^\w .'-]")
LONGEST_NAME = 40


class Key(StrEnum):
    """What became of an offer."""

    DIAL = "dial"
    SKIP = "skip"
    CLOSE = "close"
    IGNORED = "ignored"  # no key in time


KEYS = {str(key): key for key in Key}


@dataclass(frozen=True)
class Said:
    """What an agent said to an offer. ``at`` is Asterisk's clock."""

    offer: UUID
    key: Key
    lead: int
    at: datetime


@dataclass
class Offer:
    """A lead that one agent is offered, until its channel is gone."""

    id: UUID
    channel: str
    """Unique id of our half of the agent's call."""
    campaign: UUID
    agent: str
    """The member's interface."""
    lead: Lead
    at: datetime
    due: Due | None = None
    """The promise of this agent that the call is to keep; None: he decides (preview)."""
    attempt: UUID | None = None
    """The call that the agent asked for, or that keeps the promise."""
    said: bool = False
    """Whether the agent pressed a key; in a promise, whether his line was opened."""


def new_offer(
    campaign: UUID, agent: str, lead: Lead, now: datetime, due: Due | None = None
) -> Offer:
    """An offer that is not made yet."""
    id_ = uuid7_shaped(int(now.timestamp() * 1000), f"offer\0{campaign}\0{agent}\0{lead.id}")
    return Offer(id_, offer_id(id_, int(now.timestamp())), campaign, agent, lead, now, due)


def order(offer: Offer, number: str, name: str, queue: str) -> dict[str, str | list[str]]:
    """The fields of the Originate that makes the offer.

    Raises ValueError when one is not what the dialplan would let through.
    """
    for what, pattern in ((number, NUMBER), (offer.agent, AGENT), (queue, QUEUE)):
        if pattern.fullmatch(what) is None:
            raise ValueError(f"the dialplan library does not let {what!r} through")
    shown = " ".join(_NOT_IN_A_NAME.sub(" ", name).split())[:LONGEST_NAME]
    return {
        "Channel": offer.agent,
        "ChannelId": offer.channel,
        "ActionID": offer.channel,
        "CallerID": f'"{shown}" <{number}>' if shown else f"<{number}>",
        "Context": "ccm-preview",
        "Exten": "s",
        "Priority": "1",
        "Async": "true",
        "Timeout": str(int(WAIT.total_seconds() * 1000)),
        "Variable": [
            f"CCM_PREVIEW_OFFER={offer.channel}",
            f"CCM_PREVIEW_LEAD={offer.lead.id}",
            f"CCM_PREVIEW_WAIT={int(WAIT.total_seconds())}",
            f"CCM_DIAL_NUMBER={number}",
            f"CCM_DIAL_AGENT={offer.agent}",
            f"CCM_DIAL_QUEUE={queue}",
            *(["CCM_PREVIEW_PROMISE=1"] if offer.due is not None else ()),
        ],
    }


def from_event(event: UserEvent) -> Said | None:
    """What the event tells; None for events that are not ours, not whole, or no answer."""
    if event.name != EVENT:
        return None
    return _said(event.attempt, event.step, event.milliseconds, event.detail)


def from_queue_log(line: Line) -> Said | None:
    """The same of a row."""
    if line.event != ROW or len(line.data) < 3:
        return None
    return _said(line.call, *line.data[:3])


def _said(channel: str, name: str, milliseconds: str, lead: str) -> Said | None:
    offer, key = offer_of(channel), KEYS.get(name)
    if offer is None or key is None or not _MILLISECONDS.fullmatch(milliseconds):
        return None
    if not _LEAD.fullmatch(lead):
        return None
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(milliseconds))
    return Said(offer, key, int(lead), at)
