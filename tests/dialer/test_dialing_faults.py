"""The dialer when one thing is wrong: everything else goes on, and nothing is dialled too late."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from claims import NOW, a_campaign, leads, phone
from dialing_desk import SETTINGS, Desk, dials, row

from ccmiddleware.dialer import campaigns
from ccmiddleware.dialer.claiming import MOST_REFUSED
from ccmiddleware.dialer.dialing import TOO_LATE
from ccmiddleware.dialer.profile_directory import OWN
from ccmiddleware.dialer.settings import parse_changes
from ccmiddleware.errors import TemporaryError
from ccmiddleware.pbx.link import ActionTimeout


async def test_an_answer_by_a_clock_behind_ours_is_written_down(desk: Desk) -> None:
    """Asterisk's clock is 5 s late, and the party answered after one second."""
    await dials(desk, 2)
    desk.idle(2)
    await desk.after(0)
    first, second = desk.link.channels
    for kind, at in (("answered", -4.0), ("queued", -4.0), ("connected", -3.5), ("ended", 0.0)):
        desk.step(first, kind, at, "16|Up" if kind == "ended" else "")
    desk.step(second, "ended", detail="17|Down")
    await desk.after(1)
    one, two = await desk.attempts()
    assert (one["result"], two["result"]) == ("connected", "busy")
    assert one["answered_at"] == one["claimed_at"]
    assert one["connected_at"] - one["answered_at"] == timedelta(seconds=0.5)
    assert one["ended_at"] - one["answered_at"] == timedelta(seconds=4)


async def test_an_end_that_is_refused_holds_up_no_other(desk: Desk) -> None:
    await dials(desk, 2)
    desk.idle(2)
    await desk.after(0)
    first, second = desk.link.channels
    desk.step(first, "ended", detail="99999|Ringing")  # no smallint
    desk.step(second, "ended", detail="17|Down")
    await desk.after(1)
    assert [one["result"] for one in await desk.attempts()][:2] == [None, "busy"]


async def test_a_campaign_that_is_refused_holds_up_no_other(desk: Desk) -> None:
    await dials(desk, 3)
    made = await a_campaign(desk.database, "summer", *SETTINGS, "mode=progressive")
    await leads(desk.database, made, *(phone(100 + each) for each in range(3)))
    await desk.database.rows(
        "UPDATE ccm.lead SET attempts = 32767 WHERE campaign_id <> $1 RETURNING id", made.id
    )  # one more is no smallint
    desk.idle(6)
    await desk.after(0)
    assert {one["campaign_id"] for one in await desk.attempts()} == {made.id}


async def test_what_was_claimed_long_ago_is_not_dialled(desk: Desk) -> None:
    """The daemon is frozen behind a claim; or it was doubtful for long who leads."""
    await dials(desk, 1)
    desk.idle(1)
    asked = 0

    async def certain() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            desk.now += TOO_LATE + timedelta(seconds=1)

    desk.dialing._certain = certain
    await desk.after(0)
    (attempt,) = await desk.attempts()
    assert (desk.link.asked, attempt["result"]) == ([], "failed")
    assert attempt["note"] == "not dialled: it was claimed 11 s before"


async def test_listed_leads_do_not_hold_up_everything(desk: Desk) -> None:
    """A list of leads of which nearly all came on the do-not-call list after their import."""
    made = await dials(desk, MOST_REFUSED + 20)
    last = phone(MOST_REFUSED + 19)
    await desk.database.rows(
        """
        INSERT INTO ccm.dnc_entry (number, source, added_by, added_version)
        SELECT number, 'national', 'ann', 1 FROM ccm.lead_number WHERE number <> $1 RETURNING id
        """,
        last,
    )
    desk.idle(1)
    await desk.after(0)
    assert desk.link.asked == []
    await desk.after(1)
    assert [one["number"] for one in await desk.attempts()] == [last]
    assert made.name == "spring"


async def test_nothing_is_dialled_before_what_was_left_is_known(desk: Desk) -> None:
    await dials(desk, 4)
    desk.idle(2)
    await desk.after(0)
    later = Desk(desk.database, term=2)
    later.channels = set(desk.link.channels)
    later.idle(2)
    fetch, away = desk.database.fetch, True

    async def fetched(name: str, *arguments: object) -> object:
        if name == "open_attempts" and away:
            raise TemporaryError("away")
        return await fetch(name, *arguments)

    desk.database.fetch = fetched  # type: ignore[method-assign, assignment]
    for _ in range(2):
        try:
            await later.after(1)
        except TemporaryError:
            continue
    assert later.link.asked == []
    away = False
    await later.after(1)
    assert later.link.asked == []
    assert later.dialing.trunks.on("one") == 2


