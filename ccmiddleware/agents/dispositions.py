"""Dispositions that agents key in: the event of our dialplan library as a fact. Pure.

The library is asterisk/dialplan/ccm-agents.conf. It writes the same into queue_log, from where the
database takes it (sql/migrations/0005_dispositions.sql); both count once.
"""

import re

from ccmiddleware.commands import INTERFACE
from ccmiddleware.facts import Disposition
from ccmiddleware.pbx.events import UserEvent

NAME = "CcmDisposition"
DIGITS = re.compile(r"[0-9]{1,8}")


def keyed_in(node: str, event: UserEvent) -> list[Disposition]:
    """The disposition that the event tells; nothing for events that are not ours or not whole."""
    if event.name != NAME or not event.uniqueid:
        return []
    if DIGITS.fullmatch(event.code) is None or INTERFACE.fullmatch(event.interface) is None:
        return []
    return [
        Disposition(
            node=node,
            call=event.uniqueid,
            interface=event.interface,
            digits=event.code,
            at=event.at,
        )
    ]
