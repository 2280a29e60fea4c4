"""Sorts lines of the journal into what one transaction applies. Pure: no database, no loop.

The lines stay the bytes that they are; of most, only the few members that say which row and which
version it is are decoded. Where a batch holds several versions of one row, the newest goes on.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

TAG_AT = len(b'{"t":"')
"""Where the name of the kind begins in a line; ``facts.encode`` writes the tag first."""


class Names(NamedTuple):
    """What a fact names and the database must know before: empty where it names none."""

    node: str
    queue: str = ""
    interface: str = ""
    member_name: str = ""


class _Interaction(msgspec.Struct):
    id: str
    version: int
    node: str


class _Visit(msgspec.Struct):
    interaction_id: str
    ordinal: int
    version: int
    node: str
    queue: str


class _Handling(msgspec.Struct):
    """An offer or a segment."""

    interaction_id: str
    ordinal: int
    version: int
    node: str
    interface: str
    member_name: str


class _Supervision(msgspec.Struct):
    interaction_id: str
    uniqueid: str
    started_at: str
    version: int
    node: str
    interface: str
    member_name: str


class _Recording(msgspec.Struct):
    interaction_id: str
    segment: int
    version: int
    node: str


class _AgentState(msgspec.Struct):
    node: str
    interface: str
    started_at: str
    version: int


class _QueueLogRow(msgspec.Struct):
    node: str


class _QueueLogPosition(msgspec.Struct):
    node: str
    version: int


class _Disposition(msgspec.Struct):
    node: str
    interface: str


class _TurnedAway(msgspec.Struct):
    node: str
    queue: str


class _CallbackAsked(msgspec.Struct):
    node: str
    queue: str


class _CallbackStep(msgspec.Struct):
    node: str


class _Agent(msgspec.Struct):
    node: str
    interface: str


class _Queue(msgspec.Struct):
    node: str
    name: str


class _Membership(msgspec.Struct):
    node: str
    queue: str
    interface: str


@dataclass(frozen=True)
class Kind:
    """How facts of one kind are applied.

    ``query``: the named query. ``head``: decodes what is needed. ``row``: which row it is, where
    older versions may be dropped; where it is None, the query itself picks the newest. ``names``:
    what must be known before. ``interaction``: which one it belongs to, "" for none; given for
    the kinds whose versions hold a term (``terms``).
    """

    query: str
    head: Callable[[bytes], Any] | None = None
    row: Callable[[Any], Any] | None = None
    names: Callable[[Any], Names] | None = None
    interaction: Callable[[Any], str] | None = None


def _head(struct: type) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(struct).decode


KINDS: dict[bytes, Kind] = {
    b"queue": Kind("apply_queue", _head(_Queue), names=lambda f: Names(f.node, f.name)),
    b"agent": Kind("apply_agent", _head(_Agent), names=lambda f: Names(f.node, "", f.interface)),
    b"queue_member": Kind(
        "apply_queue_member",
        _head(_Membership),
        names=lambda f: Names(f.node, f.queue, f.interface),
    ),
    b"interaction": Kind(
        "apply_interaction",
        _head(_Interaction),
        row=lambda f: f.id,
        names=lambda f: Names(f.node),
        interaction=lambda f: f.id,
    ),
    b"queue_visit": Kind(
        "apply_queue_visit",
        _head(_Visit),
        row=lambda f: (f.interaction_id, f.ordinal),
        names=lambda f: Names(f.node, f.queue),
        interaction=lambda f: f.interaction_id,
    ),
    b"offer": Kind(
        "apply_offer",
        _head(_Handling),
        row=lambda f: (f.interaction_id, f.ordinal),
        names=lambda f: Names(f.node, "", f.interface, f.member_name),
        interaction=lambda f: f.interaction_id,
    ),
    b"segment": Kind(
        "apply_segment",
        _head(_Handling),
        row=lambda f: (f.interaction_id, f.ordinal),
        names=lambda f: Names(f.node, "", f.interface, f.member_name),
        interaction=lambda f: f.interaction_id,
    ),
    b"supervision": Kind(
        "apply_supervision",
        _head(_Supervision),
        row=lambda f: (f.interaction_id, f.uniqueid, f.started_at),
        names=lambda f: Names(f.node, "", f.interface, f.member_name),
        interaction=lambda f: f.interaction_id,
    ),
    b"recording": Kind(
        "apply_recording",
        _head(_Recording),
        row=lambda f: (f.interaction_id, f.segment),
        names=lambda f: Names(f.node),
        interaction=lambda f: f.interaction_id,
    ),
    b"event": Kind("apply_event"),
    b"agent_state": Kind(
        "apply_agent_state",
        _head(_AgentState),
        row=lambda f: (f.node, f.interface, f.started_at),
        names=lambda f: Names(f.node, "", f.interface),
        interaction=lambda f: "",
    ),
    b"queue_log_row": Kind(
        "apply_queue_log_row", _head(_QueueLogRow), names=lambda f: Names(f.node)
    ),
    b"queue_log_position": Kind(
        "apply_queue_log_position",
        _head(_QueueLogPosition),
        row=lambda f: f.node,
        names=lambda f: Names(f.node),
    ),
    b"disposition": Kind(
        "apply_disposition",
        _head(_Disposition),
        names=lambda f: Names(f.node, "", f.interface),
    ),
    b"turned_away": Kind(
        "apply_turned_away", _head(_TurnedAway), names=lambda f: Names(f.node, f.queue)
    ),
    b"callback_asked": Kind(
        "apply_callback_asked", _head(_CallbackAsked), names=lambda f: Names(f.node, f.queue)
    ),
    b"callback_step": Kind(
        "apply_callback_step", _head(_CallbackStep), names=lambda f: Names(f.node)
    ),
}
"""All kinds of facts, in the order in which they are applied."""


class UnknownFact(ValueError):
    """A line that is no fact this program knows."""


class Told(NamedTuple):
    """A line whose version holds a term. ``interaction``: its id, or "" for an agent's interval."""

    tag: bytes
    line: bytes
    node: str
    version: int
    interaction: str


