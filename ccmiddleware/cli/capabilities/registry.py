"""Every capability, in the order in which ``ccm doctor`` shows them. Add yours here."""

from ccmiddleware.cli.capabilities import (
    Capability,
    agents,
    dialing,
    queues,
    recordings,
    supervision,
    voice,
)

ALL: tuple[Capability, ...] = (
    *voice.ALL,
    *queues.ALL,
    *agents.ALL,
    *recordings.ALL,
    *supervision.ALL,
    *dialing.ALL,
)

CONTEXTS: tuple[str, ...] = tuple(
    dict.fromkeys(
        need.context
        for capability in ALL
        for need in (*capability.needs, *capability.more)
        if need.context
    )
)
"""The contexts of the dialplan that must be asked for."""
