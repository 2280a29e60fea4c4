"""The follower of a node: from the link's items to facts, and what it asks Asterisk for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from pbx_story import EPOCH, at, story
from structlog.testing import capture_logs

from ccmiddleware.config import parse
from ccmiddleware.facts import AgentState, AnyFact, Interaction, QueueVisit, Segment
from ccmiddleware.node import NodeFollower
from ccmiddleware.pbx.link import AmiLink, Gap, Item, LinkDown, LinkUp
from ccmiddleware.store.journal import JournalFull
from ccmiddleware.store.terms import last_seen, stamped, unstamped
from ccmiddleware.web.metrics import Metrics

TALKING = """
0 Newchannel caller=1
1 QueueCallerJoin caller=1 Queue=support Position=1 Count=1
2 AgentCalled caller=1 agent=1001 Queue=support
4 QueueCallerLeave caller=1 Queue=support Position=1 Count=0
4 AgentConnect caller=1 agent=1001 Queue=support HoldTime=4 RingTime=2
"""
LISTS = "{0} QueueStatusComplete\n{0} CoreShowChannelsComplete"


@dataclass
class StandInLink:
    """Says that it is up, and notes what it is asked to send."""

    sent: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    state: Any = field(default_factory=lambda: SimpleNamespace(up=True))

    async def send_list(self, action: str) -> list[dict[str, str]]:
        self.sent.append(action)
        return []

    async def send(self, action: str) -> Any:
        self.sent.append(action)
        self.asked.set()
        return SimpleNamespace(headers={"AsteriskVersion": "22.1"})


class Desk:
    """A follower under test and the facts that it handed over."""

    def __init__(self) -> None:
        self.link = StandInLink()
        self.facts: list[AnyFact] = []
        self.full = False
        settings = parse({"node": [{"name": "pbx", "ami": {"secret": "x"}}]}, "test")
        self.follower = NodeFollower(
            settings.node[0],
            settings,
            cast(AmiLink, self.link),
            self.write,
            Metrics(),
            clock=lambda: at(1000),
        )

    def write(self, facts: Sequence[AnyFact]) -> None:
        if self.full:
            raise JournalFull("no room")
        self.facts.extend(facts)

    async def take(self, *items: Item | str) -> None:
        for item in items:
            await self.follower.take(list(story(item)) if isinstance(item, str) else [item])

    def last(self, kind: type[Any]) -> Any:
        return [fact for fact in self.facts if isinstance(fact, kind)][-1]

    def newest(self, *kinds: type[Any]) -> list[Any]:
        """The rows as they are after all that was told, of those kinds."""
        rows = {
            (type(fact), *_key(fact)): fact
            for fact in self.facts
            if isinstance(fact, kinds or ROWS)
        }
        return list(rows.values())

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.follower.resync(), name="resync")
            yield
            task.cancel()


ROWS = (Interaction, QueueVisit, Segment, AgentState)


def _key(fact: Any) -> tuple[Any, ...]:
    if isinstance(fact, Interaction):
        return (fact.id,)
    if isinstance(fact, AgentState):
        return fact.interface, fact.started_at
    return fact.interaction_id, fact.ordinal


def up(seconds: float, epoch: int = 1) -> LinkUp:
    return LinkUp("pbx", at(seconds), epoch, "Asterisk")


def down(seconds: float, epoch: int = 1) -> LinkDown:
    return LinkDown("pbx", at(seconds), epoch, "gone")


async def test_what_ended_unseen_ended_when_the_link_was_lost() -> None:
    desk = Desk()
    await desk.take(up(0), LISTS.format(0), TALKING, down(10))
    assert not desk.follower.synchronised
    await desk.take(up(40), LISTS.format(40))
    assert desk.follower.synchronised
    assert desk.last(Interaction).ended_at == at(10)


async def test_a_link_that_is_lost_again_before_the_lists_came_was_lost_the_first_time() -> None:
    desk = Desk()
    await desk.take(up(0), LISTS.format(0), TALKING, down(10), up(40), down(41), up(60))
    await desk.take(LISTS.format(60))
    assert desk.last(Interaction).ended_at == at(10)


async def test_what_ended_while_no_daemon_ran_ended_at_the_last_that_was_told() -> None:
    first, second = Desk(), Desk()
    await first.take(up(0), LISTS.format(0), TALKING)
    await first.take("50 QueueMemberAdded agent=1002 Queue=support Status=1")
    kinds = (Interaction, QueueVisit, Segment, AgentState)
    second.follower.restore([first.last(kind) for kind in kinds])
    await second.take(up(90), LISTS.format(90))
    assert second.last(Segment).ended_at == at(50)
    assert second.last(Interaction).ended_at == at(50)


async def test_what_an_earlier_leader_left_open_ended_when_that_one_saw_the_last() -> None:
    """Its journal came too late for the leader after it, who followed other calls for longer."""
    earlier, later, third = Desk(), Desk(), Desk()
    await earlier.take(up(0), LISTS.format(0), TALKING)
    await earlier.take("6 Newchannel caller=2\n6 QueueCallerJoin caller=2 Queue=support Position=1")
    await later.take(up(30), LISTS.format(30))
    await later.take("40 Newchannel caller=3\n70 QueueCallerJoin caller=3 Queue=support Position=1")
    told = stamped(earlier.newest(), 4) + stamped(later.newest(), 5)
    third.follower.restore(unstamped(told), last_seen(told, 6))
    await third.take(up(90), LISTS.format(90))
    ended = {fact.uniqueid: fact.ended_at for fact in third.newest(Interaction)}
    assert ended == {f"{EPOCH}.1": at(6), f"{EPOCH}.2": at(6), f"{EPOCH}.3": at(70)}
    assert third.last(Segment).ended_at == at(6)
    assert {fact.left_at for fact in third.newest(QueueVisit)} == {at(6), at(70)}


async def test_what_an_earlier_leader_left_open_goes_on_if_asterisk_has_it() -> None:
    earlier, third = Desk(), Desk()
    await earlier.take(up(0), LISTS.format(0), TALKING)
    told = stamped(earlier.newest(), 4)
    third.follower.restore(unstamped(told), last_seen(told, 6))
    await third.take(up(90))
    leg = f"Channel=PJSIP/1001-00000000 Uniqueid={EPOCH}.910010 BridgeId=b1"
    await third.take(f"""
        90 QueueStatusComplete
        90 CoreShowChannel caller=1 Application=Queue ApplicationData=support,t BridgeId=b1
        90 CoreShowChannel {leg} Application=AppQueue
        90 CoreShowChannelsComplete
    """)
    assert third.newest(Interaction) == []
    # From now on it is seen like any other.
    await third.take(down(100), up(120, 2), LISTS.format(120))
    assert third.last(Interaction).ended_at == at(100)


async def test_lists_that_are_not_whole_are_asked_for_again() -> None:
    desk = Desk()
    async with desk.asking():
        await desk.take(up(0))
        async with asyncio.timeout(20):
            await desk.link.asked.wait()
        assert desk.link.sent == ["QueueStatus", "CoreShowChannels", "CoreSettings"]
        desk.link.asked.clear()
        await desk.take("1 QueueStatusComplete\n1 CoreShowChannelsComplete ListItems=3")
        assert not desk.follower.synchronised
        async with asyncio.timeout(20):
            await desk.link.asked.wait()
        assert desk.link.sent[3:] == ["QueueStatus", "CoreShowChannels", "CoreSettings"]
        await desk.take(LISTS.format(2))
    assert desk.follower.synchronised


async def test_lists_from_before_a_gap_close_nothing() -> None:
    desk = Desk()
    await desk.take(up(0), LISTS.format(0), TALKING, Gap("pbx", at(20), 5))
    await desk.take("""
        21 CoreShowChannelsComplete ListItems=2
        22 Hold caller=7
    """)
    assert desk.last(Interaction).ended_at is None
    leg = f"Channel=PJSIP/1001-00000000 Uniqueid={EPOCH}.910010 BridgeId=b1"
    await desk.take(f"""
        23 QueueStatusComplete
        23 CoreShowChannel caller=1 Application=Queue ApplicationData=support,t BridgeId=b1
        23 CoreShowChannel {leg} Application=AppQueue
        23 CoreShowChannelsComplete
    """)
    assert desk.follower.synchronised
    assert desk.last(Interaction).ended_at is None


async def test_facts_without_room_are_kept_and_handed_over_once() -> None:
    desk = Desk()
    desk.full = True
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as tasks:
            taking = tasks.create_task(desk.take(TALKING), name="take")
            await asyncio.sleep(0.05)
            desk.follower.tell([])
            assert not taking.done()
            assert desk.facts == []
            desk.full = False
    said = [line["event"] for line in logs]
    assert said == ["facts wait for room", "there is room for facts again"]
    kinds = [fact.key for fact in desk.facts if hasattr(fact, "key")]
    assert kinds == ["joined:1", "offered:1", "answered:1"]
