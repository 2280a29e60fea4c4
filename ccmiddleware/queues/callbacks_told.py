"""What the dialplan library tells of callbacks, as facts. Pure.

The library is asterisk/dialplan/ccm-callbacks.conf. It writes the same into queue_log, from where
the database takes it (sql/migrations, callbacks); both count once.
"""

import re

from ccmiddleware.facts import AnyFact, CallbackAsked, CallbackStep, InteractionEvent
from ccmiddleware.ids import callback_of, interaction_id
from ccmiddleware.pbx.events import UserEvent
from ccmiddleware.queues.callbacks import NUMBER

ASKED = "CcmCallback"
STEPPED = "CcmCallbackStep"
STEP = re.compile(r"[a-z]{1,20}")
PRIORITY = re.compile(r"[0-9]{1,6}")


def told(node: str, event: UserEvent) -> list[AnyFact]:
    """The facts that the event tells; nothing for events that are not ours or not whole."""
    match event.name:
        case "CcmCallback" if event.uniqueid and event.queue and NUMBER.fullmatch(event.number):
            return _asked(node, event)
        case "CcmCallbackStep" if callback_of(event.attempt) and STEP.fullmatch(event.step):
            return [CallbackStep(node=node, attempt=event.attempt, step=event.step, at=event.at)]
    return []


def _asked(node: str, event: UserEvent) -> list[AnyFact]:
    priority = int(event.priority) if PRIORITY.fullmatch(event.priority) else 0
    return [
        CallbackAsked(
            node=node,
            call=event.uniqueid,
            queue=event.queue,
            number=event.number,
            priority=priority,
            at=event.at,
        ),
        InteractionEvent(
            interaction_id=interaction_id(node, event.linkedid or event.uniqueid),
            key=f"callback_asked:{event.uniqueid}",
            kind="callback_asked",
            at=event.at,
            data={"queue": event.queue, "number": event.number},
        ),
    ]
