"""Emails whose priority changes while they stand in the queue: three kinds of Asterisk."""

import pytest
from pbx.ami_peer import Session, linked
from test_work_turns import TERM, World, world

__all__ = ["world"]

CALL = "1764000000.1"


class Line:
    """The queue of an Asterisk that moves callers at once, only by and by, or not at all.

    It holds a call of priority 0 that has waited for a minute, and placeholders behind it.
    """

    def __init__(self, world: World, moves: str) -> None:
        self.world = world
        self.moves = moves
        self.order: list[list[object]] = [[CALL, 0, 60]]
        world.members = 3
        world.peer.answers |= {
            "QueueStatus": self.status,
            "Originate": self.originate,
            "QueueChangePriorityCaller": self.change,
            "Hangup": self.hang_up,
        }

    async def status(self, session: Session, action: dict[str, str]) -> None:
        await session.answer(action, ("Response", "Success"), ("EventList", "start"))
        for position, (uniqueid, priority, wait) in enumerate(self.order, start=1):
            await session.answer(
                action, ("Event", "QueueEntry"), ("Queue", "support"), ("Uniqueid", uniqueid),
                ("Channel", f"Local/{uniqueid}"), ("Position", position), ("Wait", wait),
                ("Priority", priority),
            )  # fmt: skip
        await session.answer(
            action, ("Event", "QueueStatusComplete"), ("EventList", "Complete"),
            ("ListItems", len(self.order)),
        )  # fmt: skip

    async def originate(self, session: Session, action: dict[str, str]) -> None:
        told = dict(pair.split("=", 1) for pair in self._variables(session))
        self.world.channels.add(action["ChannelId"])
        place, priority = int(told["CCM_WORK_PLACE"]), int(told["CCM_WORK_PRIO"])
        self.order.insert(place - 1, [f"{action['ChannelId']};2", priority, 0])
        await session.answer(action, ("Response", "Success"), ("Message", "queued"))

    def _variables(self, session: Session) -> list[str]:
        lines = self.world.peer.received.decode().splitlines()
        found = [line.partition(": ")[2] for line in lines if line.startswith("Variable: ")]
        return found[-7:]  # those of the last one

    async def change(self, session: Session, action: dict[str, str]) -> None:
        if self.moves == "unknown":
            await session.answer(
                action, ("Response", "Error"), ("Message", "Invalid/unknown command")
            )
            return
        one = next(one for one in self.order if f"Local/{one[0]}" == action["Caller"])
        one[1] = int(action["Priority"])
        if self.moves == "at once":
            self.order.remove(one)
            place = sum(int(str(other[1])) >= int(str(one[1])) for other in self.order)
            self.order.insert(place, one)
        await session.answer(action, ("Response", "Success"))

    async def hang_up(self, session: Session, action: dict[str, str]) -> None:
        # The tests' channel_of calls every channel by one name; the last one out is meant.
        self.order = [one for one in self.order if one[0] == CALL]
        self.world.channels.clear()
        await session.answer(action, ("Response", "Success"))

    def shown(self) -> list[tuple[object, object]]:
        return [("call" if one[0] == CALL else "email", one[1]) for one in self.order]


async def _raise(world: World, priority: int) -> None:
    await world.database.rows("UPDATE ccm.work_item SET priority = $1", priority)


async def _looks(world: World) -> None:
    """What one leader does: see it, have it gone and known to be gone, place it anew."""
    async with linked(world.peer) as run:
        await run.up()
        turns = world.turns(run, TERM)
        for _ in range(4):
            await turns.look()
            world.passes(2)


@pytest.mark.parametrize(
    ("moves", "outcomes"),
    [
        ("at once", [None]),
        # An Asterisk that changes priorities, and moves nobody: put there anew.
        ("by and by", ["withdrawn", None]),
        ("unknown", ["withdrawn", None]),
    ],
)
async def test_a_more_urgent_one_moves_before_the_call(
    world: World, moves: str, outcomes: list[str | None]
) -> None:
    line = Line(world, moves)
    await world.mail("Parcel", minutes=0)
    await world.look()
    await world.tell("CCMWORKSTEP", "placed")
    assert line.shown() == [("call", 0), ("email", 0)]
    await _raise(world, 50)
    await _looks(world)
    assert line.shown() == [("email", 50), ("call", 0)]
    assert await world.outcomes() == outcomes
    (row,) = await world.database.rows(
        "SELECT place, priority FROM ccm.work_placement ORDER BY placed_at DESC LIMIT 1"
    )
    assert tuple(row.values()) == (1, 50)
    asked = len(world.peer.asked("QueueChangePriorityCaller"))
    await world.look(times=2)
    assert len(world.peer.asked("QueueChangePriorityCaller")) == asked == 1


async def test_it_goes_where_it_belongs_by_its_time_and_not_behind_its_equals(
    world: World,
) -> None:
    line = Line(world, "at once")
    await world.mail("Parcel", minutes=5)
    await world.look()
    await world.tell("CCMWORKSTEP", "placed")
    line.order[:] = [[CALL, 50, 60], *[one for one in line.order if one[0] != CALL]]
    await _raise(world, 50)
    await _looks(world)
    assert world.peer.asked("QueueChangePriorityCaller") == []
    assert line.shown() == [("email", 50), ("call", 50)]


async def test_killed_between_the_move_and_writing_it_down(world: World) -> None:
    line = Line(world, "at once")
    await world.mail("Parcel", minutes=0)
    await world.look()
    await world.tell("CCMWORKSTEP", "placed")
    await _raise(world, 50)
    line.order.reverse()
    line.order[0][1] = 50
    await world.look()
    assert world.peer.asked("QueueChangePriorityCaller") == []
    assert await world.outcomes() == [None]
    (row,) = await world.database.rows("SELECT priority FROM ccm.work_placement")
    assert row["priority"] == 50
