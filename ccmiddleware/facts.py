"""Facts: what happened, in the form in which it is kept; all that journal and Postgres hold.

Two kinds. An ``InteractionEvent`` is one line of an interaction's history and is never changed; its
``key`` is unique within the interaction, so that telling it again changes nothing. Every other fact
is the *whole present state* of one row, with a ``version`` that grows with each change: the newest
version wins, an older or equal one changes nothing. So a fact may be written to the journal, sent
to Postgres and told again after a crash in any number, and the database ends up the same.

Queues and agents are named by what Asterisk calls them (node and name, node and interface); the
database gives them ids the first time it hears of them.

All times are aware UTC datetimes.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import msgspec.structs

Channel = Literal["voice", "callback"]
Direction = Literal["inbound", "outbound", "internal"]
InteractionState = Literal["waiting", "ringing", "talking", "left", "ended"]
Outcome = Literal[
    "answered",
    "abandoned",
    "timed_out",
    "left_by_key",
    "no_agents",
    "queue_full",
    "withdrawn",
    "moved",
    "not_answered",
    "busy",
    "failed",
    "lost",
]
"""How a visit to a queue, or a whole interaction, ended. ``lost``: Asterisk or our view of it went
away before the end was seen. ``moved``: an agent waited in the place of the customer, who then took
it over. ``not_answered``, ``busy`` and ``failed`` are those of calls that no queue had."""

OfferOutcome = Literal["answered", "ring_no_answer", "other_answered", "caller_gone", "lost"]
EndedBy = Literal["caller", "agent", "transfer", "lost"]
AgentStateName = Literal[
    "logged_out",
    "unavailable",
    "paused",
    "idle",
    "ringing",
    "talking",
    "wrap_up",
    "working",
    "busy",
]
SupervisionMode = Literal["monitor", "whisper", "barge"]
"""monitor: hears both; whisper: and is heard by the agent; barge: and is heard by both."""

Asked = Literal["", "pause", "resume", "start", "stop"]
RecordingState = Literal["expected", "recording", "finished", "missing", "failed", "deleted"]
"""``deleted`` is never told: the database comes to it when the time of a recording is over."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    """Base of all facts."""


class InteractionEvent(Fact, frozen=True, kw_only=True, tag="event"):
    """One thing that happened in an interaction. Append-only."""

    interaction_id: UUID
    key: str
    kind: str
    at: datetime
    inferred: bool = False
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class Interaction(Fact, frozen=True, kw_only=True, tag="interaction"):
    """One contact of one customer over one channel."""

    id: UUID
    version: int
    node: str
    channel: Channel = "voice"
    direction: Direction = "inbound"
    state: InteractionState
    linkedid: str
    uniqueid: str
    caller_num: str = ""
    """The customer's number, also when we called."""
    caller_name: str = ""
    did: str = ""
    """Ours: what was dialled, or of a campaign's call what was shown (empty: its attempt tells)."""
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    inferred: bool = False


class QueueVisit(Fact, frozen=True, kw_only=True, tag="queue_visit"):
    """One stay of an interaction in one queue, from joining to leaving."""

    interaction_id: UUID
    ordinal: int
    version: int
    node: str
    queue: str
    position: int
    joined_at: datetime
    answered_at: datetime | None = None
    left_at: datetime | None = None
    outcome: Outcome | None = None
    inferred: bool = False


class Offer(Fact, frozen=True, kw_only=True, tag="offer"):
    """One ringing of one agent. ``visit`` is the visit for which a queue rang, 0 for none."""

    interaction_id: UUID
    ordinal: int
    version: int
    visit: int
    node: str
    interface: str
    member_name: str
    offered_at: datetime
    ended_at: datetime | None = None
    outcome: OfferOutcome | None = None


class Segment(Fact, frozen=True, kw_only=True, tag="segment"):
    """The part of an interaction that one agent handled.

    ``visit`` is the visit it belongs to: that in which a queue found the agent, or the last one
    answered when another agent handed the customer over; 0 for none.
    """

    interaction_id: UUID
    ordinal: int
    version: int
    visit: int
    node: str
    interface: str
    member_name: str
    channel: str
    agent_channel: str
    offered_at: datetime
    answered_at: datetime
    ended_at: datetime | None = None
    ended_by: EndedBy | None = None
    hold_seconds: float = 0.0
    wrap_up_seconds: float = 0.0
    inferred: bool = False


class Agent(Fact, frozen=True, kw_only=True, tag="agent"):
    """A person at an interface, under the name the queue has for it."""

    node: str
    interface: str
    name: str
    seen_at: datetime


class QueueMembership(Fact, frozen=True, kw_only=True, tag="queue_member"):
    """Whether an agent is a member of a queue, and how; the newest ``at`` wins."""

    node: str
    queue: str
    interface: str
    at: datetime
    member: bool
    penalty: int = 0
    paused: bool = False
    pause_reason: str = ""


class Queue(Fact, frozen=True, kw_only=True, tag="queue"):
    """A queue of a node. ``service_level_seconds`` is T of the service level columns."""

    node: str
    name: str
    strategy: str = ""
    service_level_seconds: int = 20
    seen_at: datetime


class AgentState(Fact, frozen=True, kw_only=True, tag="agent_state"):
    """One interval in which an agent was in one state; open while ``ended_at`` is None."""

    node: str
    interface: str
    started_at: datetime
    version: int
    state: AgentStateName
    reason: str = ""
    ended_at: datetime | None = None
    inferred: bool = False


