"""Which supervisors listen to which talks: Asterisk's ChanSpy events in, facts out. Pure.

However it was begun counts: by ``ccm agent monitor``, or by a code of the PBX's own that runs
ChanSpy() or ExtenSpy(). Only what is heard of a talk is told; a supervision of a channel that is in
none is remembered, since a talk may begin on it.

An end that was not seen is concluded: when Asterisk's lists have the supervisor's channel no more,
and at the latest when the talk has ended. It is marked as inferred then.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from ccmiddleware.facts import AnyFact, InteractionEvent, Segment, Supervision
from ccmiddleware.pbx import events as ami
from ccmiddleware.supervision.channel import asked

END_WITHIN = timedelta(seconds=10)
"""How long after the end of a talk that of its supervision may still come."""

APPLICATIONS = ("ChanSpy", "ExtenSpy")


class Talks(Protocol):
    """What of the calls must be known here."""

    def talk_of(self, uniqueid: str) -> Segment | None:
        """The open talk that the channel with that id is in."""
        ...

    def talks_like(self, channel: str) -> list[Segment]:
        """Open talks whose agent's channel has that name, or belongs to that interface."""
        ...


class Watch:
    """All supervisions of one node. ``owner`` says whose phone a channel (its name) is on."""

    HEARD = (ami.ChanSpyStart, ami.ChanSpyStop, ami.Hangup, ami.CoreShowChannel)
    """Kinds of events that ``step`` looks at."""

    def __init__(self, node: str, talks: Talks, owner: Callable[[str], str]) -> None:
        self.node = node
        self.open: dict[str, Supervision] = {}
        """Supervisions of talks that go on, by unique id of the supervisor's channel."""
        self._talks = talks
        self._owner = owner
        self._spies: dict[str, ami.SpyEvent] = {}
        """All who listen to anything, by the same."""
        self._over: dict[str, datetime] = {}
        """When the talks ended whose supervision has not been seen to end."""
        self._due: dict[str, datetime] = {}
        """When to conclude these."""
        self._listed: dict[str, ami.CoreShowChannel] | None = None
        """While Asterisk lists its channels: those listed so far."""
        self._began_since: set[str] = set()
        """Supervisors' channels that began to listen since events were missed."""
        self._out: list[AnyFact] = []

    # -- the outside ------------------------------------------------------------------------

    def step(self, event: ami.Event) -> list[AnyFact]:
        """The facts that follow from one event."""
        match event:
            case ami.ChanSpyStart():
                self._spies[event.spyer_uniqueid] = event
                self._began_since.add(event.spyer_uniqueid)
                self._end(event.spyer_uniqueid, event.at, inferred=True)
                self._begin(event, event.at)
            case ami.ChanSpyStop():
                self._spies.pop(event.spyer_uniqueid, None)
                self._end(event.spyer_uniqueid, event.at)
            case ami.Hangup():
                if self._spies.pop(event.uniqueid, None) or event.uniqueid in self.open:
                    self._end(event.uniqueid, event.at, inferred=True)
            case ami.CoreShowChannel() if self._listed is not None:
                self._listed[event.uniqueid] = event
            case _:
                return []
        return self._take()

    def observe(self, facts: Iterable[AnyFact]) -> list[AnyFact]:
        """The facts that follow from talks that begin and end."""
        if not self._spies and not self.open:
            return []
        for fact in facts:
            if not isinstance(fact, Segment):
                continue
            if fact.ended_at is None:
                for spy in self._spies.values():
                    if spy.spyer_uniqueid not in self.open:
                        self._begin(spy, max(spy.at, fact.answered_at))
            for uniqueid, row in self.open.items():
                if (row.interaction_id, row.segment) == (fact.interaction_id, fact.ordinal):
                    self._talk_changed(uniqueid, row, fact)
        return self._take()

    def tick(self, now: datetime) -> list[AnyFact]:
        """The facts that follow from ends that did not come. Call about once a second."""
        for uniqueid, ended_at in list(self._over.items()):
            if self._due.setdefault(uniqueid, now + END_WITHIN) <= now:
                self._end(uniqueid, ended_at, inferred=True)
        return self._take()

    def miss(self) -> None:
        """Events are missing; the answer to CoreShowChannels follows in the stream."""
        self._listed = {}
        self._began_since = set()

    def agree(self, at: datetime, seen_until: datetime | None) -> list[AnyFact]:
        """Asterisk's lists are whole: end what is not in them, begin what is.

        ``seen_until``: when the view of the node was lost, as far as that is known.
        """
        if self._listed is None:
            return []
        listed, self._listed = self._listed, None
        since = seen_until or at
        for uniqueid in {*self.open, *self._spies} - self._began_since:
            channel = listed.get(uniqueid)
            if channel is None or channel.application not in APPLICATIONS:
                self._spies.pop(uniqueid, None)
                self._end(uniqueid, since, inferred=True)
        for channel in listed.values():
            known = channel.uniqueid in self.open or channel.uniqueid in self._spies
            if channel.application in APPLICATIONS and not known:
                self._adopt(channel, since)
        return self._take()

    def restore(self, facts: Iterable[AnyFact]) -> None:
        """Take up what was open when an earlier daemon stopped."""
        ended = {}
        for fact in facts:
            match fact:
                case Segment() if fact.ended_at is not None:
                    ended[fact.interaction_id, fact.ordinal] = fact.ended_at
                case Supervision() if fact.ended_at is None:
                    self.open[fact.uniqueid] = fact
                case _:
                    pass
        for uniqueid, row in self.open.items():
            ended_at = ended.get((row.interaction_id, row.segment))
            if ended_at is not None:
                self._over[uniqueid] = ended_at

    def of(self, interface: str, supervisor: str = "") -> list[Supervision]:
        """Those of an agent that go on; only those by ``supervisor``, if one is given."""
        return [
            row
            for row in self.open.values()
            if row.interface == interface and supervisor in ("", row.supervisor)
        ]

    # -- inside -----------------------------------------------------------------------------

    def _take(self) -> list[AnyFact]:
        facts, self._out = self._out, []
        return facts

    def _begin(self, spy: ami.SpyEvent, at: datetime) -> None:
        segment = self._talks.talk_of(spy.spyee_uniqueid)
        if segment is not None:
            self._add(segment, spy.spyer_channel, spy.spyer_uniqueid, at, inferred=False)

    def _adopt(self, channel: ami.CoreShowChannel, since: datetime) -> None:
        """A supervisor who listened before we looked: the application's data say to whom."""
        heard = channel.application_data.partition(",")[0]
        found = self._talks.talk_of(heard)
        fitting = [found] if found is not None else self._talks.talks_like(heard)
        if heard and len(fitting) == 1:
            self._add(fitting[0], channel.channel, channel.uniqueid, since, inferred=True)

    def _add(
        self, segment: Segment, channel: str, uniqueid: str, at: datetime, *, inferred: bool
    ) -> None:
        how = asked(uniqueid)
        row = Supervision(
            interaction_id=segment.interaction_id,
            segment=segment.ordinal,
            version=1,
            node=self.node,
            interface=segment.interface,
            member_name=segment.member_name,
            supervisor=self._owner(channel),
            channel=channel,
            uniqueid=uniqueid,
            mode=how.mode if how is not None else None,
            keys=how is not None and how.keys,
            asked_by=how.by if how is not None else "",
            started_at=max(at, segment.answered_at),
            inferred=inferred,
        )
        self.open[uniqueid] = row
        self._out.append(row)
        self._tell("supervision_began", row, row.started_at, inferred=inferred)

    def _talk_changed(self, uniqueid: str, row: Supervision, segment: Segment) -> None:
        if segment.ended_at is not None:
            self._over.setdefault(uniqueid, segment.ended_at)
        elif segment.interface != row.interface:
            # The talk turned out to be another agent's.
            self.open[uniqueid] = replace(
                row,
                version=row.version + 1,
                interface=segment.interface,
                member_name=segment.member_name,
            )
            self._out.append(self.open[uniqueid])

    def _end(self, uniqueid: str, at: datetime, *, inferred: bool = False) -> None:
        row = self.open.pop(uniqueid, None)
        over = self._over.pop(uniqueid, None)
        self._due.pop(uniqueid, None)
        if row is None:
            return
        # What is heard after the talk is none of it.
        at = max(row.started_at, at if over is None else min(at, over))
        row = replace(row, version=row.version + 1, ended_at=at, inferred=row.inferred or inferred)
        self._out.append(row)
        self._tell("supervision_ended", row, at, inferred=inferred)

    def _tell(self, kind: str, row: Supervision, at: datetime, *, inferred: bool) -> None:
        data: dict[str, object] = {"supervisor": row.supervisor, "agent": row.member_name}
        data |= {"interface": row.interface, "mode": row.mode, "asked_by": row.asked_by}
        self._out.append(
            InteractionEvent(
                interaction_id=row.interaction_id,
                key=f"{kind}:{row.uniqueid}:{row.started_at.isoformat()}",
                kind=kind,
                at=at,
                inferred=inferred,
                data={name: value for name, value in data.items() if value},
            )
        )
