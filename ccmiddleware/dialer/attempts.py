"""An attempt as it is when its lead is claimed, and as it is when it is over. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Claimed:
    """A lead that is ours to call."""

    attempt: UUID
    lead: int
    number: str
    caller_id: str
    trunk: str
    callback: UUID | None = None
    """The promise that this call is to keep."""
    agent: str = ""
    """Interface of the one agent for whom it is; empty: any will do."""
    chance: float | None = None
    """That a person answers, as estimated then."""
    signs: tuple[str, ...] = ()
    """What that was estimated from."""
    offer: str = ""
    """Unique id of the channel by which the agent was offered it, if he was, and waits for it."""
    half: str = ""
    """Name of that channel."""


@dataclass(frozen=True)
class Ended:
    """How an attempt ended. Times that nobody saw are None."""

    attempt: UUID
    lead: int
    number: str
    at: datetime
    result: str
    cause: int | None = None
    """Q.850."""
    dialed_at: datetime | None = None
    answered_at: datetime | None = None
    greeting_end_at: datetime | None = None
    connected_at: datetime | None = None
    live: bool = False
    """Whether a person answered."""
    dropped: bool = False
    opted_out: bool = False
    interface: str = ""
    detected: str = ""
    """human or machine, where detection decided."""
    detection_ms: int | None = None
    sampled: bool = False
    """Whether it went to an agent though it was taken for a machine."""
    inferred: bool = False
    note: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """All but what says which attempt it is, as ``ccm.end_attempt`` takes it."""
        times = {
            name: value.isoformat()
            for name in ("dialed_at", "answered_at", "greeting_end_at", "connected_at")
            if (value := getattr(self, name)) is not None
        }
        return {
            **times,
            "cause": self.cause,
            "live": self.live,
            "dropped": self.dropped,
            "opted_out": self.opted_out,
            "interface": self.interface,
            "detected": self.detected or None,
            "detection_ms": self.detection_ms,
            "sampled": self.sampled,
            "inferred": self.inferred,
            "note": self.note,
        }
