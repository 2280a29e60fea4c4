"""Campaigns, leads and claims on a real Postgres, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ccmiddleware.dialer import campaigns
from ccmiddleware.dialer.attempts import Claimed
from ccmiddleware.dialer.claiming import Claiming, Claims
from ccmiddleware.dialer.profile_files import builtin
from ccmiddleware.dialer.running import Campaign
from ccmiddleware.dialer.settings import parse_changes
from ccmiddleware.store.database import Database, Row

NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
"""A Monday, 10:00 in New York and Miami, 9:00 in Chicago."""
DAY = timedelta(days=1)
US, UK = builtin("us-ftc"), builtin("uk-ofcom")
SETTINGS = (
    "mode=predictive", "node=pbx1", "queue=sales", "profile=us-ftc", "trunks=one",
    "caller_ids=+12025550100", "seller_name=Acme", "seller_number=+12025550199",
    "purpose=winter offer",
)  # fmt: skip
PLACES = {
    "miami": ("US", ["America/New_York"], ["US-FL"]),
    "chicago": ("US", ["America/Chicago"], ["US-IL"]),
    "honolulu": ("US", ["Pacific/Honolulu"], ["US-HI"]),
    "london": ("GB", ["Europe/London"], []),
}


async def a_campaign(database: Database, name: str = "spring", *more: str) -> Campaign:
    settings = {**parse_changes(SETTINGS), **parse_changes(more)}
    async with campaigns.editing(database, name, by="ann", new=True) as edit:
        await edit.set(settings)
    async with campaigns.editing(database, name, by="ann") as edit:
        await edit.bring("start", "ann")
    return await as_set(database, name)


async def as_set(database: Database, name: str) -> Campaign:
    row = await campaigns.find(database, name)
    return Campaign(row["id"], name, row["revision"], row["settings"], US)


async def leads(
    database: Database, campaign: Campaign, *numbers: tuple[str, ...] | str, place: str = "miami",
    priority: int = 0,
) -> list[int]:  # fmt: skip
    """A lead for each, with its numbers; the ids."""
    made = []
    for one in numbers:
        row, *_ = await database.rows(
            """
            WITH l AS (
                INSERT INTO ccm.lead (campaign_id, place_id, next_at, consent, priority)
                VALUES ($1, (SELECT id FROM ccm.place WHERE zones = $2), $3, 'by web form', $4)
                RETURNING id, place_id)
            INSERT INTO ccm.lead_number (lead_id, ordinal, number, kind, place_id, evidence)
            SELECT l.id, n.ordinality, n.number, 'fixed', l.place_id, 'area code 305'
            FROM l, unnest($5::text[]) WITH ORDINALITY AS n (number) RETURNING lead_id
            """,
            campaign.id, PLACES[place][1], NOW - timedelta(hours=1), priority,
            [one] if isinstance(one, str) else list(one),
        )  # fmt: skip
        made.append(row["lead_id"])
    return made


def phone(number: int) -> str:
    return f"+1305222{number:04}"


def claiming(database: Database, term: int = 1, **given: Any) -> Claiming:
    return Claiming(database, "pbx1", term, **given)


async def claim(
    database: Database, campaign: Campaign, wanted: int = 10, now: datetime = NOW
) -> Claims:
    return await claiming(database).claim(campaign, ["one"] * wanted, now)


async def end(
    database: Database, claimed: Claimed, result: str, now: datetime, next_: object = None,
    **facts: object,
) -> bool:  # fmt: skip
    found: bool = await database.fetchval(
        "end_attempt", claimed.attempt, now, result, facts, next_ or {}
    )
    return found


async def lead(database: Database, id_: int) -> Row:
    return (await database.rows("SELECT * FROM ccm.lead WHERE id = $1", id_))[0]


async def count(database: Database, what: str) -> int:
    found: int = (await database.rows(f"SELECT count(*) FROM ccm.{what}"))[0][0]  # noqa: S608
    return found


async def with_places(database: Database, names: Sequence[str] = tuple(PLACES)) -> None:
    """The places of PLACES, in their order."""
    for name in names:
        country, zones, states = PLACES[name]
        await database.rows(
            "INSERT INTO ccm.place (country, zones, states) VALUES ($1, $2, $3) RETURNING id",
            country, zones, states,
        )  # fmt: skip
