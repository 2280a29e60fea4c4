"""What is to become of a message, with what the database knows: lookups here, decisions elsewhere.

The rules stand in ``bounces``, ``threading`` and ``loops``, which are pure. This runs within the
transaction of ``filing`` that does what is decided, so that nothing changes between the two.

In this order: a delivery report is about something that we sent, or held; what a filter before us
marked as spam is held; then the conversation is looked for, the mail of it and of its sender is
counted, and what the guards allow joins or opens it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from ccmiddleware.clock import Clock
from ccmiddleware.mail import bounces, loops, threading
from ccmiddleware.mail.filing import Decision, Holds, Reports
from ccmiddleware.mail.message import Message
from ccmiddleware.mail.threading import Conversation, Here, Joins, Known, Opens, Wanted
from ccmiddleware.mail.tokens import Keys
from ccmiddleware.store.database import Session


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one mailbox. Addresses in lower case.

    ``mailboxes``: the addresses of all our mailboxes, by node and queue. ``spam_threshold``: from
    which score on mail is held; None looks at X-Spam-Flag alone.
    """

    own: frozenset[str]
    mailboxes: Mapping[tuple[str, str], frozenset[str]]
    keys: Keys
    loop_mark: str
    reopen_within: timedelta = timedelta(days=14)
    spam_threshold: float | None = None
    limits: loops.Limits = field(default_factory=loops.Limits)
    unlimited: frozenset[str] = frozenset()

    @property
    def ours(self) -> frozenset[str]:
        """All our addresses."""
        return self.own.union(*self.mailboxes.values())


class Settling:
    """Decides about the messages of one mailbox; ``decide`` is what ``Filing`` takes."""

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock

    async def decide(self, session: Session, messages: Sequence[Message]) -> list[Decision]:
        """What is to become of messages that may be decided on together. Raises TemporaryError."""
        asked = [each for each in messages if not self._apart(each)]
        places = await self._conversations(session, asked)
        looked_up = zip(places, await self._traffic(session, asked, places), strict=True)
        decided: list[Decision] = []
        acknowledged = 0
        for message in messages:
            if bounces.is_report(message):
                decided.append(await self._report(session, message))
            elif spam := _spam(message, self._rules.spam_threshold):
                decided.append(Holds("spam", spam))
            else:
                place, traffic = next(looked_up)
                what = self._judged(message, place, traffic.with_acknowledgements(acknowledged))
                acknowledged += isinstance(what, Opens) and what.acknowledge
                decided.append(what)
        return decided

    def _apart(self, message: Message) -> bool:
        """Whether it is held or taken as a report whatever conversations there are."""
        return bounces.is_report(message) or bool(_spam(message, self._rules.spam_threshold))

    def _judged(self, message: Message, place: Joins | Opens, traffic: loops.Traffic) -> Decision:
        rules = self._rules
        ours = loops.Ours(rules.ours, rules.loop_mark, rules.unlimited)
        verdict = loops.judge(message, ours, traffic, rules.limits)
        if verdict.held:
            return Holds(verdict.held_as or "loop", verdict.held)
        if isinstance(place, Opens) and not verdict.opens_work:
            return Holds("loop", f"it answers nothing that is here ({verdict.automatic})")
        if isinstance(place, Opens):
            return replace(place, acknowledge=verdict.acknowledge)
        return place

    async def released(self, session: Session, message: Message) -> Joins | Opens:
        """Where the message belongs, whatever the guards say of it; only whether it is acknowledged
        is for them to say. Raises TemporaryError."""
        (place,) = await self._conversations(session, [message])
        if isinstance(place, Joins):
            return place
        (traffic,) = await self._traffic(session, [message], [place])
        judged = self._judged(message, place, traffic)
        return judged if isinstance(judged, Opens) else replace(place, acknowledge=False)

    async def _conversations(
        self, session: Session, messages: Sequence[Message]
    ) -> list[Joins | Opens]:
        rules, now = self._rules, self._clock()
        asked = [threading.wanted(message, rules.keys, now) for message in messages]
        known = await self._known(session, asked)
        here = Here(rules.own, rules.ours - rules.own, now, rules.reopen_within)
        return [
            threading.decide(message, of_it, known, here, _answered_by_itself(message))
            for message, of_it in zip(messages, asked, strict=True)
        ]

    async def _report(self, session: Session, message: Message) -> Decision:
        rows = await session.fetch("outgoing_of_message_ids", list(bounces.wanted(message)))
        sent = [bounces.Outgoing(row["id"], row["message_id"], row["address"]) for row in rows]
        report = bounces.read(message, sent)
        if report.held:
            return Holds("report", report.held)
        return Reports(report.deliveries)

    async def _known(self, session: Session, asked: Sequence[Wanted]) -> Known:
        ids = {one for each in asked for one in (*each.message_ids, each.own_id) if one}
        holders: dict[str, list[UUID]] = {}
        for row in await session.fetch("holders_of_message_ids", list(ids)) if ids else ():
            holders.setdefault(row["message_id"], []).append(row["conversation_id"])
        wanted = {one for all_of in holders.values() for one in all_of}
        wanted.update(*(each.conversations for each in asked))
        found = await session.fetch("known_conversations", list(wanted)) if wanted else []
        conversations = {
            row["id"]: Conversation(
                row["id"],
                frozenset(row["participants"]),
                self._rules.mailboxes.get((row["node"], row["queue"]), frozenset()),
                row["closed_at"],
            )
            for row in found
        }
        return Known(conversations, {name: tuple(all_of) for name, all_of in holders.items()})

    async def _traffic(
        self, session: Session, messages: Sequence[Message], places: Sequence[Joins | Opens]
    ) -> list[loops.Traffic]:
        rows = await session.fetch(
            "email_traffic",
            self._clock(),
            [each.sender.address.lower() if each.sender else "" for each in messages],
            [loops.plain_subject(each.subject) for each in messages],
            [place.conversation if isinstance(place, Joins) else None for place in places],
        )
        return [
            loops.Traffic(
                tuple(row["from_correspondent"]),
                tuple(row["in_conversation"]),
                tuple(row["acknowledgements"]),
                row["same_subject_from"],
                row["same_subject_to"],
                row["acknowledged"],
            )
            for row in rows
        ]


def _answered_by_itself(message: Message) -> str:
    """Why it is a machine's answer, which is no work; empty for what a machine sends as well."""
    seen = loops.nature(message)
    return seen.why if seen.nature == "answers" else ""


def _spam(message: Message, threshold: float | None) -> str:
    if message.spam_flag:
        return "X-Spam-Flag: YES"
    score = message.spam_score
    if threshold is not None and score is not None and score >= threshold:
        return f"spam score {score:g}, and {threshold:g} is the threshold"
    return ""
