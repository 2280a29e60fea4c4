"""Supervisions from ChanSpy's events: begin, end, what is concluded; nothing is doubled."""

from datetime import datetime
from uuid import UUID

import pytest
from msgspec.structs import replace
from pbx_story import BEGIN, at, story

from ccmiddleware.facts import InteractionEvent, Segment, Supervision
from ccmiddleware.supervision.channel import Asked, asked, channel_id
from ccmiddleware.supervision.watch import Watch

CALL = UUID(int=7)
OURS = channel_id(Asked("whisper", False, "ann"), UUID(int=1))
START = "ChanSpyStart SpyerChannel=PJSIP/2001-a SpyerUniqueid={0} SpyeeUniqueid=1.1"
STOP = "ChanSpyStop SpyerChannel=PJSIP/2001-a SpyerUniqueid={0} SpyeeUniqueid=1.1"
SPYING = "CoreShowChannel Channel=PJSIP/2001-a Uniqueid={0} Application=ChanSpy ApplicationData={1}"


def talk(ordinal: int = 1, ended: float | None = None, interface: str = "PJSIP/1001") -> Segment:
    return Segment(
        interaction_id=CALL,
        ordinal=ordinal,
        version=1,
        visit=1,
        node="pbx",
        interface=interface,
        member_name="Alice",
        channel="c",
        agent_channel="PJSIP/1001-b",
        offered_at=BEGIN,
        answered_at=at(1),
        ended_at=None if ended is None else at(ended),
        ended_by=None if ended is None else "caller",
    )


class Floor:
    """A watch, the talks that it sees, and what it told."""

    def __init__(self, *restored: Supervision | Segment) -> None:
        self.talks: dict[str, Segment] = {"1.1": talk()}
        self.like: list[Segment] = []
        self.watch = Watch("pbx", self, lambda channel: channel.partition("-")[0])
        self.watch.restore(restored)
        self.rows: list[Supervision] = []
        self.events: list[InteractionEvent] = []

    def talk_of(self, uniqueid: str) -> Segment | None:
        return self.talks.get(uniqueid)

    def talks_like(self, channel: str) -> list[Segment]:
        return self.like

    def after(self, *lines: str) -> "Floor":
        for event in story("\n".join(lines)):
            self._note(self.watch.step(event))
        return self

    def saw(self, segment: Segment) -> "Floor":
        self._note(self.watch.observe([segment]))
        return self

    def waits(self, *seconds: float) -> "Floor":
        for now in seconds:
            self._note(self.watch.tick(at(now)))
        return self

    def lists(self, until: datetime | None, *lines: str) -> "Floor":
        self.watch.miss()
        self.after(*lines)
        self._note(self.watch.agree(at(50), until))
        return self

    def _note(self, facts: object) -> None:
        for fact in facts:  # type: ignore[attr-defined]
            (self.rows if isinstance(fact, Supervision) else self.events).append(fact)

    @property
    def kinds(self) -> list[tuple[str, bool]]:
        return [(event.kind.removeprefix("supervision_"), event.inferred) for event in self.events]


def line(seconds: float, text: str, uniqueid: str = OURS, more: str = "") -> str:
    return f"{seconds} {text.format(uniqueid, more)}"


def test_seen_from_beginning_to_end() -> None:
    floor = Floor().after(line(5, START), line(9, STOP))
    begun, ended = floor.rows
    assert (begun.mode, begun.asked_by, begun.supervisor) == ("whisper", "ann", "PJSIP/2001")
    assert (begun.interface, begun.segment, begun.started_at) == ("PJSIP/1001", 1, at(5))
    assert ended == replace(begun, version=2, ended_at=at(9))
    assert floor.kinds == [("began", False), ("ended", False)]
    assert floor.events[0].data["asked_by"] == "ann"
    assert len({event.key for event in floor.events}) == 2


def test_a_code_of_the_pbx_has_no_mode() -> None:
    floor = Floor().after(line(5, START, "9.9"))
    assert (floor.rows[0].mode, floor.rows[0].asked_by) == (None, "")
    assert "mode" not in floor.events[0].data


def test_a_channel_without_a_talk_is_remembered_until_one_begins() -> None:
    floor = Floor()
    segment = floor.talks.pop("1.1")
    floor.after(line(0, START))
    assert floor.rows == []
    floor.talks["1.1"] = segment
    floor.saw(segment).saw(segment)
    assert [row.started_at for row in floor.rows] == [at(1)]
    floor.after(line(3, STOP))
    assert floor.rows[-1].ended_at == at(3)