@dataclass
class Plan:
    """What one transaction applies: lines by kind in the order of KINDS, and the names they use.

    ``rows`` says more of those lines whose versions hold a term.
    """

    lines: dict[bytes, list[bytes]] = field(default_factory=dict)
    names: set[Names] = field(default_factory=set)
    rows: list[Told] = field(default_factory=list)


def plan(lines: Iterable[bytes]) -> Plan:
    """Sort ``lines``, given in the order in which they were told. Raises UnknownFact."""
    result = Plan()
    grouped: dict[bytes, list[bytes]] = {tag: [] for tag in KINDS}
    newest: dict[bytes, dict[Any, tuple[Any, bytes]]] = {tag: {} for tag in KINDS}
    for line in lines:
        tag = line[TAG_AT : line.find(b'"', TAG_AT)]
        kind = KINDS.get(tag)
        if kind is None:
            raise UnknownFact("not a fact of this version of ccmiddleware")
        if kind.head is None:
            grouped[tag].append(line)
            continue
        try:
            head = kind.head(line)
        except msgspec.MsgspecError as error:
            raise UnknownFact(str(error)) from error
        if kind.names is not None:
            result.names.add(kind.names(head))
        if kind.row is None:
            grouped[tag].append(line)
            continue
        row, rows = kind.row(head), newest[tag]
        known = rows.get(row)
        if known is None or head.version > known[0].version:
            rows[row] = (head, line)
    for tag in KINDS:
        result.rows.extend(_told(tag, newest[tag].values()))
        wanted = grouped[tag] or [line for _, line in newest[tag].values()]
        if wanted:
            result.lines[tag] = wanted
    return result


def _told(tag: bytes, rows: Iterable[tuple[Any, bytes]]) -> Iterator[Told]:
    interaction = KINDS[tag].interaction
    if interaction is not None:
        for head, line in rows:
            yield Told(tag, line, head.node, head.version, interaction(head))


def array(lines: Sequence[bytes]) -> bytes:
    """The lines as one JSON array."""
    return b"[" + b",".join(lines) + b"]"