class Recording(Fact, frozen=True, kw_only=True, tag="recording"):
    """The recording of one segment. ``path`` is relative to the recording directory.

    ``monitor`` is Asterisk's id of the MixMonitor, where known. ``asked`` is what Asterisk was
    asked to do with it and has not answered. ``paused_seconds`` sums the pauses that are over.
    ``stopped_at``: when it was stopped by hand, before the end of the talk.
    """

    interaction_id: UUID
    segment: int
    version: int
    node: str
    state: RecordingState
    path: str
    started_at: datetime
    ended_at: datetime | None = None
    seconds: float | None = None
    bytes: int | None = None
    sha256: str | None = None
    error: str = ""
    channels: Literal["mono", "stereo"] = "mono"
    monitor: str = ""
    asked: Asked = ""
    paused_at: datetime | None = None
    paused_seconds: float = 0.0
    stopped_at: datetime | None = None


class Supervision(Fact, frozen=True, kw_only=True, tag="supervision"):
    """A supervisor's phone that listens to a segment, from ``started_at`` on.

    ``interface`` and ``member_name`` are the agent's; ``supervisor`` is the interface of the phone,
    ``channel`` and ``uniqueid`` its channel. ``mode`` is the one it began in, None when it was not
    begun by us; with ``keys`` the supervisor could change it. ``asked_by``: the user of the
    operating system, where we began it.
    """

    interaction_id: UUID
    segment: int
    version: int
    node: str
    interface: str
    member_name: str
    supervisor: str
    channel: str
    uniqueid: str
    mode: SupervisionMode | None = None
    keys: bool = False
    asked_by: str = ""
    started_at: datetime
    ended_at: datetime | None = None
    inferred: bool = False


class QueueLogRow(Fact, frozen=True, kw_only=True, tag="queue_log_row"):
    """One row of Asterisk's queue_log, as it stands in the file. Append-only.

    ``key`` is computed from the row itself and tells apart equal rows of one second, so that a file
    may be read any number of times. ``sequence`` grows in the order of reading.
    """

    node: str
    at: datetime
    key: UUID
    sequence: int
    call: str
    queue: str
    agent: str
    event: str
    data: list[str]


class QueueLogPosition(Fact, frozen=True, kw_only=True, tag="queue_log_position"):
    """How far a node's queue_log has been read; told after the rows before it.

    ``fingerprint`` is a hash of the last bytes before ``offset`` and finds the file again under
    whatever name. ``version`` counts the bytes read in all files.
    """

    node: str
    version: int
    inode: int
    offset: int
    fingerprint: str
    row_at: datetime


class Disposition(Fact, frozen=True, kw_only=True, tag="disposition"):
    """A code that an agent keyed in after a talk. Append-only.

    ``call`` is the unique id of the call by which it was keyed in, which makes it the same one when
    it is read again in queue_log. Which talk it is about is found out in the database.
    """

    node: str
    call: str
    interface: str
    digits: str
    at: datetime


class TurnedAway(Fact, frozen=True, kw_only=True, tag="turned_away"):
    """A caller whom our dialplan library did not let join a queue. Append-only.

    ``call`` is the unique id of the caller's channel and ``turn`` counts the queues that it tried,
    which makes it the same one when it is read again in queue_log.
    """

    node: str
    call: str
    turn: str
    queue: str
    at: datetime
    why: str
    destination: str
    caller: str
    did: str


class CallbackAsked(Fact, frozen=True, kw_only=True, tag="callback_asked"):
    """A caller asked to be called back instead of waiting. Append-only.

    ``call`` is the unique id of the call in which it was asked for, which makes it the same one
    when it is read again in queue_log.
    """

    node: str
    call: str
    queue: str
    number: str
    priority: int = 0
    at: datetime


class CallbackStep(Fact, frozen=True, kw_only=True, tag="callback_step"):
    """What the dialplan did in an attempt of a callback. Append-only; one of each step."""

    node: str
    attempt: str
    step: str
    at: datetime


AnyFact = (
    InteractionEvent
    | Interaction
    | QueueVisit
    | Offer
    | Segment
    | Agent
    | QueueMembership
    | Queue
    | AgentState
    | Recording
    | Supervision
    | QueueLogRow
    | QueueLogPosition
    | Disposition
    | TurnedAway
    | CallbackAsked
    | CallbackStep
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyFact)


def encode(fact: AnyFact) -> bytes:
    """One JSON object on one line; the member ``t`` says which fact it is."""
    return _encoder.encode(fact)


def decode(line: bytes) -> AnyFact:
    """The fact that ``encode`` wrote. Raises msgspec.DecodeError for anything else."""
    fact: AnyFact = _decoder.decode(line)
    return fact


def times_in(fact: AnyFact) -> list[datetime]:
    """Every time that a fact tells."""
    return [value for value in msgspec.structs.astuple(fact) if isinstance(value, datetime)]


def callback_outcome(left: Outcome | None, unanswered: Outcome | None = None) -> Outcome:
    """The outcome of a callback whose customer was not reached, from that of its visit.

    ``unanswered``: how dialling the customer ended, if that was told.
    """
    match left:
        case "answered":
            return unanswered or "not_answered"
        case "abandoned":
            return "withdrawn"  # a placeholder does not give up; it is taken away
        case None:
            return "lost"
        case other:
            return other