def test_an_end_that_does_not_come_is_that_of_the_talk() -> None:
    floor = Floor().after(line(5, START)).saw(talk(ended=20)).waits(20, 29)
    assert floor.rows[-1].ended_at is None
    floor.waits(30)
    assert (floor.rows[-1].ended_at, floor.rows[-1].inferred) == (at(20), True)
    floor.after(line(31, STOP)).waits(60)
    assert floor.kinds == [("began", False), ("ended", True)]


def test_an_end_told_just_after_that_of_the_talk_is_seen_and_not_later() -> None:
    floor = Floor().after(line(5, START)).saw(talk(ended=20)).after(line(20.2, STOP)).waits(40)
    assert (floor.rows[-1].ended_at, floor.rows[-1].inferred) == (at(20), False)


def test_a_hangup_without_an_end_ends_it() -> None:
    floor = Floor().after(line(5, START), f"8 Hangup Uniqueid={OURS}")
    assert (floor.rows[-1].ended_at, floor.rows[-1].inferred) == (at(8), True)


def test_the_same_phone_goes_on_to_another_talk() -> None:
    floor = Floor()
    floor.talks["1.2"] = replace(talk(2), interface="PJSIP/1002")
    floor.after(line(5, START), line(7, START.replace("1.1", "1.2")), line(9, STOP))
    assert [(row.segment, row.ended_at) for row in floor.rows] == [
        (1, None), (1, at(7)), (2, None), (2, at(9)),
    ]  # fmt: skip


def test_a_talk_that_turns_out_to_be_anothers() -> None:
    floor = Floor().after(line(5, START)).saw(replace(talk(), interface="PJSIP/1002"))
    assert [row.interface for row in floor.rows] == ["PJSIP/1001", "PJSIP/1002"]


@pytest.mark.parametrize(
    ("listed", "ended"),
    [
        (line(50, SPYING, OURS, "1.1,qE"), None),
        (line(50, SPYING, OURS, "").replace("ChanSpy", "Playback"), at(30)),
        (line(50, SPYING, "other", "7.7"), at(30)),
    ],
)
def test_what_is_listed_goes_on_and_the_rest_has_ended(listed: str, ended: object) -> None:
    begun = Floor().after(line(5, START)).rows[0]
    floor = Floor(talk(), begun).lists(at(30), listed)
    assert [row.ended_at for row in floor.rows if row.ended_at] == ([ended] if ended else [])
    assert all(row.inferred for row in floor.rows)


def test_who_began_while_the_lists_came_goes_on() -> None:
    floor = Floor(talk()).lists(at(30), line(50, START))
    assert [row.ended_at for row in floor.rows] == [None]


def test_who_listened_before_we_looked_is_taken_up() -> None:
    floor = Floor().lists(at(30), line(50, SPYING, "9.9", "1.1,qE"))
    assert [(row.started_at, row.inferred, row.mode) for row in floor.rows] == [
        (at(30), True, None)
    ]
    floor = Floor()
    floor.like = [talk()]
    floor.lists(None, line(50, SPYING, "9.9", "PJSIP/1001"))
    assert [row.started_at for row in floor.rows] == [at(50)]
    floor = Floor()
    floor.like = [talk(), talk(2)]
    floor.lists(None, line(50, SPYING, "9.9", "PJSIP/1001"))
    assert floor.rows == []


def test_a_restart_doubles_nothing() -> None:
    begun = Floor().after(line(5, START)).rows[0]
    floor = Floor(talk(), begun).lists(at(30), line(50, SPYING, OURS, "1.1,qE"))
    floor.after(line(60, STOP))
    assert floor.kinds == [("ended", False)]
    floor = Floor(talk(ended=20), begun).waits(100, 111)
    assert (floor.rows[-1].ended_at, floor.rows[-1].inferred) == (at(20), True)


def test_lists_that_nobody_waited_for_change_nothing() -> None:
    floor = Floor().after(line(5, START))
    assert floor.watch.agree(at(50), None) == []
    assert list(floor.watch.open) == [OURS]


@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize("mode", ["monitor", "whisper", "barge"])
def test_an_id_says_how(mode: str, keys: bool) -> None:
    how = Asked(mode, keys, "ann")  # type: ignore[arg-type]
    assert asked(channel_id(how, UUID(int=5))) == how


def test_a_hostile_user_makes_no_hostile_id() -> None:
    id_ = channel_id(Asked("barge", True, "DOM\\Ann, B\r\nX" + "y" * 99), UUID(int=5))
    found = asked(id_)
    assert found is not None
    assert found.by == "DOM_Ann__B__X" + "y" * 19
    assert len(id_) < 150
    for foreign in ("1795825434.1", "", "ccm-monitor.ann.1", f"{id_}x"):
        assert asked(foreign) is None
