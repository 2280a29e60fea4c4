"""Which state an agent is in, from what is known of him. Pure.

An agent's state follows from four sources: membership, pause and device state in Asterisk's queues
(member events), the offers and talks of queue calls (facts of the call machine), the wrap-up time
after a talk (time), and who has an email in hand (``working``). At each moment the first of these
that holds is the state:

    talking       in a talk that came through a queue
    working       hears on the phone that there is an email, and takes it or gives it back
    ringing       a queue offers a call or an email, or another call rings the phone
    logged_out    member of no queue
    wrap_up       within the wrap-up time after a talk, or paused in every queue and for that by us
    paused        paused in every queue
    working       has an email in hand
    unavailable   the phone can't be reached (device state invalid or unavailable)
    busy          the phone is in use for something that is not a queue call
    idle          none of the above: could take a call now

A pause comes before an email that is in hand, since the agent himself said that he is away; the
wrap-up of a call too, which is only possible where calls interrupt email. The wrap-up time that
app_queue gives after the placeholder of an email that was taken is work on it.
"""

from datetime import datetime

from ccmiddleware.facts import AgentState, AgentStateName
from ccmiddleware.pbx import events as ami

WRAP_UP_REASON = "wrap-up"
"""Reason of the pauses by which we force the wrap-up (``wrap_up``)."""

UNREACHABLE = frozenset({4, 5})
"""Device states of app_queue: invalid, unavailable."""
IN_USE = frozenset({2, 3, 7, 8})
"""Device states of app_queue: in use, busy, ringing and in use, on hold."""
RINGING = 6
"""Device state of app_queue: ringing."""


class Known:
    """What is known of one agent."""

    def __init__(self, interface: str) -> None:
        self.interface = interface
        self.name = ""
        self.queues: dict[str, ami.MemberEvent] = {}
        self.offers: set[tuple[object, int]] = set()
        self.talks: dict[tuple[object, int], str] = {}
        """Queue call by interaction and segment; the value is shown as the reason."""
        self.dialogs: dict[tuple[object, int], str] = {}
        """Phone dialogs in which an email is taken or given back, with its queue."""
        self.dialog_over: str | None = None
        """Queue of a dialog that is over, while the phone is in use: the email was taken, which
        queue_log tells a moment later."""
        self.work: str | None = None
        """Queue of the email that was taken last of those in hand."""
        self.wrap_up_until: datetime | None = None
        self.wrap_up_of_dialog = False
        self.open: AgentState | None = None
        self.known_until: datetime | None = None
        """End of the last interval that an earlier daemon told of, if it told of none behind it."""


def state_of(agent: Known) -> tuple[AgentStateName, str]:
    """The state, and its reason."""
    if agent.talks:
        return "talking", ""
    if agent.dialogs:
        return "working", next(iter(agent.dialogs.values()))
    if agent.offers:
        return "ringing", ""
    if not agent.queues:
        return "logged_out", ""
    members = agent.queues.values()
    work = agent.work if agent.work is not None else agent.dialog_over
    if agent.wrap_up_until is not None and (work is None or not agent.wrap_up_of_dialog):
        return "wrap_up", ""
    if all(member.paused for member in members):
        if any(is_ours(member) for member in members):
            return "wrap_up", ""
        return "paused", next((m.paused_reason for m in members if m.paused_reason), "")
    if work is not None:
        return "working", work
    return _of_phone(agent), ""


def _of_phone(agent: Known) -> AgentStateName:
    statuses = {member.status for member in agent.queues.values()}
    if statuses <= UNREACHABLE:
        return "unavailable"
    if statuses & IN_USE:
        return "busy"
    if RINGING in statuses:
        return "ringing"
    return "idle"


def is_ours(member: ami.MemberEvent) -> bool:
    """Whether we paused the member, for the wrap-up."""
    return member.paused and member.paused_reason == WRAP_UP_REASON
