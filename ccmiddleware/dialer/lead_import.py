"""Brings leads into a campaign: one transaction for a whole file, batch by batch.

Rows come checked (``lead_rows``, in processes of their own). Here they are compared with each
other, with the leads that are there and with the do-not-call list, and copied in. When anything
fails, or somebody interrupts it, nothing was changed. One import goes on at a time.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ccmiddleware.dialer.campaigns import Edit, noted
from ccmiddleware.dialer.lead_checking import Checked
from ccmiddleware.dialer.lead_rows import (
    LEAD_COLUMNS,
    NUMBER_COLUMNS,
    Batch,
    Lead,
    Number,
    PlaceKey,
    Refusal,
    Row,
)
from ccmiddleware.dialer.prefixes import Prefixes
from ccmiddleware.store.database import Database, Session

TRY_SECONDS = 0.5

NEW = b"new\t\\N"
LISTED = b"done\tdnc"
"""State and last result of new leads, as COPY has them."""


@dataclass(frozen=True)
class Policy:
    """What is done with what is there already."""

    keep_duplicates: bool = False
    """Numbers that stand in the file before, or are of the campaign."""
    keep_elsewhere: bool = True
    """Numbers of leads of other campaigns that are not stopped."""
    mark_listed: bool = False
    """Leads whose numbers are all on the do-not-call list become leads that are done."""
    strict: bool = False
    """One refusal, and nothing is imported."""


@dataclass
class Totals:
    """What came of a file."""

    rows: int = 0
    leads: int = 0
    numbers: int = 0
    listed: int = 0
    """Leads that came as done, since all their numbers are on the do-not-call list."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Rows, by reason."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Numbers of leads that came without them, by reason."""

    @property
    def refused(self) -> bool:
        """Whether anything was."""
        return bool(self.rejected or self.left_out)


class _NothingToKeep(Exception):
    """A dry run, or a strict import with something to refuse: roll back."""


Tell = Callable[[list[Row], list[Refusal]], None]
"""Hears of each batch its rows, and what was refused."""


@dataclass(frozen=True)
class Import:
    """One import: of which file, into which campaign, by whom, how."""

    campaign: str
    campaign_id: UUID
    file: str
    by: str
    now: datetime
    options: dict[str, Any]
    policy: Policy = field(default_factory=Policy)
    dry_run: bool = False


async def locked(session: Session, waiting: Callable[[], None]) -> None:
    """Wait until no other import goes on; ``waiting`` is called once when there is one."""
    told = False
    while not await session.fetchval("try_lock_imports"):
        if not told:
            waiting()
        told = True
        await asyncio.sleep(TRY_SECONDS)


async def import_leads(
    database: Database,
    wanted: Import,
    batches: Callable[[int], AsyncGenerator[Checked]],
    tell: Tell,
    waiting: Callable[[], None],
) -> Totals:
    """Import it; what came of it. ``batches``: the checked rows, for that number of the import.

    A dry run changes nothing, and neither does a strict import with something to refuse.
    """
    totals = Totals()
    try:
        async with database.transaction() as session:
            await locked(session, waiting)
            await session.fetchrow("import_settings")
            number = await session.fetchval(
                "begin_lead_import", wanted.campaign_id, wanted.file, wanted.by, wanted.options
            )
            taker = await _Taker.beginning(session, wanted, totals)
            async with aclosing(batches(number)) as parts:
                async for rows, batch in parts:
                    tell(rows, await taker.take(batch))
            if wanted.dry_run or (wanted.policy.strict and totals.refused):
                raise _NothingToKeep
            await _end(session, number, wanted, totals)
    except _NothingToKeep:
        pass
    return totals


async def _end(session: Session, number: int, wanted: Import, totals: Totals) -> None:
    await session.execute(
        "end_lead_import", number, totals.rows, totals.leads, totals.numbers, dict(totals.rejected)
    )
    row = await session.fetchrow("begin_campaign_edit", wanted.campaign)
    if row is not None and totals.leads:
        edit = Edit(session, **dict(row))
        edit.note("leads", None, f"{totals.leads} of {wanted.file}")
        await noted(edit, wanted.by)


class _Taker:
    """Takes batches into one campaign, within one transaction."""

    def __init__(
        self,
        session: Session,
        wanted: Import,
        totals: Totals,
        there: Mapping[str, Any],
        prefixes: Prefixes,
    ) -> None:
        self._totals = totals
        self._session = session
        self._wanted = wanted
        self._policy = wanted.policy
        self._look_for_ids = there["leads"]
        self._look_for_numbers = (there["leads"] and not wanted.policy.keep_duplicates) or (
            there["others"] and not wanted.policy.keep_elsewhere
        )
        self._look_for_listed = there["listed"]
        self._prefixes = prefixes
        self._ids: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        """Ids and numbers of the file so far, with their lines."""
        self._places: dict[PlaceKey, int] = {}

    @classmethod
    async def beginning(cls, session: Session, wanted: Import, totals: Totals) -> "_Taker":
        there = dict((await session.fetch("before_lead_import", wanted.campaign_id))[0])
        rows = await session.fetch("listed_prefixes", wanted.campaign_id, wanted.now)
        return cls(session, wanted, totals, there, Prefixes(row["number"] for row in rows))

    async def take(self, batch: Batch) -> list[Refusal]:
        """Copy in what can be taken; what is refused, in the order of the lines."""
        refused = list(batch.refused)
        taken = self._first_of_file(batch.leads, refused)
        taken = await self._not_there(taken, refused)
        with_marks = await self._not_listed(taken, refused)
        if not self._wanted.dry_run:
            await self._copy(with_marks, await self._place_ids(batch.places))
        self._count(with_marks, refused)
        return sorted(refused)

    # -- what is there already --------------------------------------------------------------

    def _first_of_file(self, leads: list[Lead], refused: list[Refusal]) -> list[Lead]:
        ids, numbers, keep = self._ids, self._numbers, self._policy.keep_duplicates
        taken = []
        for lead in leads:
            before = ids.get(lead.external_id) if lead.external_id else None
            if before is not None:
                refused.append(_before(lead, f"id {lead.external_id}", before))
                continue
            if not keep:
                twice = next((one for one in lead.numbers if one.number in numbers), None)
                if twice is not None:
                    refused.append(_before(lead, twice.number, numbers[twice.number]))
                    continue
                for one in lead.numbers:
                    numbers[one.number] = lead.at
            if lead.external_id:
                ids[lead.external_id] = lead.at
            taken.append(lead)
        return taken

    async def _not_there(self, leads: list[Lead], refused: list[Refusal]) -> list[Lead]:
        if self._look_for_ids:
            leads = await self._other_ids(leads, refused)
        if self._look_for_numbers and leads:
            leads = await self._other_numbers(leads, refused)
        return leads

    async def _other_ids(self, leads: list[Lead], refused: list[Refusal]) -> list[Lead]:
        wanted = [lead.external_id for lead in leads if lead.external_id]
        rows = await self._session.fetch("taken_external_ids", self._wanted.campaign_id, wanted)
        there = {row["external_id"] for row in rows}
        taken = []
        for lead in leads:
            if lead.external_id in there:
                text = f"id {lead.external_id} is that of a lead of {self._wanted.campaign}"
                refused.append(Refusal(lead.at, "in_campaign", text))
            else:
                taken.append(lead)
        return taken

    async def _other_numbers(self, leads: list[Lead], refused: list[Refusal]) -> list[Lead]:
        wanted = [one.number for lead in leads for one in lead.numbers]
        rows = await self._session.fetch("taken_numbers", self._wanted.campaign_id, wanted)
        there: dict[str, tuple[str, str]] = {}
        for row in rows:
            if row["here"] and not self._policy.keep_duplicates:
                there[row["number"]] = ("in_campaign", self._wanted.campaign)
            elif row["elsewhere"] is not None and not self._policy.keep_elsewhere:
                there[row["number"]] = ("elsewhere", row["elsewhere"])
        taken = []
        for lead in leads:
            of = next(
                ((one, there[one.number]) for one in lead.numbers if one.number in there), None
            )
            if of is None:
                taken.append(lead)
            else:
                text = f"{of[0].number} is that of a lead of {of[1][1]}"
                refused.append(Refusal(lead.at, of[1][0], text))
        return taken

    async def _not_listed(
        self, leads: list[Lead], refused: list[Refusal]
    ) -> list[tuple[Lead, bytes]]:
        """The leads that remain, with state and last result of each."""
        listed = await self._listed(leads)
        if not listed:
            return [(lead, NEW) for lead in leads]
        taken: list[tuple[Lead, bytes]] = []
        for lead in leads:
            free = tuple(one for one in lead.numbers if one.number not in listed)
            if len(free) == len(lead.numbers):
                taken.append((lead, NEW))
            elif free:
                refused += [
                    Refusal(lead.at, "dnc_number", _on_list(one), whole=False)
                    for one in lead.numbers
                    if one.number in listed
                ]
                taken.append((lead._replace(numbers=free), NEW))
            elif self._policy.mark_listed:
                taken.append((lead, LISTED))
            else:
                text = "; ".join(_on_list(one) for one in lead.numbers)
                refused.append(Refusal(lead.at, "dnc", text))
        return taken

    async def _listed(self, leads: list[Lead]) -> set[str]:
        if not self._look_for_listed and not self._prefixes:
            return set()
        numbers = [one.number for lead in leads for one in lead.numbers]
        found = {one for one in numbers if self._prefixes.of(one)}
        if self._look_for_listed:
            rows = await self._session.fetch(
                "listed_numbers", self._wanted.campaign_id, numbers, self._wanted.now
            )
            found |= {row["number"] for row in rows}
        return found

    # -- writing ----------------------------------------------------------------------------

    async def _place_ids(self, places: list[PlaceKey]) -> list[int]:
        new = [key for key in places if key not in self._places]
        if new:
            wanted = [
                {"country": country, "zones": zones, "states": states}
                for country, zones, states in new
            ]
            await self._session.execute("put_places", wanted)
            for row in await self._session.fetch("find_places", wanted):
                key = (row["country"], tuple(row["zones"]), tuple(row["states"]))
                self._places[key] = row["id"]
        return [self._places[key] for key in places]

    async def _copy(self, leads: list[tuple[Lead, bytes]], places: list[int]) -> None:
        if not leads:
            return
        rows = await self._session.fetch("new_lead_ids", len(leads))
        whole, parts = [], []
        for (lead, marks), row in zip(leads, rows, strict=True):
            id_ = row["id"]
            first = places[lead.numbers[0].place]
            whole.append(b"%d\t%d\t1\t%b\t%b" % (id_, first, marks, lead.line))
            for ordinal, one in enumerate(lead.numbers, 1):
                parts.append(b"%d\t%d\t%d\t%b" % (id_, ordinal, places[one.place], one.line))
        await self._session.copy("lead", LEAD_COLUMNS, b"".join(whole))
        await self._session.copy("lead_number", NUMBER_COLUMNS, b"".join(parts))

    def _count(self, leads: list[tuple[Lead, bytes]], refused: list[Refusal]) -> None:
        totals = self._totals
        rejected = [one for one in refused if one.whole]
        gone = {one.at for one in rejected}
        totals.rows += len(leads) + len(rejected)
        totals.leads += len(leads)
        totals.numbers += sum(len(lead.numbers) for lead, _ in leads)
        totals.listed += sum(marks is LISTED for _, marks in leads)
        totals.rejected.update(one.reason for one in rejected)
        totals.left_out.update(
            one.reason for one in refused if not one.whole and one.at not in gone
        )


def _before(lead: Lead, what: str, line: int) -> Refusal:
    return Refusal(lead.at, "in_file", f"{what} stands in line {line} too")


def _on_list(one: Number) -> str:
    return f"{one.number} is on the do-not-call list"
