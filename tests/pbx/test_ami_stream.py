"""The bounded stream: order, gaps in their exact place, marks that are never dropped."""

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.pbx.events import Hangup
from ccmiddleware.pbx.stream import Gap, Item, LinkDown, LinkUp, Stream

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def hangup(number: int) -> Hangup:
    return Hangup(at=START + timedelta(seconds=number), uniqueid=str(number))


async def test_reading_waits_for_the_first_item() -> None:
    stream = Stream("pbx1", 10)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(stream.read())
        await asyncio.sleep(0)
        assert not reading.done()
        stream.put(hangup(1))
        stream.put(hangup(2))
    assert reading.result() == [hangup(1), hangup(2)]


async def test_cancelled_reading_loses_nothing() -> None:
    stream = Stream("pbx1", 10)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(stream.read())
        await asyncio.sleep(0)
        stream.put(hangup(1))
        reading.cancel()
    assert await stream.read() == [hangup(1)]


async def test_gap_stands_before_a_mark_that_follows_it() -> None:
    stream = Stream("pbx1", 2)
    for number in range(5):
        stream.put(hangup(number))
    down = LinkDown("pbx1", START, 1, "gone")
    stream.mark(down)
    stream.put(hangup(5))
    assert await stream.read() == [
        hangup(0),
        hangup(1),
        Gap("pbx1", START + timedelta(seconds=2), 3),
        down,
        Gap("pbx1", START + timedelta(seconds=5), 1),
    ]
    assert (stream.events, stream.dropped) == (2, 4)


@given(st.lists(st.sampled_from(["put", "up", "down", "read"]), max_size=80))
def test_what_is_read_accounts_for_all_that_was_put(steps: list[str]) -> None:
    """In order, with each missing event counted by the gap that stands in its place."""

    async def play() -> None:
        stream = Stream("pbx1", 3)
        number = 0
        marks: list[Item] = []
        seen: list[Item] = []
        for step in [*steps, "up", "read"]:
            match step:
                case "put":
                    stream.put(hangup(number))
                    number += 1
                case "up" | "down":
                    kind = LinkUp if step == "up" else LinkDown
                    mark = kind("pbx1", START, len(marks), "")
                    marks.append(mark)
                    stream.mark(mark)
                case _ if stream._items:
                    seen += await stream.read()
        expected = 0
        for item in seen:
            match item:
                case Hangup():
                    assert item == hangup(expected)
                    expected += 1
                case Gap():
                    assert item.at == hangup(expected).at
                    expected += item.dropped
        assert expected == number
        assert [item for item in seen if isinstance(item, LinkUp | LinkDown)] == marks

    asyncio.run(play())
