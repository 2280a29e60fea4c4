"""Callers who were turned away from a queue: the event of our library as a fact. Pure.

The library is asterisk/dialplan/ccm-queues.conf. It writes the same into queue_log, from where the
database takes it (trigger queue_log_row_turns_away); both count once.
"""

import re

from ccmiddleware.facts import TurnedAway
from ccmiddleware.pbx.events import UserEvent

NAME = "CcmTurnedAway"
WHY = ("closed", "waiting", "estimated_wait")
TURN = re.compile(r"[0-9]{1,4}")


def turned_away(node: str, event: UserEvent) -> list[TurnedAway]:
    """The caller whom the event tells of; nothing for events that are not ours or not whole."""
    if event.name != NAME or not event.uniqueid or not event.queue:
        return []
    if event.why not in WHY or TURN.fullmatch(event.turn) is None:
        return []
    return [
        TurnedAway(
            node=node,
            call=event.uniqueid,
            turn=event.turn,
            queue=event.queue,
            at=event.at,
            why=event.why,
            destination=event.to,
            caller=event.caller,
            did=event.did,
        )
    ]
