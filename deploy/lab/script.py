"""What a phone or a caller does in a call, as a list of steps.

A step that lasts ends early when the other side hangs up. ``scenario`` makes SIPp's language of it.
"""

from dataclasses import dataclass

FOR_EVER = 600.0
"""Seconds after which a step without an end ends anyway, so that nothing is left running."""


@dataclass(frozen=True)
class Answer:
    """Phones only: ring for ``after`` seconds, then answer."""

    after: float = 0.3


@dataclass(frozen=True)
class Ring:
    """Phones only: ring until the caller's side gives up."""


@dataclass(frozen=True)
class Decline:
    """Phones only: refuse the call with a SIP status (486 busy, 603 declined)."""

    status: int = 486
    reason: str = "Busy Here"
    after: float = 0.0


@dataclass(frozen=True)
class Forward:
    """Phones only: refuse the call, and name another extension of the PBX for it (SIP 302)."""

    extension: str


@dataclass(frozen=True)
class Talk:
    """Speak for some seconds; without seconds until the other side hangs up."""

    seconds: float = FOR_EVER


@dataclass(frozen=True)
class Hold:
    """Put the other side on hold for some seconds (re-INVITE with sendonly), and take it back."""

    seconds: float


@dataclass(frozen=True)
class Dtmf:
    """Press keys (SIP INFO, application/dtmf-relay)."""

    digits: str


@dataclass(frozen=True)
class Hangup:
    """Hang up. Without this step at the end, a script waits for the other side to do it."""


@dataclass(frozen=True)
class Obey:
    """Speak until the other side hangs up, and do meanwhile what ``Sipp.cue`` says.

    A cue is a moment chosen while the call is on (after an event of the PBX, for instance), where
    the other steps are times that are known before.
    """


Step = Answer | Ring | Decline | Forward | Talk | Hold | Dtmf | Hangup | Obey
