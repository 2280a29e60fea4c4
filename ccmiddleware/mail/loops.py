"""Guards against machines that answer machines. Pure: what was counted is an argument.

Three layers, each enough by itself to end a loop:

1. what the headers say: a machine's mail gets no acknowledgement, and one that answers us
   (out of office, delivery notices) is no work either; what we sent ourselves is held;
2. how much came in a time, from one correspondent and in one conversation: above a limit mail is
   held, whoever wrote it. Above the limits for all mail together only acknowledgements stop, so
   that a flood from one side does not keep others' mail from agents;
3. the same subject going to and fro between machines that say nothing of themselves.

Held is not lost: it waits in quarantine with the reason, and a person can release it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from ccmiddleware.mail.message import Machine, Message
from ccmiddleware.mail.threading import without_token

WINDOWS = (timedelta(minutes=10), timedelta(minutes=30), timedelta(minutes=60))
"""What is counted: messages of the last so and so many minutes, without the one in question."""

Counts = tuple[int, int, int]
"""Messages in each of the windows."""

Nature = Literal["person", "sends", "answers"]
"""Who wrote it: a person (as far as can be seen), a machine that sends something by itself, or one
that answers what it was sent."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many messages in a window on mail is held, or acknowledgements stop."""

    correspondent: Counts = (10, 15, 25)
    conversation: Counts = (10, 15, 25)
    acknowledgements: Counts = (200, 400, 600)
    same_subject: int = 5
    """Messages with one subject from a correspondent in an hour, if we answered automatically."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was counted before this message. ``same_subject``: in the last of the windows."""

    from_correspondent: Counts = (0, 0, 0)
    in_conversation: Counts = (0, 0, 0)
    acknowledgements: Counts = (0, 0, 0)
    """Of all queues, to anybody."""
    same_subject_from_correspondent: int = 0
    same_subject_automatic_from_us: int = 0
    """Automatic mail of ours to the correspondent; subjects compared by ``plain_subject``."""
    acknowledged: bool = False
    """The conversation had its acknowledgement."""

    def with_acknowledgements(self, more: int) -> "Traffic":
        """As it is once so many acknowledgements were put."""
        first, second, third = self.acknowledgements
        return replace(self, acknowledgements=(first + more, second + more, third + more))


