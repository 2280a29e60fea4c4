"""What becomes of a message in the outbox after an attempt to send it. Pure.

An SMTP reply of 4xx means later, 5xx means never (RFC 5321, 4.2.1), for each recipient on its own;
whoever was not refused and not deferred has the message once the server took the content. Delays
grow as RFC 5321, 4.5.4.1 asks: soon at first, then rarely, for some days in all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

DELAYS = (1, 5, 15, 30, 60, 120, 240)
"""Minutes to the next attempt, after the first, second, … one; the last holds from then on."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an SMTP server said."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Took:
    """The server took the content; ``refused`` has the recipients that it did not accept."""

    refused: Mapping[str, Reply]


@dataclass(frozen=True, slots=True)
class TookNot:
    """The server did not take it; ``reply`` is about all whom ``refused`` does not name."""

    reply: Reply
    refused: Mapping[str, Reply]


@dataclass(frozen=True, slots=True)
class NotSpoken:
    """The content was not sent: no connection, or it was lost before."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The content was sent, at least in part, and the answer never came."""

    reason: str


Attempt = Took | TookNot | NotSpoken | NoAnswer


@dataclass(frozen=True, slots=True)
class Settled:
    """What stands written for one recipient from now on."""

    address: str
    state: Literal["pending", "sent", "refused", "given_up"]
    code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What stands written for the message; ``next_attempt_at`` counts where it is queued."""

    state: Literal["queued", "sent", "failed", "unknown"]
    reason: str
    recipients: tuple[Settled, ...]
    next_attempt_at: datetime


def settle(
    attempt: Attempt,
    pending: Sequence[str],
    *,
    sent_before: bool,
    attempts: int,
    put_at: datetime,
    now: datetime,
    give_up_after: timedelta,
) -> Settlement:
    """What comes of an attempt for the recipients ``pending``, the ``attempts``-th, counted from 1.

    ``sent_before``: some other recipient has it from an earlier attempt. ``give_up_after``: time
    after ``put_at`` from which deferred recipients are given up.
    """
    later = now + timedelta(minutes=DELAYS[min(attempts, len(DELAYS)) - 1])
    if isinstance(attempt, NoAnswer):
        return Settlement("unknown", attempt.reason, (), later)
    over = later > put_at + give_up_after
    settled = tuple(_of_one(address, attempt, over) for address in pending)
    waiting = [one for one in settled if one.state == "pending"]
    troubled = [one for one in settled if one.state != "sent"]
    reason = _words(troubled)
    if waiting:
        return Settlement("queued", reason, settled, later)
    has_it = sent_before or any(one.state == "sent" for one in settled)
    return Settlement("sent" if has_it else "failed", reason, settled, now)


def _of_one(address: str, attempt: Attempt, over: bool) -> Settled:
    match attempt:
        case Took(refused=refused) if address not in refused:
            return Settled(address, "sent", None, "")
        case Took(refused=refused) | TookNot(refused=refused) if address in refused:
            reply = refused[address]
        case TookNot(reply=reply):
            pass
        case NotSpoken(reason=reason):
            state: Literal["pending", "given_up"] = "given_up" if over else "pending"
            return Settled(address, state, None, reason)
        case _:
            raise AssertionError(attempt)
    if 400 <= reply.code < 500:
        return Settled(address, "given_up" if over else "pending", reply.code, reply.text)
    return Settled(address, "refused", reply.code, reply.text)


def _words(troubled: Sequence[Settled]) -> str:
    said: dict[str, list[str]] = {}
    for one in troubled:
        words = f"{one.code} {one.reason}" if one.code is not None else one.reason
        said.setdefault(words, []).append(one.address)
    return "; ".join(f"{', '.join(who)}: {words}" for words, who in said.items())[:1000]
