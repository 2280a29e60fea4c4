"""Notices: to supervisors, that an email is late; to agents, that an answer did not reach the
customer. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccmiddleware.mail.composing import Composed, Letter, compose
from ccmiddleware.mail.letters import Identity, Posting
from ccmiddleware.mail.message import Address
from ccmiddleware.mail.service_times import Goal
from ccmiddleware.plaintext import plain

MOST_FAILURES = 20
LONGEST_TEXT = 20_000
WANTED: dict[Goal, str] = {
    "first_response": "the first answer",
    "next_response": "an answer",
    "resolution": "the end of the matter",
}


@dataclass(frozen=True)
class Late:
    """What is nearly due, or overdue. ``agent``: who has it in hand; empty for nobody.

    ``done``: what was done about it.
    """

    id: UUID
    number: int
    queue: str
    goal: Goal
    due_at: datetime
    overdue: bool
    customer: str
    subject: str
    agent: str
    done: tuple[str, ...]


def notice(identity: Identity, posting: Posting, late: Late, to: tuple[str, ...]) -> Composed:
    """The mail. Raises InvalidLetter."""
    due = f"{late.due_at.astimezone(identity.zone):%Y-%m-%d %H:%M %Z}"
    how = "overdue" if late.overdue else "nearly due"
    title = f"Email {late.number} in {plain(late.queue, 80)} is {how}"
    whose = f"{plain(late.agent, 100)} has it in hand." if late.agent else "Nobody has it in hand."
    lines = [
        f"{title}: {WANTED[late.goal]} is due {due}.",
        whose,
        f"From: {plain(late.customer, 320)}",
        f"Subject: {plain(late.subject, 200)}",
        *late.done,
        f"ccm email show {late.id} shows it.",
    ]
    return compose(
        Letter(
            sender=identity.address,
            to=tuple(Address(address) for address in to),
            subject=title,
            text="\n".join(lines),
            message_id=posting.message_id,
            date=posting.now,
            mark=identity.mark,
            automatic="auto-generated",
        )
    )


@dataclass(frozen=True)
class Unreached:
    """An answer that did not reach somebody. ``failures``: whom, and why; ``now``: where the matter
    is, in a sentence."""

    id: UUID
    number: int
    subject: str
    text: str
    failures: tuple[str, ...]
    now: str


def unreached(identity: Identity, posting: Posting, what: Unreached, agent: Address) -> Composed:
    """The mail to who wrote it. Raises InvalidLetter."""
    subject = plain(what.subject, 200)
    lines = [
        "Your answer was not delivered to",
        *(f"- {plain(failure, 500)}" for failure in what.failures[:MOST_FAILURES]),
        "",
        what.now,
        f"ccm email show {what.id} shows it.",
        "",
        "Your text was:",
        "",
        *(f"> {plain(line)}" for line in what.text[:LONGEST_TEXT].splitlines()),
    ]
    return compose(
        Letter(
            sender=identity.address,
            to=(agent,),
            subject=f"Not delivered: [#{what.number}] {subject}",
            text="\n".join(lines),
            message_id=posting.message_id,
            date=posting.now,
            mark=identity.mark,
            automatic="auto-generated",
        )
    )