async def test_a_lead_that_was_reached_after_all_is_not_called_again(desk: Desk) -> None:
    """queue_log was read long after the call was taken for lost: it had been a talk."""

    def silent(fields: object) -> None:
        raise ActionTimeout("no answer to Originate")

    await dials(desk, 1)
    desk.idle(1)
    desk.link.answer = silent
    await desk.after(0)
    (call,) = desk.link.channels
    await desk.after(1)
    await desk.after(40)
    (attempt,) = await desk.attempts()
    assert (attempt["result"], attempt["inferred"]) == ("unknown", True)
    steps = [("answered", 1.0, ""), ("connected", 1.5, ""), ("ended", 9.0, "16|Up")]
    desk.dialing.learn([row(call, kind, NOW, at, more) for kind, at, more in steps])
    reopening = desk.database.execute
    away = True

    async def execute(name: str, *arguments: object) -> int:
        if name == "reopen_attempts" and away:
            raise TemporaryError("away")
        return await reopening(name, *arguments)

    desk.database.execute = execute  # type: ignore[method-assign]
    try:
        await desk.after(11)
    except TemporaryError:
        away = False
    await desk.after(11)
    (attempt,) = await desk.attempts()
    assert attempt["result"] == "connected"
    (one,) = await desk.database.rows("SELECT state, last_result FROM ccm.lead")
    assert (one["state"], one["last_result"]) == ("done", "connected")


async def test_a_call_that_begins_while_its_campaign_is_let_go_is_followed(desk: Desk) -> None:
    """An agent's key in preview: claimed while it was read that the campaign pauses."""
    await dials(desk, 1)
    desk.idle(1)
    await desk.after(0)
    (one,) = desk.dialing.roster.known.values()
    known, one.pace.under_way.attempts = one.pace.under_way.attempts, {}
    await desk.database.rows("UPDATE ccm.campaign SET state = 'paused' RETURNING id")
    fetch = desk.database.fetch

    async def slow(name: str, *arguments: Any) -> Any:
        rows = await fetch(name, *arguments)
        one.pace.under_way.attempts = known
        return rows

    desk.database.fetch = slow  # type: ignore[method-assign]
    await desk.dialing.roster.refresh(desk.now)
    assert list(desk.dialing.roster.known.values()) == [one]


async def test_a_profile_whose_file_changes_holds_within_a_minute(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OWN, "directory", tmp_path)
    file = tmp_path / "acme.toml"
    law = 'title = "Acme"\nversion = "1"\nbuilds_on = "us-ftc"\n'
    file.write_text(law)
    await dials(desk, 4)
    async with campaigns.editing(desk.database, "spring", by="ann") as edit:
        await edit.set(parse_changes(["profile=acme"]))
    desk.idle(1)
    await desk.after(0)
    assert len(desk.link.asked) == 1
    day = '[abandonment]\nperiod = { value = "day", source = "our code" }\n'
    file.write_text(law.replace('"1"', '"2"') + day)
    await desk.after(61)
    desk.idle(2)
    await desk.after(1)
    assert [one["profile"].split(" (")[0] for one in await permits(desk)] == ["acme 1", "acme 2"]
    (campaign,) = await desk.database.rows("SELECT period_days FROM ccm.campaign")
    assert campaign["period_days"] == 1
    file.write_text("title = ")
    await desk.after(61)
    desk.idle(4)
    await desk.after(1)
    assert len(desk.link.asked) == 2
    assert f"profile acme: {file}: is no TOML" in desk.dialing.state.troubles["spring"]


async def test_a_longer_period_of_the_law_counts_days_that_were_not_looked_at_before(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OWN, "directory", tmp_path)
    file = tmp_path / "acme.toml"
    law = 'title = "Acme"\nversion = "1"\nbuilds_on = "us-ftc"\n'
    day = '[abandonment]\nperiod = { value = "day", source = "our code" }\n'
    file.write_text(law + day)
    made = await dials(desk, 4)
    async with campaigns.editing(desk.database, "spring", by="ann") as edit:
        await edit.set(parse_changes(["profile=acme"]))
    await desk.database.rows(
        "UPDATE ccm.campaign SET started_at = $1 RETURNING id", NOW - timedelta(days=11)
    )
    await desk.database.rows(
        """
        INSERT INTO ccm.attempt (campaign_id, lead_id, ordinal, number, number_ordinal, node, term,
            mode, trunk, caller_id, claimed_at, answered_at, ended_at, result, live, dropped)
        SELECT $1, l.id, n, '+13052229999', 1, 'pbx1', 1, 'predictive', 'one', '+12025550100',
            $2, $2, $2, 'dropped', true, true
        FROM (SELECT id FROM ccm.lead LIMIT 1) AS l, generate_series(100, 120) AS n
        RETURNING id
        """,
        made.id, NOW - timedelta(days=10),
    )  # fmt: skip
    desk.idle(1)
    await desk.after(0)
    assert len(desk.link.asked) == 1
    file.write_text(law)
    desk.idle(2)
    await desk.after(61)
    assert len(desk.link.asked) == 1
    assert (await desk.decisions())[-1] == (0, 0, "budget")


async def permits(desk: Desk) -> list[Any]:
    return await desk.database.rows("SELECT profile FROM ccm.permit ORDER BY granted_at")
