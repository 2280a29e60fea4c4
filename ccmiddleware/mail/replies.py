"""Is a mail an agent's answer, and may it do anything? Pure: what the store knows is an argument.

Whoever works on an email got it with a Reply-To ``queue+TOKEN@domain``. A mail that comes to such
an address is an agent's answer or nothing: it never is a customer's. ``asked`` finds the address,
and ``judge`` says what may become of the mail, in this order:

1. what a program sent by itself is held: an agent's out-of-office reply answers no customer;
2. what has no token of ours, or comes from another address than that of the agent for whom it
   was made, is held, and nobody is told: whoever forged it would learn from an answer, and the
   agent did not write it;
3. from here on the agent wrote it, and is told what is in the way: the token is too old, the email
   was answered, or belongs to somebody else by now.

Held mail waits in quarantine. A token is no secret from those who have read the mail it stood in;
that is why the sender counts too, and why ``proven_by`` can ask the mail server about him.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ccmiddleware.mail import loops
from ccmiddleware.mail.authentication import unproven
from ccmiddleware.mail.message import SEVERAL_SENDERS, Message
from ccmiddleware.mail.threading import without_token
from ccmiddleware.mail.tokens import Claim, Keys, Refusal, ReplyTo, Use, claim, read_address

MOST_ADDRESSES = 200
"""Addresses of one mail that are looked at."""
_ONCE = datetime(2020, 1, 1, tzinfo=UTC)
"""A time at which no token is too old yet: whether it is, is asked last."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who has, or had, the email. ``address`` in lower case, empty where there is none."""

    id: UUID
    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What an answer is about, as it stands now. ``holder``: whose it is while ``state`` is
    working."""

    id: UUID
    number: int
    state: str
    outcome: str
    queue: str
    holder: UUID | None
    agents: Mapping[UUID, Agent]


@dataclass(frozen=True, slots=True)
class Asked:
    """Addresses with tokens for agents that a mail came to. ``elsewhere``: one of a mailbox of ours
    that has a copy of its own."""

    claims: tuple[Claim, ...]
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The agent may act."""

    agent: Agent
    address: str


@dataclass(frozen=True, slots=True)
class Told:
    """Nothing is done, and the agent is told why. ``again``: the agent may try again."""

    agent: Agent
    reason: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """It goes to quarantine."""

    reason: str


@dataclass(frozen=True, slots=True)
class Replied:
    """The mail was an agent's; ``what`` came of it, as in ccm.agent_reply."""

    what: str


def asked(message: Message, own: Collection[str], ours: Collection[str]) -> Asked | None:
    """Whether the mail came to an address for agents' answers, and to which.

    ``own``: addresses of the mailbox that it came to; ``ours``: those of all of them. Where the
    mail server says to which address it delivered, the others it was written to do not count.
    """
    written = [each.address for each in (*message.to, *message.cc)]
    for addresses in (message.delivered_to, written):
        found = [
            each
            for each in map(claim, dict.fromkeys(addresses[:MOST_ADDRESSES]))
            if each is not None and each.for_agents and without_token(each.address) in ours
        ]
        here = {each.address.lower(): each for each in found if without_token(each.address) in own}
        if here:
            return Asked(tuple(here.values()))
        if found:
            return Asked((), found[0].address)
    return None


def judge(
    message: Message,
    claimed: Claim,
    work: Work | None,
    keys: Keys,
    now: datetime,
    *,
    mark: str,
    proven_by: str = "",
) -> Accepted | Told | Kept:
    """What may become of a mail to the address of ``claimed``.

    ``work``: what the token claims to be about. ``mark``: of X-CCM-Loop in our own mail.
    ``proven_by``: whose Authentication-Results must prove the sender; empty for no such demand.
    """
    automatic = _automatic(message, mark)
    if automatic:
        return Kept(f"a program sent it to an agent's address for answers ({automatic})")
    agents = work.agents if work is not None else {}
    sender = message.sender.address.lower() if message.sender is not None else ""
    read = read_address(claimed.address, keys, _ONCE, Use.AGENT, [str(each) for each in agents])
    if isinstance(read, Refusal):
        return Kept(f"it was sent to an agent's address for answers, but {read.value}")
    if work is None or not read.agent:
        return Kept("the token is about nothing that is here")
    agent = agents[UUID(read.agent)]
    reason = _not_from(agent, message, sender, proven_by)
    if reason:
        return Kept(reason)
    if now >= read.expires:
        return Told(agent, _too_old(read), again=_has(work, agent))
    if not _has(work, agent):
        return Told(agent, _not_yours(work))
    if message.encrypted:
        return Told(agent, "It is encrypted, and can't be read here.", again=True)
    return Accepted(agent, claimed.address)


def _has(work: Work, agent: Agent) -> bool:
    return work.state == "working" and work.holder == agent.id


def _automatic(message: Message, mark: str) -> str:
    if any(each.strip() == mark for each in message.machine.loop_marks):
        return "it was sent by ourselves"
    seen = loops.nature(message)
    if seen.nature != "person":
        return seen.why
    if loops.says_automatic(message.subject):
        return f"its subject is {message.subject[:60]!r}"
    return ""


def _not_from(agent: Agent, message: Message, sender: str, proven_by: str) -> str:
    """Why it can't count as the agent's; empty where it does."""
    if not agent.address:
        return f"the token is that of {agent.name or 'an agent'}, who has no mail address any more"
    if sender != agent.address:
        shown = sender[:100] or "nobody"
        return f"the token is that of {agent.address}, but the mail is from {shown}"
    if SEVERAL_SENDERS in message.notes:
        return f"the token is that of {agent.address}, but the mail names several senders"
    return unproven(message.authentication, proven_by, sender) if proven_by else ""


def _too_old(read: ReplyTo) -> str:
    until = read.expires.strftime("%Y-%m-%d %H:%M UTC")
    return f"The address that you answered to was good until {until}."


def _not_yours(work: Work) -> str:
    """What became of it, in a sentence."""
    match work.state, work.outcome:
        case "working", _:
            return f"Email {work.number} is not yours any more: somebody else works on it."
        case "done", "answered":
            return f"Email {work.number} is answered already."
        case "done", "noted":
            return f"Email {work.number} is done: a note was all that was to be said."
        case "done", _:
            return f"Email {work.number} is closed."
        case _:
            return f"Email {work.number} is not yours any more: it waits in queue {work.queue}."


def choose(
    verdicts: Sequence[tuple[Claim, Accepted | Told | Kept]],
) -> tuple[Claim, Accepted | Told | Kept]:
    """Of what the addresses of one mail may do, what is done: at most one thing.

    Which of two emails an answer is for can't be guessed.
    """
    good = [each for each in verdicts if isinstance(each[1], Accepted)]
    if len({each[0].item for each in good}) > 1:
        which, first = good[0]
        assert isinstance(first, Accepted)  # noqa: S101 - filtered
        several = "It was sent to the addresses of several emails: answer one at a time."
        return which, Told(first.agent, several, again=True)
    told = [each for each in verdicts if isinstance(each[1], Told)]
    return (good or told or list(verdicts))[0]
