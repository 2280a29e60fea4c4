"""Tells AMI events of calls in short lines, for tests of the pure machines.

A story is a text with one event to a line: seconds since its begin, the event, and ``key=value``
headers. ``caller`` stands for the channel headers of a caller and ``agent`` for the Dest headers
and the member of an agent. Blank lines and lines that begin with # are skipped. The end of a list
gets the number of items told since the last one, unless it says another.
"""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ccmiddleware.pbx.events import Event, typed

BEGIN = datetime(2026, 11, 27, 9, 0, 0, tzinfo=UTC)
EPOCH = int(BEGIN.timestamp())


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def caller(number: str) -> dict[str, str]:
    """Headers of the channel of caller ``1``, ``2``, …: its linked id is its unique id."""
    uniqueid = f"{EPOCH}.{number}"
    return {
        "Channel": f"PJSIP/trunk-{int(number):08x}",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        "CallerIDNum": f"+4930{number}",
        "CallerIDName": f"Caller {number}",
        "Exten": "8001",
        "Context": "from-trunk",
    }


def agent(number: str, leg: str = "0") -> dict[str, str]:
    """Headers of a member and of the channel number ``leg`` on the member's phone."""
    return {
        "Interface": f"PJSIP/{number}",
        "MemberName": f"Agent {number}",
        "DestChannel": f"PJSIP/{number}-{int(leg):08x}",
        "DestUniqueid": f"{EPOCH}.9{number}{leg}",
    }


ITEMS = {"QueueParams", "QueueMember", "QueueEntry", "CoreShowChannel"}


def story(text: str) -> Iterator[Event]:
    items = 0
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        seconds, name, *pairs = words
        headers: dict[str, object] = {"Event": name}
        for pair in pairs:
            key, _, value = pair.partition("=")
            if key == "caller":
                headers.update(caller(value))
            elif key == "agent":
                headers.update(agent(*value.split("/")))
            else:
                headers[key] = value
        if name in ITEMS:
            items += 1
        elif name in ("QueueStatusComplete", "CoreShowChannelsComplete"):
            headers.setdefault("ListItems", items)
            items = 0
        event = typed(headers, at(float(seconds)))
        assert event is not None, f"no such event: {name}"
        yield event