@dataclass(frozen=True, slots=True)
class Ours:
    """How our own mail is known. Addresses in lower case, ``mark`` as in X-CCM-Loop.

    ``unlimited``: senders (such as the form of the own web site) that may send any number.
    """

    addresses: frozenset[str]
    mark: str
    unlimited: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may become of a message.

    ``automatic``: why it counts as a machine's, in words; empty for a person's. ``held``: why it
    must go to quarantine; empty where it need not. ``held_as``: of which kind it is there.
    ``unacknowledged``: why there may be no acknowledgement; empty where there may be one.
    """

    opens_work: bool
    automatic: str = ""
    held: str = ""
    held_as: Literal["", "loop", "report"] = ""
    unacknowledged: str = ""

    @property
    def acknowledge(self) -> bool:
        """Whether an automatic acknowledgement may be sent."""
        return not self.unacknowledged


@dataclass(frozen=True, slots=True)
class Seen:
    """What the headers show."""

    nature: Nature = "person"
    why: str = ""


# -- the verdict ----------------------------------------------------------------------------


def judge(message: Message, ours: Ours, traffic: Traffic, limits: Limits | None = None) -> Verdict:
    """What may become of a message that is not a delivery report (bounces.py reads those)."""
    limits = limits or Limits()
    seen = nature(message)
    held = _own(message, ours)
    if held:
        return _hold(seen, held)
    if _mail_system(message) and not message.delivery_statuses:
        held = f"a notice of a mail system ({seen.why}) that does not say what it is about"
        return _hold(seen, held, "report")
    sender = message.sender.address.lower() if message.sender is not None else ""
    if sender not in ours.unlimited:
        held = _too_many(traffic, limits) or _to_and_fro(traffic, limits)
    if held:
        return _hold(seen, held)
    return Verdict(
        opens_work=seen.nature != "answers",
        automatic=seen.why,
        # Such words may be a person's, too: no word to him is a small loss, a mail unread is not.
        unacknowledged=seen.why
        or ("its subject is that of an automatic answer" if says_automatic(message.subject) else "")
        or _no_acknowledgement(sender, traffic, limits),
    )


def nature(message: Message) -> Seen:
    """Who wrote a message, as far as its headers show it, and by what that is seen."""
    machine = message.machine
    sender = message.sender.address if message.sender is not None else ""
    return (
        _answers(message, sender)
        or _said_by_headers(machine)
        or _sends(machine, sender, message.reply_to != ())
        or Seen()
    )


def _hold(seen: Seen, held: str, held_as: Literal["loop", "report"] = "loop") -> Verdict:
    return Verdict(
        opens_work=False,
        automatic=seen.why or held,
        held=held,
        held_as=held_as,
        unacknowledged=held,
    )


# -- headers --------------------------------------------------------------------------------

_SYSTEMS = re.compile(r"(mailer-daemon|postmaster)(?:[+-].*)?", re.I)
_NOBODY = re.compile(
    r"(?:no|do-?not|don-?t|never)[-_.]?(?:reply|respond|answer)(?:[-_.+].*)?|noanswer|bounces?"
    r"(?:[-_.+].*)?|autoreply|auto-reply|keine?-?antwort|notifications?[-_.]no-?reply",
    re.I,
)
_ANSWERING_PRECEDENCE = ("auto_reply", "auto-reply")
_BULK_PRECEDENCE = ("bulk", "junk", "list")
_SUPPRESSES_ANSWERS = frozenset({"all", "autoreply", "oof"})


def _answers(message: Message, sender: str) -> Seen | None:
    machine = message.machine
    if message.delivery_statuses:
        return Seen("answers", "a delivery report")
    if machine.feedback_report:
        return Seen("answers", "a report about a message, such as a receipt")
    if _SYSTEMS.fullmatch(sender.partition("@")[0]):
        return Seen("answers", f"from {sender}")
    if machine.return_path is not None and not machine.return_path.strip(" <>"):
        return Seen("answers", "its Return-Path is empty")
    if message.sender is None:
        return Seen("answers", "it has no sender")
    return None


def _said_by_headers(machine: Machine) -> Seen | None:
    """Auto-Submitted (RFC 3834) and Precedence; comments and parameters do not count."""
    auto = _word(machine.auto_submitted)
    if auto and auto != "no":
        why = f"Auto-Submitted: {auto}"
        return Seen("answers" if auto == "auto-replied" else "sends", why)
    precedence = _word(machine.precedence)
    if precedence in _ANSWERING_PRECEDENCE:
        return Seen("answers", f"Precedence: {precedence}")
    if precedence in _BULK_PRECEDENCE:
        return Seen("sends", f"Precedence: {precedence}")
    return None


def _sends(machine: Machine, sender: str, has_reply_to: bool) -> Seen | None:
    """A sender that takes no answers, but names another address for them, may be a web form."""
    if machine.list_headers:
        return Seen("sends", "it has headers of a mailing list")
    if _suppressed(machine.auto_response_suppress):
        return Seen("sends", f"X-Auto-Response-Suppress: {machine.auto_response_suppress[:60]}")
    if not has_reply_to and _NOBODY.fullmatch(sender.partition("@")[0]):
        return Seen("sends", f"from {sender}, which takes no answers")
    return None


def _suppressed(header: str) -> bool:
    """Whether automatic answers are unwanted; receipts (DR, RN, NRN) are another thing."""
    return bool(_SUPPRESSES_ANSWERS & {each.strip().lower() for each in header.split(",")})


def _word(header: str) -> str:
    """The first word of a header, in lower case: what stands before a comment or a parameter."""
    return re.split(r"[;(\s]", header.strip().lower(), maxsplit=1)[0][:60]


def _own(message: Message, ours: Ours) -> str:
    if any(mark.strip() == ours.mark for mark in message.machine.loop_marks):
        return "it was sent by ourselves (X-CCM-Loop)"
    if message.sender is not None and without_token(message.sender.address) in ours.addresses:
        return f"it comes from our own address {without_token(message.sender.address)}"
    return ""


def _mail_system(message: Message) -> bool:
    sender = message.sender.address.partition("@")[0] if message.sender is not None else ""
    return message.sender is None or _SYSTEMS.fullmatch(sender) is not None


# -- counts ---------------------------------------------------------------------------------


def _too_many(traffic: Traffic, limits: Limits) -> str:
    for counts, allowed, whose in (
        (traffic.from_correspondent, limits.correspondent, "from this correspondent"),
        (traffic.in_conversation, limits.conversation, "in this conversation"),
    ):
        over = _over(counts, allowed)
        if over:
            return f"{over} {whose}"
    return ""


def _to_and_fro(traffic: Traffic, limits: Limits) -> str:
    theirs = traffic.same_subject_from_correspondent
    if traffic.same_subject_automatic_from_us and theirs >= limits.same_subject:
        return (
            f"the same subject came {theirs} times in an hour and was answered automatically: "
            "probably a machine answers a machine"
        )
    return ""


def _no_acknowledgement(sender: str, traffic: Traffic, limits: Limits) -> str:
    if not sender:
        return "there is nobody to send it to"
    if traffic.acknowledged:
        return "the conversation had one"
    if traffic.same_subject_automatic_from_us:
        return "the correspondent had one with this subject within the hour"
    over = _over(traffic.acknowledgements, limits.acknowledgements)
    return f"{over} were acknowledged, whoever wrote them" if over else ""


def _over(counts: Sequence[int], allowed: Sequence[int]) -> str:
    for count, most, window in zip(counts, allowed, WINDOWS, strict=True):
        if count >= most:
            minutes = int(window.total_seconds()) // 60
            return f"{count} messages in {minutes} minutes (limit {most})"
    return ""


# -- subjects -------------------------------------------------------------------------------

_AUTOMATIC = (
    r"auto(?:matic)?[- _]?(?:re(?:ply|sponse)|replied)?|automatische antwort|auto-?antwort"
    r"|out of (?:the )?office|abwesen[dh][a-z]*|abwesenheits[a-z]*|r[ée]ponse automatique"
    r"|respuesta autom[áa]tica|risposta automatica"
)
_PREFIX = re.compile(
    r"\s*(?:(?:re|aw|antw|antwort|fw|fwd|wg|sv|vs|tr|rv|ref|odp|ynt|r|i)\s*(?:\[\d+\]|\(\d+\)|\^\d+)?"
    rf"|(?:{_AUTOMATIC})(?:\s+re)?)\s*:\s*"
)
_SAYS_AUTOMATIC = re.compile(
    rf"\s*(?:{_AUTOMATIC}|vacation|on vacation|urlaub|im urlaub)\s*(?::|re\b|$)"
)
_TAG = re.compile(r"\[[^\[\]]{0,60}\]")
_NUMBER = re.compile(r"\d+")
_PREFIXES_AT_MOST = 20
LONGEST_SUBJECT = 200


def says_automatic(subject: str) -> bool:
    """Whether a subject begins with the words by which programs mark an automatic answer."""
    text = unicodedata.normalize("NFKC", subject[: 5 * LONGEST_SUBJECT]).casefold()
    return _SAYS_AUTOMATIC.match(text) is not None


def plain_subject(subject: str) -> str:
    """A subject for comparison: without Re: and the like, tags, numbers and differences of case.

    Two subjects of one exchange between machines come out the same, whatever each puts before it.
    """
    text = unicodedata.normalize("NFKC", subject).casefold()[: 5 * LONGEST_SUBJECT]
    text = _TAG.sub(" ", text)
    for _ in range(_PREFIXES_AT_MOST):
        found = _PREFIX.match(text)
        if found is None:
            break
        text = text[found.end() :]
    text = _NUMBER.sub("#", text)
    return " ".join(text.split())[:LONGEST_SUBJECT]
