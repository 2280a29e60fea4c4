"""The id that the channel of a supervisor's phone gets from us. Pure.

It says how the supervision was begun and who asked for it, so that this is known whenever and by
whichever daemon the channel is seen: nothing has to be remembered between the ringing and the talk.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from ccmiddleware.facts import SupervisionMode

LONGEST_USER = 32
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_ID = re.compile(r"ccm-(monitor|whisper|barge)(-keys)?\.([A-Za-z0-9_-]{1,32})\.([0-9a-f]{32})")


@dataclass(frozen=True)
class Asked:
    """How a supervision was asked for. ``keys``: the mode may change by keypad meanwhile.

    ``by`` is the user of the operating system, with every character but letters, digits, ``_`` and
    ``-`` replaced by ``_``.
    """

    mode: SupervisionMode
    keys: bool
    by: str


def channel_id(asked: Asked, number: UUID) -> str:
    """The id of the channel. ``number`` makes it unlike every other."""
    user = _UNFIT.sub("_", asked.by)[:LONGEST_USER] or "_"
    return f"ccm-{asked.mode}{'-keys' if asked.keys else ''}.{user}.{number.hex}"


def asked(uniqueid: str) -> Asked | None:
    """What such an id says; None when the channel is not one of ours."""
    found = _ID.fullmatch(uniqueid)
    if found is None:
        return None
    mode: SupervisionMode = (
        "monitor" if found[1] == "monitor" else "whisper" if found[1] == "whisper" else "barge"
    )
    return Asked(mode, found[2] is not None, found[3])
