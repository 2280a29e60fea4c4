"""Keeps the monthly partitions of the tables that grow for ever ahead of time."""

from datetime import datetime, timedelta

from ccmiddleware.store.database import Database

MONTHS = 4
"""The month before, this one and the next two: a daemon that is not restarted has time to try."""


async def ensure_partitions(database: Database, now: datetime) -> int:
    """Make the partitions around ``now`` that are missing; how many. Call it daily.

    A month that has none is not lost: its rows are in the default partition.
    """
    made: int = await database.fetchval("ensure_partitions", now - timedelta(days=31), MONTHS)
    return made
