"""The dialer on a real Postgres: calls whose answers are lost, late, or told to another leader."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from claims import NOW, claiming, count
from dialing_desk import Desk, dials, row

from ccmiddleware.dialer.following import GONE_AFTER
from ccmiddleware.pbx.events import OriginateResponse
from ccmiddleware.pbx.link import ActionTimeout


async def test_an_order_without_an_answer_is_not_given_again(desk: Desk) -> None:
    """Asterisk may have taken it: it shows by the channel, or by there being none."""

    def silent(fields: Mapping[str, Any]) -> None:
        raise ActionTimeout("no answer to Originate")

    await dials(desk, 2)
    desk.idle(2)
    desk.link.answer = silent
    await desk.after(0)
    taken, _ = desk.link.channels
    desk.channels.add(taken)
    desk.read_until = desk.now
    await desk.after(1)
    await desk.after(GONE_AFTER.total_seconds() + 1)
    assert [one["result"] for one in await desk.attempts()] == [None, None]  # not read since
    desk.read_until = desk.now
    await desk.after(1)
    assert [one["result"] for one in await desk.attempts()] == [None, "unknown"]
    assert (await desk.attempts())[1]["inferred"]
    assert len(desk.link.asked) == 2
    desk.step(taken, "ended", detail="19|Ringing")
    desk.dialing.hear(OriginateResponse(at=desk.now, uniqueid=taken, reason=3))
    await desk.after(1)
    assert (await desk.attempts())[0]["result"] == "no_answer"


@pytest.mark.parametrize("told", ["events", "queue_log"])
async def test_what_an_earlier_leader_left_is_taken_up(desk: Desk, told: str) -> None:
    await dials(desk, 3)
    desk.idle(3)
    await desk.after(0)
    talking, over, _ = desk.link.channels
    later = Desk(desk.database, term=2)
    later.now = desk.now + timedelta(seconds=5)
    later.channels = {talking}
    later.read_until = later.now
    # What the file has is read before the attempts are known.
    rows = [("answered", 0.0, ""), ("dropped", 2.0, ""), ("ended", 9.0, "16|Up")]
    later.dialing.learn([row(over, kind, desk.now, at, detail) for kind, at, detail in rows])
    await later.dialing.look()
    assert later.dialing.trunks.on("one") == 3
    await later.after(0)
    ended = await desk.attempts()
    assert [one["result"] for one in ended] == [None, "dropped", None]
    assert (ended[1]["dropped"], ended[1]["inferred"]) == (True, False)
    assert ended[1]["answered_at"] == desk.now
    later.read_until = later.now + timedelta(seconds=3)
    await later.after(4)
    assert [one["result"] for one in await desk.attempts()] == [None, "dropped", "unknown"]
    if told == "events":
        later.step(talking, "answered", -3)
        later.step(talking, "connected", -2)
        later.step(talking, "ended", detail="16|Up")
    else:
        steps = [("answered", 1.0, ""), ("connected", 1.5, ""), ("ended", 9.0, "16|Up")]
        later.dialing.learn([row(talking, kind, NOW, at, more) for kind, at, more in steps])
    await later.after(1)
    assert (await desk.attempts())[0]["result"] == "connected"
    assert later.dialing.trunks.on("one") == 0
    assert {one["lead_id"] for one in await desk.attempts()} == {
        one["id"] for one in await desk.database.rows("SELECT id FROM ccm.lead")
    }


async def test_a_claim_whose_answer_was_lost_is_ended(desk: Desk) -> None:
    made = await dials(desk, 1)
    desk.idle(1)
    lost = await claiming(desk.database).claim(made, ["one"], NOW)
    await desk.after(0)
    desk.read_until = desk.now + timedelta(seconds=30)
    await desk.after(4)
    (attempt,) = await desk.attempts()
    assert (attempt["id"], attempt["result"]) == (lost.claimed[0].attempt, "unknown")
    assert desk.link.asked == []


async def test_what_is_told_after_the_end_was_concluded_is_not_lost(desk: Desk) -> None:
    """Asterisk was frozen, and dials late."""

    def silent(fields: Mapping[str, Any]) -> None:
        raise ActionTimeout("no answer to Originate")

    await dials(desk, 1)
    desk.idle(1)
    desk.link.answer = silent
    await desk.after(0)
    (call,) = desk.link.channels
    desk.read_until = desk.now + timedelta(seconds=30)
    await desk.after(1)
    await desk.after(11)
    (attempt,) = await desk.attempts()
    assert (attempt["result"], attempt["inferred"]) == ("unknown", True)
    for kind in ("answered", "dropped", "opted_out"):
        desk.step(call, kind)
    desk.channels.add(call)
    await desk.after(11)
    assert [one["result"] for one in await desk.attempts()] == [None]
    desk.step(call, "ended", detail="16|Up")
    await desk.after(1)
    (attempt,) = await desk.attempts()
    assert (attempt["result"], attempt["dropped"], attempt["inferred"]) == ("dropped", True, False)
    assert await count(desk.database, "dnc_entry") == 1


async def test_a_new_leader_looks_for_what_was_told_too_late(desk: Desk) -> None:
    """The end was concluded, queue_log told of it, and the leader was killed in between."""
    await dials(desk, 2)
    desk.idle(2)
    await desk.after(0)
    first, _ = desk.link.channels
    desk.read_until = desk.now + timedelta(seconds=30)
    await desk.after(1)
    await desk.after(11)
    assert [one["result"] for one in await desk.attempts()] == ["unknown", "unknown"]
    for number, (kind, more) in enumerate((("answered", ""), ("dropped", ""), ("ended", "16|Up"))):
        told = row(first, kind, NOW, number, more)
        await desk.database.rows(
            "INSERT INTO ccm.queue_log_row SELECT id, $1, $2, 1, $3, 'sales', 'NONE', $4, $5 "
            "FROM ccm.node RETURNING sequence",
            told.at, told.key, told.call, told.event, told.data,
        )  # fmt: skip
    later = Desk(desk.database, term=2)
    later.now = desk.now + timedelta(seconds=60)
    await later.after(0)
    assert [one["result"] for one in await desk.attempts()] == ["dropped", "unknown"]
