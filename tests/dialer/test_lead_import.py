"""An import on a real Postgres: whole or not at all, one at a time, each number once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from ccmiddleware.dialer import campaigns, dnc
from ccmiddleware.dialer.dnc_entries import Entry
from ccmiddleware.dialer.lead_checking import Checked, checked
from ccmiddleware.dialer.lead_columns import columns_of
from ccmiddleware.dialer.lead_import import Import, Policy, Totals, import_leads
from ccmiddleware.dialer.lead_rows import Batch, Plan, Row, check_rows
from ccmiddleware.errors import TemporaryError
from ccmiddleware.store.database import Database

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
COLUMNS = columns_of(["phone", "name"], {})


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as pool:
        yield pool


@pytest.fixture
async def campaign(database: Database) -> UUID:
    async with campaigns.editing(database, "spring", by="ann", new=True) as edit:
        pass
    return edit.id


def rows(*numbers: int) -> list[Row]:
    return [(at, [f"+1305222{number:04}", "Ann"]) for at, number in enumerate(numbers, 2)]


async def of(plan: Plan, *parts: list[Row]) -> AsyncGenerator[Checked]:
    for part in parts:
        yield part, check_rows(plan, part)


async def bring(
    database: Database, campaign: UUID, *parts: list[Row], policy: Policy | None = None
) -> Totals:
    wanted = Import("spring", campaign, "f.csv", "ann", NOW, {}, policy or Policy())
    return await import_leads(
        database,
        wanted,
        lambda number: of(Plan(COLUMNS, None, campaign, number), *parts),
        lambda rows, refused: None,
        lambda: None,
    )


async def counted(database: Database, what: str) -> int:
    found: int = (await database.rows(f"SELECT count(*) FROM ccm.{what}"))[0][0]  # noqa: S608
    return found


async def test_several_batches_are_one_import(database: Database, campaign: UUID):
    totals = await bring(database, campaign, rows(1, 2), rows(3, 2), rows(4))
    assert (totals.rows, totals.leads, totals.rejected) == (5, 4, {"in_file": 1})
    row = (await database.rows("SELECT * FROM ccm.lead_import"))[0]
    assert (row["rows"], row["leads"], row["numbers"], row["imported_by"]) == (5, 4, 4, "ann")
    places = await database.rows("SELECT DISTINCT place_id FROM ccm.lead")
    assert len(places) == await counted(database, "place") == 1


@pytest.mark.parametrize("failing", [RuntimeError("no"), asyncio.CancelledError()])
async def test_when_it_is_interrupted_nothing_was_changed(
    database: Database, campaign: UUID, failing: BaseException
):
    closed = []

    async def broken(number: int) -> AsyncGenerator[Checked]:
        plan = Plan(COLUMNS, None, campaign, number)
        try:
            yield rows(1), check_rows(plan, rows(1))
            raise failing
        finally:
            closed.append(number)

    wanted = Import("spring", campaign, "f.csv", "ann", NOW, {})
    with pytest.raises(type(failing)):
        await import_leads(database, wanted, broken, lambda rows, refused: None, lambda: None)
    assert len(closed) == 1
    for what in ("lead", "lead_number", "lead_import", "place"):
        assert await counted(database, what) == 0
    assert (await bring(database, campaign, rows(1))).leads == 1


async def test_one_import_waits_for_the_other(database: Database, campaign: UUID):
    """Two that bring the same number at the same time: it is in the campaign once."""
    begun, go, told = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(number: int) -> AsyncGenerator[Checked]:
        begun.set()
        await go.wait()
        yield rows(1), check_rows(Plan(COLUMNS, None, campaign, number), rows(1))

    wanted = Import("spring", campaign, "f.csv", "ann", NOW, {})
    async with asyncio.TaskGroup() as group:
        first = group.create_task(
            import_leads(database, wanted, slow, lambda rows, refused: None, told.set)
        )
        await asyncio.wait_for(begun.wait(), 20)
        second = group.create_task(
            import_leads(
                database,
                wanted,
                lambda number: of(Plan(COLUMNS, None, campaign, number), rows(1, 2)),
                lambda rows, refused: None,
                told.set,
            )
        )
        await asyncio.wait_for(told.wait(), 20)
        go.set()
    assert first.result().leads == 1
    assert (second.result().leads, second.result().rejected) == (1, {"in_campaign": 1})


async def test_a_campaign_can_be_paused_while_leads_come(database: Database, campaign: UUID):
    async def slow(number: int) -> AsyncGenerator[Checked]:
        yield rows(1), check_rows(Plan(COLUMNS, None, campaign, number), rows(1))
        for action in ("start", "pause"):
            async with campaigns.editing(database, "spring", by="bob") as edit:
                await edit.bring(action, "bob")
        yield rows(2), check_rows(Plan(COLUMNS, None, campaign, number), rows(2))

    wanted = Import("spring", campaign, "f.csv", "ann", NOW, {})
    await import_leads(database, wanted, slow, lambda rows, refused: None, lambda: None)
    assert (await campaigns.find(database, "spring"))["state"] == "paused"
    assert await counted(database, "lead") == 2


async def test_what_was_listed_for_others_or_is_over_is_no_matter(
    database: Database, campaign: UUID
):
    async with campaigns.editing(database, "summer", by="ann", new=True) as other:
        pass
    async with dnc.changing(database, by="ann") as change:
        await change.add([Entry("+13052220001")], "internal", other.id)
        await change.add([Entry("+13052220002")], "internal", campaign)
        await change.add([Entry("+13052220003", expires_at=NOW)], "internal", None)
        await change.add([Entry("+130522200", True)], "later", other.id)
    totals = await bring(database, campaign, rows(1, 2, 3))
    assert (totals.leads, totals.rejected) == (2, {"dnc": 1})


async def test_versions_of_the_list_are_without_gaps(database: Database):
    async def add(number: int) -> int:
        async with dnc.changing(database, by="ann") as change:
            await change.add([Entry(f"+1305222{number % 5:04}")], "internal", None)
        return change.version if change.added else 0

    versions = await asyncio.gather(*(add(number) for number in range(20)))
    assert sorted(one for one in versions if one) == [1, 2, 3, 4, 5]
    assert await database.fetchval("dnc_version") == 5


def failing(rows: list[Row]) -> Batch:
    """As a process that is killed in the middle of its work."""
    import os

    os._exit(1)


async def test_a_process_that_dies_is_told():
    parts = checked(failing, iter(rows(1)), 1)  # type: ignore[arg-type]
    with pytest.raises(TemporaryError, match="was killed; nothing was changed"):
        await anext(parts)
